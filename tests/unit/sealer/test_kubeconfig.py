"""Kubeconfigs that cannot be used, or whose plug-in fails: told by place, and nothing quoted."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from sealer.cluster.answer import ClusterError
from sealer.cluster.apiserver import ApiServer
from sealer.cluster.location import Location

PLUGIN = "client.authentication.k8s.io/v1beta1"


def kubeconfig(folder: Path, user: dict[str, Any], **more: Any) -> Location:
    """A kubeconfig for a server that nobody asks."""
    value = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "u", "user": user}],
        **more,
    }
    path = folder / "config"
    path.write_text(json.dumps(value))
    return Location(kubeconfig=str(path))


def with_plugin(folder: Path, script: str) -> Location:
    """A kubeconfig with an exec plug-in beside it."""
    plugin = folder / "login.sh"
    plugin.write_text(f"#!/bin/sh\necho canary >&2\n{script}\n")
    plugin.chmod(0o755)
    return kubeconfig(folder, {"exec": {"apiVersion": PLUGIN, "command": "./login.sh"}})


def answer(status: dict[str, str]) -> str:
    """A script that prints an ExecCredential."""
    return (
        f"echo '{json.dumps({'apiVersion': PLUGIN, 'kind': 'ExecCredential', 'status': status})}'"
    )


def refused(location: Location) -> ClusterError:
    with pytest.raises(ClusterError) as caught:
        assert ApiServer(location).url
    return caught.value


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param("exit 3", "./login.sh ended with status 3", id="it fails"),
        pytest.param("echo '{canary'", "./login.sh gave no credentials", id="no JSON"),
        pytest.param(answer({"canary": "x"}), "./login.sh gave no credentials", id="no token"),
        pytest.param(
            answer({"clientCertificateData": "canary"}), "gave no credentials", id="half a pair"
        ),
        pytest.param(answer({"token": "canary\\nx"}), "holds a line end", id="a bad token"),
    ],
)
def test_a_plugin_that_gives_no_credentials_ends_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], script: str, words: str
) -> None:
    location = with_plugin(tmp_path, script)
    handlers = list(logging.getLogger().handlers)
    error = refused(location)
    assert words in error.message
    out, err = capfd.readouterr()
    assert "canary" not in error.message + str(error.hint) + out + err
    assert logging.getLogger().handlers == handlers


def test_a_plugin_that_is_not_there_ends_it(tmp_path: Path) -> None:
    user = {"exec": {"apiVersion": PLUGIN, "command": "./nothing.sh"}}
    assert "./nothing.sh gave no credentials" in refused(kubeconfig(tmp_path, user)).message


def test_a_plugin_that_gives_a_token_is_taken(tmp_path: Path) -> None:
    server = ApiServer(with_plugin(tmp_path, answer({"token": "t"})))
    assert server.url == "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("a: b\nusers: [{token: canary\n", "config: line 3 is not valid", id="cut"),
        pytest.param("- canary\n", "cannot use the kubeconfig", id="a list"),
        pytest.param("canary\n", "cannot use the kubeconfig", id="a word"),
        pytest.param("", "cannot use the kubeconfig", id="empty"),
        pytest.param("current-context: [canary]\n", "cannot use the kubeconfig", id="a field"),
        pytest.param("users: canary\n", "cannot use the kubeconfig", id="no list"),
        pytest.param("a: \x01canary\n", "cannot use the kubeconfig", id="control characters"),
    ],
)
def test_a_damaged_kubeconfig_is_told_by_its_place(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    error = refused(Location(kubeconfig=str(path)))
    assert words in error.message
    assert str(path) in error.message
    assert "canary" not in error.message


def test_numbers_where_text_belongs_are_told(tmp_path: Path) -> None:
    clusters = [{"name": "c", "cluster": {"server": 7}}]
    assert "cannot use" in refused(kubeconfig(tmp_path, {"token": 5}, clusters=clusters)).message
