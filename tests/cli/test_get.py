"""One value of a SealedSecret, as the bytes that were sealed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_terminal import at_a_terminal
from tests.tree import CANARY, Tree, make_tree, sealed_yaml


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A folder with two key pairs."""
    return make_tree(tmp_path)


def test_a_value_is_printed_as_it_was_sealed_and_nothing_is_added(tree: Tree) -> None:
    tree.write("db.yaml", sealed_yaml({"password": "p w\n", "user": "u"}))
    assert tree.seal("get", "db.yaml", "password", "--key", "one.key").stdout == "p w\n"
    assert tree.seal("get", "db.yaml", "user", "--key", "one.key").stdout == "u"


def test_a_file_for_one_value_is_private(tree: Tree) -> None:
    tree.write("db.yaml", sealed_yaml({"user": "u"}))
    tree.seal("get", "db.yaml", "user", "--key", "one.key", "-w", "out")
    assert (tree.root / "out").read_bytes() == b"u"
    assert oct((tree.root / "out").stat().st_mode)[-3:] == "600"


def test_an_item_that_is_not_there_is_answered_with_those_that_are(tree: Tree) -> None:
    tree.write("db.yaml", sealed_yaml({"user": CANARY}))
    done = tree.seal("get", "db.yaml", "pass", "--key", "one.key", status=1)
    assert "there is no item pass in it" in done.stderr
    assert "there is: user" in done.stderr
    wrong = tree.seal("get", "db.yaml", "user", "--key", "two.key", status=1)
    assert "db.yaml:" in wrong.stderr
    assert CANARY not in done.stderr + wrong.stderr + wrong.stdout


def test_among_several_the_name_decides(tree: Tree) -> None:
    both = [sealed_yaml({"k": name}, name=name) for name in ("a", "b")]
    tree.write("all.yaml", "---\n".join(both))
    assert tree.seal("get", "all.yaml", "k", "--key", "one.key", "--name", "b").stdout == "b"
    several = tree.seal("get", "all.yaml", "k", "--key", "one.key", status=2)
    assert "several SealedSecrets have k: a, b" in several.stderr
    none = tree.seal("get", "all.yaml", "k", "--key", "one.key", "--name", "c", status=2)
    assert "there is: a, b" in none.stderr


def test_a_terminal_gets_a_line_end_and_no_escape_sequence(tree: Tree) -> None:
    tree.write("db.yaml", sealed_yaml({"plain": "u", "evil": "\x1b[31mred"}))
    words = ("get", "db.yaml", "plain", "--key", "one.key")
    assert at_a_terminal(tree.root, *words) == (0, "u\n")
    status, shown = at_a_terminal(tree.root, "get", "db.yaml", "evil", *words[3:])
    assert status == 1
    assert "the value is not text" in shown
    assert "red" not in shown
