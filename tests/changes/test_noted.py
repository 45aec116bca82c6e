"""The annotation that names the certificate stays true, whatever of ours changes the items."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sealer.changes import noted
from sealer.sealed import SealedSecret
from tests.changes.test_editing import editor
from tests.cli.test_certificate_sources import controller, server
from tests.sealing_keys import pair
from tests.tree import Tree, sealed_yaml

ONE, TWO = (pair(name).certificate.fingerprint for name in ("one", "two"))


def annotation(path: Path) -> str:
    found = re.search(r"certificate-fingerprint: (.*)", path.read_text())
    return found[1].strip("\"'") if found else ""


def write(tree: Tree, **data: str) -> Path:
    return tree.write("db.yaml", sealed_yaml(data or {"a": "1", "b": "2"}))


def test_what_replaces_every_item_replaces_the_fingerprint(tree: Tree) -> None:
    path = write(tree, a="1")
    assert annotation(path) == ONE
    done = tree.seal("set", "db.yaml", "a", "--cert", "two.pem", text="x")
    assert annotation(path) == TWO
    assert "different certificates" not in done.stderr


@pytest.mark.parametrize("way", ["set", "merge", "edit"])
def test_what_changes_one_item_notes_that_and_warns(tree: Tree, way: str) -> None:
    path = write(tree)
    tree.write(
        "new.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {c: x}\n"
    )
    words: dict[str, tuple[str, ...]] = {
        "set": ("set", "db.yaml", "c"),
        "merge": ("merge", "-i", "db.yaml", "new.yaml"),
        "edit": ("edit", "db.yaml"),
    }
    environment = editor(tree, 'text += "c: x\\n"') if way == "edit" else {}
    done = tree.seal(*words[way], "--cert", "two.pem", text="x", environment=environment)
    assert annotation(path) == f"{ONE} c={TWO}"
    assert "sealed with different certificates" in done.stderr
    told = tree.seal("reencrypt", "-i", "db.yaml", "--key", "one.key", "--key", "two.key",
                     "--cert", "two.pem").stderr  # fmt: skip
    assert annotation(path) == TWO
    assert "different" not in told


def test_what_goes_takes_its_fingerprint_along(tree: Tree) -> None:
    path = write(tree)
    tree.seal("set", "db.yaml", "c", "--cert", "two.pem", text="x")
    tree.seal("remove", "db.yaml", "a", "b")
    assert annotation(path) == TWO


def test_a_renamed_key_keeps_its_fingerprint(tree: Tree) -> None:
    path = write(tree)
    tree.seal("set", "db.yaml", "c", "--cert", "two.pem", text="x")
    tree.seal("edit", "db.yaml", "--cert", "one.pem",
              environment=editor(tree, 'text = text.replace("c: <", "d: <")'))  # fmt: skip
    assert annotation(path) == f"{ONE} d={TWO}"


def test_reencrypting_replaces_it_and_a_second_run_changes_nothing(tree: Tree) -> None:
    path = write(tree)
    words = ("reencrypt", "-i", "db.yaml", "--key", "one.key", "--cert", "two.pem")
    tree.seal(*words)
    assert annotation(path) == TWO
    before = path.read_bytes()
    tree.seal(*words)
    assert path.read_bytes() == before


def test_the_controllers_answer_replaces_it(tree: Tree) -> None:
    path = write(tree)
    with server(controller("one", "two")) as url:
        tree.seal("reencrypt", "-i", "db.yaml", "--controller-url", url)
    assert annotation(path) == TWO


def test_where_nothing_was_noted_nothing_is(tree: Tree) -> None:
    text = sealed_yaml({"a": "1"}).replace(f"    sealer.dev/certificate-fingerprint: {ONE}\n", "")
    path = tree.write("db.yaml", text.replace("  annotations:\n", ""))
    tree.seal("set", "db.yaml", "b", "--cert", "two.pem", text="x")
    assert "annotations" not in path.read_text()


def test_check_believes_what_is_noted_of_each_item(tree: Tree) -> None:
    tree.git("init", "-q")
    tree.write(".gitignore", "*.key\n")
    write(tree)
    tree.seal("check", "--cert", "one.pem")
    tree.seal("set", "db.yaml", "c", "--cert", "two.pem", text="x")
    told = tree.seal("check", "--cert", "one.pem", status=1).stdout
    assert told.count("[unknown-certificate]") == 1
    tree.seal("reencrypt", "-i", "db.yaml", "--key", "one.key", "--key", "two.key",
              "--cert", "two.pem")  # fmt: skip
    tree.seal("check", "--cert", "two.pem")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {"a": "", "b": ""}),
        ("x", {"a": "x", "b": "x"}),
        ("x b=y", {"a": "x", "b": "y"}),
        ("x c=y", {"a": "x", "b": "x"}),
    ],
)
def test_the_annotation_is_read_by_key(text: str, found: dict[str, str]) -> None:
    assert noted.by_key(text, ("a", "b")) == found


def test_the_annotation_reads_back() -> None:
    for found in ({"a": "x"}, {"a": "x", "b": "y"}, {"a": "x", "b": "y", "c": "y", "d": "z"}):
        assert noted.by_key(noted.text_of(found), found) == found


def test_an_empty_object_has_nothing_to_note() -> None:
    metadata = {"annotations": {"sealer.dev/certificate-fingerprint": "x"}}
    sealed = SealedSecret(metadata=metadata, encrypted_data={"a": "AgBx"})
    assert noted.after(sealed, (), "", removed=("a",)) is None
