"""Which cluster, user and namespace: as client-go decides it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sealer.kubeseal.kubeconfig import Kubeconfig, KubeconfigError
from sealer.kubeseal.options import flag_set, read

ONE = {
    "current-context": "one",
    "contexts": [
        {"name": "one", "context": {"cluster": "k", "user": "u", "namespace": "n1"}},
        {"name": "bare", "context": {"cluster": "k"}},
    ],
    "clusters": [
        {
            "name": "k",
            "cluster": {
                "server": "https://one",
                "certificate-authority-data": "QUJD",
                "tls-server-name": "name",
            },
        }
    ],
    "users": [
        {"name": "u", "user": {"client-certificate-data": "QQ==", "client-key-data": "QQ=="}}
    ],
}
TWO = {
    "current-context": "two",
    "contexts": [{"name": "two", "context": {"cluster": "k2", "user": "u2"}}],
    "clusters": [{"name": "k", "cluster": {"server": "https://late"}}, {"name": "k2"}],
    "users": [{"name": "u2", "user": {"exec": {"command": "./bin/login"}, "tokenFile": "t"}}],
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with both kubeconfigs."""
    (tmp_path / "one").write_text(json.dumps(ONE))
    (tmp_path / "two").write_text(json.dumps(TWO))
    return tmp_path


def config(home: Path, arguments: str = "", **environment: str) -> Kubeconfig:
    """The configuration that these flags and variables make; both files by default."""
    flags = read(flag_set(), arguments.split(), {})
    variables = {"KUBECONFIG": f"{home}/one:{home}/gone:{home}/two", **environment}
    return Kubeconfig(flags.cluster, variables, flags.kubeconfig)


def cluster_of(found: Kubeconfig) -> dict[str, Any]:
    """The one cluster of the result."""
    cluster: dict[str, Any] = found.resolve()["clusters"][0]["cluster"]
    return cluster


def user_of(found: Kubeconfig) -> dict[str, Any]:
    """The one user of the result."""
    user: dict[str, Any] = found.resolve()["users"][0]["user"]
    return user


def test_the_first_file_to_say_something_wins(home: Path) -> None:
    found = config(home)
    assert cluster_of(found)["server"] == "https://one"
    assert found.place() == ("n1", False)


def test_the_namespace_of_a_context_without_one_is_default(home: Path) -> None:
    assert config(home, "--context bare").place() == ("default", False)
    assert config(home, "--context gone -n mine").place() == ("mine", True)


def test_the_home_folder_is_looked_into(home: Path) -> None:
    (home / ".kube").mkdir()
    (home / ".kube" / "config").write_text(json.dumps(ONE))
    assert config(home, KUBECONFIG="", HOME=str(home)).place() == ("n1", False)


def test_paths_count_from_the_files_folder(home: Path) -> None:
    user = user_of(config(home, "--user u2"))
    assert user["tokenFile"] == str(home / "t")
    assert user["exec"]["command"] == str(home / "bin" / "login")


def test_paths_count_from_the_files_folder_where_it_is_named_from_here(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    user = user_of(config(home, "--user u2", KUBECONFIG="one:two"))
    assert user["exec"]["command"] == str(home / "bin" / "login")


def test_flags_win(home: Path) -> None:
    flags = "--server https://x --token t --as me --as-group g --as-group h"
    found = config(home, flags)
    assert cluster_of(found) == {"server": "https://x", "certificate-authority-data": "QUJD"}
    user = user_of(found)
    assert (user["token"], user["as"], user["as-groups"]) == ("t", "me", ["g", "h"])


def test_an_unchecked_server_needs_no_authority(home: Path) -> None:
    cluster = cluster_of(config(home, "--insecure-skip-tls-verify --tls-server-name other"))
    assert cluster == {
        "server": "https://one",
        "tls-server-name": "other",
        "insecure-skip-tls-verify": True,
    }


def test_a_client_certificate_by_flag_takes_the_place_of_the_data(home: Path) -> None:
    for name in ("c", "k"):
        (home / name).write_text("")
    flags = f"--client-certificate {home}/c --client-key {home}/k"
    assert user_of(config(home, flags)) == {
        "client-certificate": f"{home}/c",
        "client-key": f"{home}/k",
    }


def test_a_server_by_variable(home: Path) -> None:
    found = config(home, KUBECONFIG="", KUBERNETES_MASTER="http://m")
    assert cluster_of(found) == {"server": "http://m"}
    with pytest.raises(KubeconfigError, match="no configuration has been provided"):
        config(home, KUBECONFIG="").resolve()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param("- a\n", "it is not a mapping", id="list"),
        pytest.param("clusters: x\n", "bad clusters", id="clusters that are no list"),
        pytest.param("users: [x]\n", "bad users", id="a user that is no mapping"),
        pytest.param("contexts: [{context: x}]\n", "bad contexts", id="a context that is none"),
        pytest.param(b"\xff\xfe", "yaml: invalid UTF-8", id="not text"),
        pytest.param("a: 1\na: 2\n", "the key is there twice", id="key twice"),
        pytest.param("a: 1\na: 2\nb: 1\nb: 1\n", "is there twice", id="two keys twice"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    content: str | bytes, problem: str, home: Path
) -> None:
    bad = home / "bad"
    bad.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(KubeconfigError, match=f'config file "{bad}": .*{problem}'):
        config(home, f"--kubeconfig {bad}").resolve()


def test_a_file_that_cannot_be_read_is_named(home: Path) -> None:
    with pytest.raises(KubeconfigError, match="is a directory"):
        config(home, f"--kubeconfig {home}").resolve()


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        pytest.param(
            "--cluster k2 --user u2", "cluster has no server|no configuration", id="empty"
        ),
        pytest.param("--as-uid 7", "without impersonating a user", id="uid alone"),
        pytest.param("--context gone", 'context "gone" does not exist', id="no context"),
        pytest.param("--client-certificate /gone", "unable to read client-cert /gone", id="file"),
    ],
)
def test_what_does_not_fit_is_told(flags: str, problem: str, home: Path) -> None:
    with pytest.raises(KubeconfigError, match=problem):
        config(home, flags).resolve()


def test_a_cluster_of_two_authorities_or_no_server_is_told(home: Path) -> None:
    cluster = {"certificate-authority-data": "QQ==", "certificate-authority": "one"}
    file = home / "three"
    file.write_text(json.dumps({"clusters": [{"name": "c", "cluster": cluster}]}))
    with pytest.raises(KubeconfigError) as caught:
        config(home, f"--kubeconfig {file} --cluster c").resolve()
    assert 'no server found for cluster "c"' in caught.value.message
    assert "are both specified for c" in caught.value.message
    with pytest.raises(KubeconfigError, match="default cluster has no server defined"):
        config(home, "--context bare --insecure-skip-tls-verify", KUBECONFIG="").place()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("0", None, id="no limit"),
        pytest.param("90", 90.0, id="bare number"),
        pytest.param("1h2m3s", 3723.0, id="several units"),
        pytest.param("1.5s", 1.5, id="fraction"),
        pytest.param("250ms", 0.25, id="milliseconds"),
    ],
)
def test_time_limits(text: str, seconds: float | None, home: Path) -> None:
    assert config(home, f"--request-timeout {text}").timeout == seconds


@pytest.mark.parametrize("text", ["s", "5x", "1.2.3s", "-1s", ".s"])
def test_a_time_limit_that_is_none(text: str, home: Path) -> None:
    with pytest.raises(KubeconfigError, match="Invalid timeout value"):
        _ = config(home, f"--request-timeout={text}").timeout
