"""Which certificate is believed: by fingerprint, by what a place served before, by its old key."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from sealer.cli import _ui, group
from sealer.keys.pair import KeyPair
from sealer.keys.succession import key_list
from tests.cli.test_certificate_sources import SECRET, controller, server
from tests.sealing_keys import pair
from tests.tree import SEAL, Tree, make_tree, sealed_yaml

ONE, TWO = pair("one").fingerprint, pair("two").fingerprint


class Here:
    """``seal`` in this process, as most of this is a hundred runs: a tree, and who asks in it."""

    def __init__(self, tree: Tree, patch: pytest.MonkeyPatch, out: pytest.CaptureFixture[str]):
        self.tree, self._patch, self._out = tree, patch, out
        patch.chdir(tree.root)
        for name in [name for name in os.environ if name.startswith(("SEAL", "XDG_", "KUBE"))]:
            patch.delenv(name)
        for name, value in {**tree.environment, **editor(tree)}.items():
            patch.setenv(name, value)

    def seal(self, *arguments: str, status: int = 0) -> Said:
        """Run it without a terminal."""
        self._patch.setattr(sys, "argv", ["seal", *arguments])
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        handlers = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP)}
        try:
            code = _ui.run(group, "seal")
        finally:
            for one, handler in handlers.items():
                signal.signal(one, handler)
        said = Said(*self._out.readouterr())
        assert code == status, f"{arguments}: {code}\n{said.stderr}"
        return said

    def believe(self, url: str, key: str = "one") -> None:
        """As if an earlier run had been served the certificate of this key there."""
        path = self.tree.home / ".local/state/seal/known-certificates"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{pair(key).fingerprint} 2026-01-01 {url}/v1/cert.pem\n")


class Said(NamedTuple):
    """What a run printed."""

    stdout: str
    stderr: str


class Place:
    """A controller whose key may change, and that may announce what is next."""

    def __init__(self) -> None:
        self.key = "one"
        self.keys: tuple[KeyPair, ...] = ()
        self.asked: list[str] = []

    def answer(self, path: str, body: bytes) -> tuple[int, bytes, str]:
        self.asked.append(path)
        path = path.partition("?")[0]
        if path.endswith("/keys.json"):
            listed = json.dumps(key_list(self.keys)).encode()
            return (200, listed, "") if self.keys else (404, b"", "")
        return controller("one", self.key)(path, body)


@contextmanager
def serving() -> Iterator[tuple[str, Place]]:
    place = Place()
    with server(place.answer) as url:
        yield url, place


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A repository with a Secret, a SealedSecret, and what each writer is given."""
    tree = make_tree(tmp_path)
    tree.git("init", "-q")
    tree.write("s.yaml", SECRET)
    tree.write("db.yaml", sealed_yaml({"password": "hunter2"}))
    return tree


@pytest.fixture
def here(tree: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(tree, monkeypatch, capsys)


# Every command that writes ciphertext; ``@`` stands for where the certificate comes from.
WRITERS = {
    "seal": ("s.yaml", "@"),
    "seal-in-place": ("-i", "s.yaml", "@"),
    "set": ("set", "db.yaml", "more", "@s.yaml", "@"),
    "set-new-file": ("set", "new.yaml", "k", "@s.yaml", "--name", "n", "--namespace", "x", "@"),
    "edit": ("edit", "db.yaml", "@"),
    "merge": ("merge", "-i", "db.yaml", "s.yaml", "@"),
    "raw": ("raw", "s.yaml", "--name", "n", "--namespace", "x", "@"),
    "reencrypt-with-keys": ("reencrypt", "-i", "db.yaml", "--key", "one.key", "@"),
    "reencrypt-by-controller": ("reencrypt", "-i", "db.yaml", "--no-journal", "@"),
    "page": ("page", "-o", "seal.html", "@"),
    "cert-kept": ("cert", "-w", "kept.pem", "@"),
}
ONLY_URL = {"page"}
BY_URL = [name for name in WRITERS if name != "reencrypt-by-controller"]
writers = pytest.mark.parametrize("writer", WRITERS)


def words(writer: str, *where: str) -> tuple[str, ...]:
    if writer in ONLY_URL and where[0] == "--controller-url":
        where = ("--cert", f"{where[1]}/v1/cert.pem", *where[2:])
    return (*WRITERS[writer][:-1], *where)


def editor(tree: Tree) -> dict[str, str]:
    path = tree.write("editor.sh", "#!/bin/sh\nprintf 'fresh: added-by-hand\\n' >> \"$1\"\n")
    path.chmod(0o755)
    return {"EDITOR": str(path), "VISUAL": ""}


def files(tree: Tree) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in tree.root.iterdir() if path.is_file()}


