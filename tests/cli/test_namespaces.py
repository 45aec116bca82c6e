"""SealedSecrets that leave their namespace to kustomize or Flux: -n or the rule gives it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_certificate_sources import controller, server
from tests.tree import Tree, make_tree, sealed_yaml

WAYS = [
    pytest.param(("set", "db.yaml", "q"), id="set"),
    pytest.param(("remove", "db.yaml", "p"), id="remove"),
    pytest.param(("edit", "db.yaml", "--key", "one.key"), id="edit"),
    pytest.param(("merge", "-i", "db.yaml", "new.yaml"), id="merge"),
    pytest.param(("verify", "db.yaml", "--key", "one.key"), id="verify"),
    pytest.param(("unseal", "db.yaml", "--key", "one.key"), id="unseal"),
    pytest.param(("render", "db.yaml", "--key", "one.key"), id="render"),
    pytest.param(("keys", "usage", "db.yaml", "--key", "one.key"), id="keys usage"),
    pytest.param(
        ("reencrypt", "-i", "db.yaml", "--key", "one.key", "--cert", "two.pem"), id="reencrypt"
    ),
    pytest.param(("reencrypt", "db.yaml", "--key", "one.key", "--cert", "two.pem"), id="to stdout"),
]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A file that was sealed for shop/db and names no namespace."""
    tree = make_tree(tmp_path)
    tree.git("init", "-q")
    text = sealed_yaml({"p": "1", "r": "2"}, namespace="shop")
    assert text.count("namespace: shop\n") == 2
    lines = [line for line in text.splitlines(keepends=True) if "namespace: shop" not in line]
    tree.write("db.yaml", "".join(lines))
    tree.write("new.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {q: x}")
    return tree


def run(tree: Tree, words: tuple[str, ...], *more: str, status: int = 0) -> str:
    if words[0] in ("set", "edit", "merge"):
        more = (*more, "--cert", "one.pem")
    environment = {"EDITOR": "true"}
    done = tree.seal(*words, *more, text="x", status=status, environment=environment)
    return done.stdout + done.stderr


@pytest.mark.parametrize("words", WAYS)
def test_the_option_gives_the_namespace(tree: Tree, words: tuple[str, ...]) -> None:
    run(tree, words, "-n", "shop")
    assert "namespace: " not in (tree.root / "db.yaml").read_text()
    key = "two.key" if "-i" in words and "reencrypt" in words else "one.key"
    tree.seal("verify", "db.yaml", "--key", key, "-n", "shop")


@pytest.mark.parametrize("words", WAYS)
def test_the_rule_gives_the_namespace(tree: Tree, words: tuple[str, ...]) -> None:
    tree.write(".seal.toml", '[[rule]]\npath = "*"\nnamespace = "shop"\n')
    run(tree, words)


@pytest.mark.parametrize("words", [one for one in WAYS if one.id not in ("remove", "edit")])
def test_without_either_the_hint_names_an_option_that_is_there(
    tree: Tree, words: tuple[str, ...]
) -> None:
    told = run(tree, words, status=1)
    assert "there is none" in told
    assert "-n/--namespace" in told


def test_a_namespace_that_is_named_is_not_overruled(tree: Tree) -> None:
    tree.write("db.yaml", sealed_yaml({"p": "1"}, namespace="shop"))
    tree.seal("verify", "db.yaml", "--key", "one.key", "-n", "other")


def test_the_controller_is_told_the_namespace_and_the_file_is_not(tree: Tree) -> None:
    with server(controller("one", "two")) as url:
        tree.seal("reencrypt", "-i", "db.yaml", "--controller-url", url, "-n", "shop")
    assert "namespace: " not in (tree.root / "db.yaml").read_text()
    tree.seal("verify", "db.yaml", "--key", "two.key", "-n", "shop")


def test_a_new_file_gets_the_namespace_of_its_rule(tree: Tree) -> None:
    tree.write(".seal.toml", '[[rule]]\npath = "*"\nnamespace = "shop"\n')
    tree.seal("set", "made.yaml", "k", "--name", "db", "--cert", "one.pem", text="x")
    assert "namespace: shop" in (tree.root / "made.yaml").read_text()
