"""Words that people bring along: options before the command, -f, folders, other tools' names."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from sealer.cli import COMMANDS, group
from sealer.cli._synonyms import COMMANDS as SYNONYMS
from sealer.cli._synonyms import KUBESEAL
from tests.cli.program import run

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: prod}\nstringData: {k: v}\n"
CERT = ("--cert", "../keys/cluster.pem")
KEY = ("--key", "../keys/cluster.key")


@pytest.fixture
def sealed(work: Path) -> Path:
    """Two sealed files below a folder, and a note that is none."""
    for name in ("a", "b"):
        (work / "apps" / name).mkdir(parents=True)
        (work / f"apps/{name}/db.yaml").write_text(SECRET.replace("db,", f"{name},"))
        assert run(work, *CERT, "-i", f"apps/{name}/db.yaml").returncode == 0
    (work / "apps/note.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: n}\n")
    return work


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(("-q", "keys", "list"), "there is no usable kubeconfig", id="a flag, a group"),
        pytest.param(("--context", "x", "cert"), "there is no usable", id="an option with a value"),
        pytest.param(("-q", "nothing.yaml", *CERT), "read nothing.yaml", id="a file after it"),
    ],
)
def test_options_before_the_command_are_the_commands(
    work: Path, words: tuple[str, ...], says: str
) -> None:
    assert says in run(work, *words).stderr


def test_quiet_before_the_command_is_quiet(sealed: Path) -> None:
    assert run(sealed, "verify", "apps/a/db.yaml", *KEY).stdout
    assert run(sealed, "-q", "verify", "apps/a/db.yaml", *KEY).stdout == ""


@pytest.mark.parametrize("word", sorted(SYNONYMS))
def test_a_word_of_another_tool_is_answered_with_ours(work: Path, word: str) -> None:
    done = run(work, word)
    assert done.returncode == 2
    assert f"it is called seal {SYNONYMS[word]}" in done.stderr


def test_each_synonym_leads_to_a_command_and_is_none() -> None:
    context = click.Context(group)
    for word, ours in SYNONYMS.items():
        assert word not in COMMANDS
        name, _, below = ours.partition(" ")
        if name == "--help":
            continue
        command = group.get_command(context, name)
        assert command is not None, ours
        assert not below or below in getattr(command, "commands", {}), ours


@pytest.mark.parametrize("flag", sorted(KUBESEAL))
def test_a_flag_of_kubeseal_is_answered_with_ours(work: Path, flag: str) -> None:
    done = run(work, flag, "x")
    assert done.returncode == 2
    assert f"here it is {KUBESEAL[flag]}" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("-f", "apps/a/db.yaml"), id="-f FILE"),
        pytest.param(("-fapps/a/db.yaml",), id="-fFILE"),
        pytest.param(("--filename", "apps/a/db.yaml"), id="--filename FILE"),
        pytest.param(("--filename=apps/a/db.yaml",), id="--filename=FILE"),
        pytest.param(("-f", "-"), id="standard input"),
    ],
)
def test_a_file_can_be_named_as_kubectl_does(sealed: Path, words: tuple[str, ...]) -> None:
    text = (sealed / "apps/a/db.yaml").read_text() if "-" in words else ""
    assert "prod/a" in run(sealed, "verify", *words, *KEY, text=text).stdout


def test_a_file_of_f_stands_in_the_place_of_the_first_argument(sealed: Path) -> None:
    done = run(sealed, "get", "k", "-f", "apps/a/db.yaml", *KEY)
    assert done.stdout == "v"
    removed = run(sealed, "set", "-f", "apps/a/db.yaml", "more", "@apps/note.yaml", *CERT)
    assert removed.returncode == 0, removed.stderr


def test_after_two_dashes_nothing_is_an_option(work: Path) -> None:
    assert "read -f: " in run(work, "verify", *KEY, "--", "-f").stderr


def test_every_command_that_reads_manifests_takes_f() -> None:
    context = click.Context(group)
    without = []
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        for one in getattr(command, "commands", {"": command}).values():
            arguments = {a.name for a in one.params if isinstance(a, click.Argument)}
            options = {word for o in one.params for word in o.opts}
            if arguments & {"files", "file", "paths", "objects", "into"} and "-f" not in options:
                without.append(f"{name} {one.name}")
    # A backup is no manifest; git names the files of its drivers.
    assert without == ["git textconv", "git merge-driver", "keys backup", "keys restore"] or (
        sorted(without) == sorted(["git textconv", "keys backup", "keys restore"])
    )


@pytest.mark.parametrize("command", ["verify", "unseal", "render"])
def test_a_folder_stands_for_the_sealed_files_below_it(sealed: Path, command: str) -> None:
    done = run(sealed, command, "apps", *KEY)
    assert done.returncode == 0, done.stderr
    both = run(sealed, command, "apps/a/db.yaml", "apps/b/db.yaml", *KEY)
    assert done.stdout == both.stdout
    (sealed / "empty").mkdir()
    assert "there is no SealedSecret below it" in run(sealed, command, "empty", *KEY).stderr


def test_sealing_a_folder_takes_its_secrets_and_leaves_the_rest(sealed: Path) -> None:
    (sealed / "apps/new.yaml").write_text(SECRET)
    before = {path: path.read_bytes() for path in sealed.rglob("*.yaml")}
    done = run(sealed, *CERT, "-i", "apps")
    assert done.returncode == 0, done.stderr
    changed = [path.name for path, text in before.items() if path.read_bytes() != text]
    assert changed == ["new.yaml"]
    assert "apps/a/db.yaml: is already sealed" in done.stderr


def test_a_file_below_a_folder_that_cannot_be_read_is_no_silence(sealed: Path) -> None:
    (sealed / "apps/broken.yaml").write_text("kind: SealedSecret\n  x: [\n")
    done = run(sealed, "verify", "apps", *KEY)
    assert done.returncode == 1
    assert "apps/broken.yaml" in done.stderr


@pytest.mark.parametrize("name", ["keys", "git", "vault"])
def test_a_group_without_a_command_prints_its_help(work: Path, name: str) -> None:
    done = run(work, name)
    assert done.returncode == 0
    assert done.stdout == run(work, name, "--help").stdout
    assert done.stderr == ""


def test_an_address_without_a_scheme_is_told_as_that(work: Path) -> None:
    done = run(work, "cert", "--controller-url", "127.0.0.1:9")
    assert "--controller-url is not an address that begins with https://" in done.stderr


def test_a_usage_error_is_one_line_without_escapes(work: Path) -> None:
    done = run(work, "completion")
    assert "\\t" not in done.stderr
    assert done.stderr.count("seal: error: ") == 1


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("check", "."), id="a rule file that cannot be read"),
        pytest.param(("verify", "apps", "--controller-url", "http://127.0.0.1:9"), id="no answer"),
        pytest.param(("status",), id="no kubeconfig"),
        pytest.param(("diff", "--exit-code", "nothing"), id="no repository"),
    ],
)
def test_a_command_that_judges_and_could_not_look_exits_with_3(
    sealed: Path, words: tuple[str, ...]
) -> None:
    (sealed / ".seal.toml").write_text("[[rule]\n")
    done = run(sealed, *words)
    assert done.returncode == 3, done.stderr


def test_a_check_counts_what_was_asked_for(sealed: Path) -> None:
    assert (
        "0 findings (1 SealedSecret, 0 kustomizations)"
        in run(sealed, "check", "--raw-only", "apps/a").stderr
    )
    (sealed / "empty").mkdir()
    assert "nothing was looked at" in run(sealed, "check", "--raw-only", "empty").stderr
    assert "nothing was looked at" not in run(sealed, "check", "--raw-only", "apps").stderr