def known(tree: Tree) -> str:
    path = tree.home / ".local/state/seal/known-certificates"
    return path.read_text() if path.exists() else ""


@writers
def test_no_writer_uses_another_certificate_than_the_one_that_is_named(
    here: Here, writer: str
) -> None:
    before = files(here.tree)
    with serving() as (url, place):
        place.key = "two"
        where = ("--controller-url", url, "--fingerprint", ONE)
        done = here.seal(*words(writer, *where), status=1)
    assert f"expected {ONE}, got {TWO}" in done.stderr
    assert done.stdout == ""
    assert files(here.tree) == before


@writers
def test_no_writer_uses_another_certificate_than_its_place_served_before(
    here: Here, writer: str
) -> None:
    with serving() as (url, place):
        here.believe(url)
        before = files(here.tree)
        place.key = "two"
        where = ("--controller-url", url)
        done = here.seal(*words(writer, *where), status=1)
        assert f"{ONE} before, {TWO} now" in done.stderr
        assert "--accept-new-certificate" in done.stderr
        assert done.stdout == ""
        assert files(here.tree) == before
        again = (*where, "--accept-new-certificate")
        told = here.seal(*words(writer, *again)).stderr
        assert f"{ONE} before, {TWO} now" in told
    assert TWO in known(here.tree)
    assert ONE not in known(here.tree)


@writers
def test_every_writer_follows_a_key_that_the_known_one_announced(here: Here, writer: str) -> None:
    with serving() as (url, place):
        here.believe(url)
        place.key, place.keys = "two", (pair("two"), pair("one"))
        where = ("--controller-url", url)
        told = here.seal(*words(writer, *where)).stderr
        assert f"announced by the one that was known: {TWO}" in told
        assert TWO in known(here.tree)
        # What was known is left behind: the older key is a stranger's now.
        place.key, place.keys = "one", (pair("one"), pair("two"))
        place.keys = (pair("one"),)
        here.seal("s.yaml", *where, status=1)


@pytest.mark.parametrize("writer", BY_URL)
def test_a_certificates_url_is_the_same_place(here: Here, writer: str) -> None:
    with serving() as (url, place):
        here.believe(url)
        place.key = "two"
        where = ("--cert", f"{url}/v1/cert.pem")
        here.seal(*words(writer, *where), status=1)
        place.keys = (pair("two"), pair("one"))
        here.seal(*words(writer, *where))


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param((pair("two"), pair("three")), id="by-a-stranger"),
        pytest.param((pair("one"), pair("two")), id="the-other-way-round"),
    ],
)
def test_a_key_that_others_announced_is_not_followed(here: Here, keys: tuple[KeyPair]) -> None:
    with serving() as (url, place):
        here.believe(url)
        place.key, place.keys = "two", keys
        here.seal("s.yaml", "--controller-url", url, status=1)


def test_the_first_use_is_told_and_asks_for_no_list(here: Here) -> None:
    with serving() as (url, place):
        told = here.seal("s.yaml", "--controller-url", url).stderr
        assert f"its certificate is used for the first time: {ONE}" in told
        assert "first time" not in here.seal("s.yaml", "--controller-url", url).stderr
        assert place.asked == ["/v1/cert.pem", "/v1/cert.pem"]
    path = here.tree.home / ".local/state/seal/known-certificates"
    assert path.stat().st_mode & 0o777 == 0o600
    assert f"{ONE} " in path.read_text()
    assert f"{url}/v1/cert.pem" in path.read_text()


