"""`seal reencrypt` over a tree: only ciphertext changes, whatever the files look like."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sealer import SealedSecret, read_documents, to_json
from sealer.cli._ui import UI
from sealer.errors import SealerError
from sealer.files.atomic import ChangedError
from sealer.rotation.renewal import Items
from sealer.rotation.reseal_files import reseal_files
from sealer.unsealing import open_items
from tests import sealing_keys
from tests.rotation import corpus
from tests.testbed import binaries
from tests.testbed.fixtures import need
from tests.tree import Tree, sealed_yaml

FILES = 2000


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file's bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def skeleton(text: bytes) -> bytes:
    """A file without its ciphertext, and without whose that is."""
    text = re.sub(rb"(certificate-fingerprint[\"']?: [\"']?)[0-9a-f]{64}", rb"\1<which>", text)
    return re.sub(rb"A[QgA-Za-z][A-Za-z0-9+/=\s]{300,}[A-Za-z0-9+/]=*", b"<sealed>", text)


def grow(tree: Tree, count: int) -> Path:
    """Write the corpus below ``apps``."""
    for name, text in corpus.files(count):
        tree.write(f"apps/{name}", text)
    return tree.root / "apps"


def opened(folder: Path, key: str) -> dict[str, dict[str, str]]:
    """Open everything below a folder with one key."""
    ring = sealing_keys.ring(key)
    found: dict[str, dict[str, str]] = {}
    for path in folder.rglob("*"):
        for document in read_documents(path.read_text("utf-8-sig"), "x") if path.is_file() else ():
            for one in document.resources() if not document.is_empty else ():
                if one.kind == "SealedSecret":
                    sealed = SealedSecret.from_dict(one.value)
                    items = open_items(sealed, ring).items()
                    found[sealed.name] = {k: v.decode() for k, (v, _) in items}
    return found


def test_two_thousand_files_change_in_their_ciphertext_only(tree: Tree) -> None:
    need("kubeseal")
    apps = grow(tree, FILES)
    before = snapshot(apps)
    keys = ("--key", "one.key", "--key", "two.key")
    done = tree.seal("reencrypt", "apps", *keys, "--cert", "two.pem", "-i")
    assert f"{FILES} files changed, 0 left as they are" in done.stderr
    after = snapshot(apps)
    assert after.keys() == before.keys()
    for name, text in before.items():
        assert text != after[name]
        assert skeleton(text) == skeleton(after[name]), name
    assert _opened_by_kubeseal(tree, apps) == {f"db-{n}" for n in range(FILES)}
    assert opened(apps, "two") == {f"db-{n}": corpus.values(n) for n in range(FILES)}
    again = tree.seal("reencrypt", "apps", *keys, "--cert", "two.pem", "-i")
    assert f"0 files changed, {FILES} left as they are" in again.stderr
    assert snapshot(apps) == after


def _opened_by_kubeseal(tree: Tree, apps: Path) -> set[str]:
    """Open every SealedSecret with the real kubeseal and the new key alone; return their names.

    kubeseal takes no List and no other kinds: it gets each SealedSecret as it stands.
    """
    command = (str(binaries.path("kubeseal")), "--recovery-unseal", "--recovery-private-key")

    def name_of(manifest: dict[str, Any]) -> str:
        name = str(manifest["metadata"]["name"])
        tree.write(f"opened/{name}.json", to_json(manifest))
        text = tree.run(*command, "two.key", "-f", f"opened/{name}.json").stdout
        assert json.loads(text)["metadata"]["name"] == name
        return name

    found = [
        one.value
        for path in sorted(apps.rglob("*"))
        if path.is_file()
        for document in read_documents(path.read_text("utf-8-sig"), "x")
        if not document.is_empty
        for one in document.resources()
        if one.kind == "SealedSecret"
    ]
    with ThreadPoolExecutor(4) as pool:
        return set(pool.map(name_of, found))


def test_a_run_without_the_new_private_key_goes_on_and_may_be_repeated(tree: Tree) -> None:
    apps = grow(tree, 16)
    # The first run did half of it.
    old_only = ("--key", "one.key", "--cert", "two.pem", "-i")
    half = [str(path.relative_to(tree.root)) for path in sorted(apps.rglob("*"))[-9:]]
    tree.seal("reencrypt", *[name for name in half if "." in name], *old_only)
    done = tree.seal("reencrypt", "apps", *old_only)
    assert "left as they are" in done.stderr
    assert "0 files changed" not in done.stderr
    after = snapshot(apps)
    assert "0 files changed, 16 left" in tree.seal("reencrypt", "apps", *old_only).stderr
    assert snapshot(apps) == after
    assert len(opened(apps, "two")) == 16


def test_a_file_that_fails_is_left_whole_and_keeps_no_other_from_being_done(tree: Tree) -> None:
    grow(tree, 8)
    mixed = sealed_yaml({"a": "1"}, name="x") + "---\n" + sealed_yaml({"b": "2"}, key="three")
    bad = tree.write("apps/mixed.yaml", mixed)
    broken = tree.write("apps/broken.yaml", "kind: SealedSecret\n  bad: [\n")
    helm = tree.write("apps/chart.yaml", "{{ if .Values.x }}\nkind: Other\n{{ end }}\n")
    done = tree.seal("reencrypt", "apps", "--key", "one.key", "--cert", "two.pem", "-i", status=1)
    assert "8 files changed" in done.stderr
    assert "apps/mixed.yaml:" in done.stderr
    assert "no key could decrypt it" in done.stderr
    assert "apps/broken.yaml:" in done.stderr
    assert "chart.yaml" not in done.stderr
    assert bad.read_text() == mixed
    assert broken.exists()
    assert helm.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("apps",), id="a folder without -i"),
        pytest.param(("a.yaml", "b.yaml"), id="several files without -i"),
        pytest.param(("-", "-i"), id="standard input with -i"),
        pytest.param(("a.yaml", "-i", "-w", "x"), id="-i and -w"),
    ],
)
def test_wrong_usage(tree: Tree, arguments: tuple[str, ...]) -> None:
    grow(tree, 1)
    tree.seal("reencrypt", *arguments, "--key", "one.key", "--cert", "two.pem", status=2)


def test_what_others_write_while_the_controller_works_is_not_undone(tmp_path: Path) -> None:
    path = tmp_path / "db.yaml"
    path.write_text(sealed_yaml({"a": "1"}))
    theirs = sealed_yaml({"a": "2"})

    class Slow:
        def for_path(self, path: str) -> Slow:
            return self

        def renew(self, sealed: Sequence[SealedSecret]) -> list[Items | SealerError]:
            path.write_text(theirs)
            return [{("spec", "encryptedData", "a"): "AgBx"} for _ in sealed]

        def note(self, entries: Sequence[tuple[str, str]]) -> None:
            pass

    outcome = reseal_files(UI(), [str(path)], Slow())
    assert [type(error) for error in outcome.errors] == [ChangedError]
    assert path.read_text() == theirs


def test_a_killed_run_leaves_no_file_half_written(tree: Tree) -> None:
    from tests.tree import SEAL

    apps = grow(tree, 200)
    before = snapshot(apps)
    command = [SEAL, "reencrypt", "apps", "--key", "one.key", "--cert", "two.pem", "-i", "-q"]
    with subprocess.Popen(command, cwd=tree.root, env=tree.environment) as child:
        while snapshot(apps) == before and child.poll() is None:
            pass
        child.kill()
    for name, text in snapshot(apps).items():
        if name in before:
            assert skeleton(text) == skeleton(before[name])
    tree.seal(*command[1:])
    assert len(opened(apps, "two")) == 200