def test_each_place_is_known_by_itself_and_without_its_password(here: Here) -> None:
    with serving() as (url, _), serving() as (other, place):
        place.key = "two"
        here.seal("s.yaml", "--controller-url", url)
        here.seal("s.yaml", "--cert", other.replace("//", "//me:hunter2@") + "/v1/cert.pem?s=sig")
    assert "hunter2" not in known(here.tree)
    assert "sig" not in known(here.tree)
    assert len(known(here.tree).splitlines()) == 2


def test_a_file_is_vouched_for_by_whoever_keeps_it(here: Here) -> None:
    for key in ("one", "two"):
        here.tree.write("cluster.pem", pair(key).certificate.pem)
        assert here.seal("s.yaml", "--cert", "cluster.pem").stderr == ""
    assert known(here.tree) == ""
    told = here.seal("s.yaml", "--cert", "cluster.pem", "--fingerprint", ONE, status=1).stderr
    assert f"expected {ONE}, got {TWO}" in told
    capitals = ":".join(TWO[at : at + 2].upper() for at in range(0, 64, 2))
    here.seal("s.yaml", "--cert", "cluster.pem", "--fingerprint", capitals)


@pytest.mark.parametrize("text", ["x", ONE[:-2], "s.yaml"], ids=["letter", "cut", "file"])
def test_a_fingerprint_that_is_not_one_is_refused(here: Here, text: str) -> None:
    told = here.seal("s.yaml", "--cert", "one.pem", "--fingerprint", text, status=2).stderr
    assert "64 hex digits" in told


class TestRules:
    """``fingerprint`` in .seal.toml."""

    def rule(self, here: Here, text: str) -> None:
        here.tree.write(".seal.toml", f'[[rule]]\npath = "*.yaml"\n{text}\n')

    @pytest.mark.parametrize(
        "writer", [name for name in WRITERS if name not in ("raw", "cert-kept", "page")]
    )
    def test_every_writer_holds_its_files_rule(self, here: Here, writer: str) -> None:
        self.rule(here, f'fingerprint = "{ONE}"')
        before = files(here.tree)
        with serving() as (url, place):
            place.key = "two"
            where = ("--controller-url", url)
            told = here.seal(*words(writer, *where), status=1).stderr
            assert f"expected {ONE}, got {TWO}" in told
            assert files(here.tree) == before
            place.keys = (pair("two"), pair("one"))
            here.seal(*words(writer, *where))
        # A rule may come with somebody's branch: it teaches the user's own file nothing.
        assert known(here.tree) == ""

    @pytest.mark.parametrize("cert", ["two.pem", "URL/v1/cert.pem"])
    def test_it_holds_for_the_rules_own_certificate(self, here: Here, cert: str) -> None:
        with serving() as (url, place):
            place.key = "two"
            self.rule(here, f'cert = "{cert.replace("URL", url)}"\nfingerprint = "{ONE}"')
            here.seal("s.yaml", status=1)
            self.rule(
                here, f'cert = "{cert.replace("URL", url)}"\nfingerprint = ["{ONE}", "{TWO}"]'
            )
            here.seal("s.yaml")

    def test_it_holds_for_a_certificate_by_option_or_environment_too(
        self, here: Here, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.rule(here, f'fingerprint = "{ONE}"')
        here.seal("s.yaml", "--cert", "two.pem", status=1)
        monkeypatch.setenv("SEALED_SECRETS_CERT", "two.pem")
        here.seal("s.yaml", status=1)
        here.seal("s.yaml", "--cert", "two.pem", "--fingerprint", TWO)

    def test_it_holds_for_each_output(self, here: Here) -> None:
        self.rule(
            here,
            f'cert = ["one.pem", "two.pem"]\nfingerprint = "{ONE}"\n'
            'output = "out/{cert}/{name}"',
        )
        told = here.seal("s.yaml", status=1).stderr
        assert "two.pem" in told
        assert not (here.tree.root / "out").exists()

    @pytest.mark.parametrize("value", ['""', "[]", '"ab"', "7", '["x"]'])
    def test_one_that_is_not_a_fingerprint_is_an_error(self, here: Here, value: str) -> None:
        self.rule(here, f"fingerprint = {value}")
        told = here.seal("s.yaml", "--cert", "one.pem", status=1).stderr
        assert "fingerprint" in told


class TestFile:
    """What is remembered."""

    def test_a_line_that_is_damaged_ends_it_and_a_deleted_one_is_forgotten(
        self, here: Here
    ) -> None:
        path = here.tree.home / ".local/state/seal/known-certificates"
        with serving() as (url, place):
            where = ("--controller-url", url)
            here.seal("s.yaml", *where)
            path.write_text("garbage\n")
            assert "line 1 cannot be understood" in here.seal("s.yaml", *where, status=1).stderr
            path.write_text("")
            place.key = "two"
            assert "first time" in here.seal("s.yaml", *where).stderr

    def test_where_nothing_can_be_kept_each_use_is_a_first_one_and_says_so(
        self, here: Here
    ) -> None:
        (here.tree.home / ".local").write_text("no directory")
        with serving() as (url, _):
            told = here.seal("s.yaml", "--controller-url", url).stderr
        assert "is not remembered" in told

    def test_a_relative_directory_is_not_used_for_it_would_be_the_trees(
        self, here: Here, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_STATE_HOME", "state")
        with serving() as (url, _):
            here.seal("s.yaml", "--controller-url", url)
        assert not (here.tree.root / "state").exists()
        assert ONE in known(here.tree)

    def test_quiet_runs_say_nothing_of_a_first_use(self, here: Here) -> None:
        with serving() as (url, _):
            assert here.seal("-q", "s.yaml", "--controller-url", url).stderr == ""


@pytest.mark.parametrize(("typed", "status"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_a_person_is_asked(tree: Tree, typed: str, status: int) -> None:
    with serving() as (url, place):
        tree.seal("s.yaml", "--controller-url", url)
        place.key = "two"
        ours, theirs = pty.openpty()
        os.write(ours, typed.encode())
        done = subprocess.run(
            [SEAL, "s.yaml", "--controller-url", url],
            cwd=tree.root,
            env=tree.environment,
            stdin=theirs,
            stderr=theirs,
            stdout=subprocess.PIPE,
            check=False,
            timeout=60,
        )
        told = os.read(ours, 65536).decode()
        os.close(theirs)
        os.close(ours)
    assert done.returncode == status
    assert ONE in told
    assert TWO in told
    assert "seal with the new certificate from now on?" in told
    assert (b"SealedSecret" in done.stdout) == (status == 0)
    assert (TWO in known(tree)) == (status == 0)


def test_kubeseals_command_line_asks_nobody_and_remembers_nothing(tree: Tree) -> None:
    with serving() as (url, place):
        where = ("kubeseal", "--cert", f"{url}/v1/cert.pem", "-f", "s.yaml")
        tree.seal(*where)
        place.key = "two"
        assert "encryptedData" in tree.seal(*where).stdout
    assert known(tree) == ""


def test_a_controller_that_swaps_values_of_one_size_changes_nothing(tree: Tree) -> None:
    tree.write("db.yaml", sealed_yaml({"admin": "hunter22", "guest": "password"}))
    before = (tree.root / "db.yaml").read_bytes()

    def swapped(path: str, body: bytes) -> tuple[int, bytes, str]:
        if path.endswith("cert.pem"):
            return 200, pair("two").certificate.pem, ""
        manifest = json.loads(body)
        items = manifest["spec"]["encryptedData"]
        items["admin"], items["guest"] = items["guest"], items["admin"]
        return 200, json.dumps(manifest).encode(), ""

    with server(swapped) as url:
        told = tree.seal("reencrypt", "-i", "db.yaml", "--controller-url", url, status=1).stderr
    assert "the value of another key" in told
    assert (tree.root / "db.yaml").read_bytes() == before
