"""`seal init` and `seal doctor --offline` in real repositories."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tree import Tree, make_tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A repository with two clusters, and GitHub's folder."""
    tree = make_tree(tmp_path)
    tree.git("init", "-q")
    for name in ("dev", "prod"):
        tree.write(f"clusters/{name}/kustomization.yaml", "resources: []\n")
    tree.write("clusters/docs/notes.md", "x")
    tree.write(".github/CODEOWNERS", "*\n")
    tree.write(".gitignore", "dist")
    return tree


def findings(tree: Tree, status: int = 0) -> dict[str, tuple[str, str, str]]:
    """What the doctor says, by subject."""
    rows = json.loads(tree.seal("doctor", "--offline", "-o", "json", status=status).stdout)
    return {row["subject"]: (row["level"], row["says"], row["cure"]) for row in rows}


def test_init_writes_what_fits_the_tree_and_overwrites_nothing(tree: Tree) -> None:
    before = {path for path in tree.root.rglob("*") if ".git/" not in str(path)}
    dry = tree.seal("init", "--dry-run").stdout
    assert "# .seal.toml" in dry
    assert {path for path in tree.root.rglob("*") if ".git/" not in str(path)} == before
    told = tree.seal("init").stderr
    assert "next: seal cert --context prod -w clusters/prod/sealing.pem" in told
    assert "clusters/docs" not in (tree.root / ".seal.toml").read_text()
    assert (tree.root / ".github/workflows/sealed-secrets.yml").exists()
    assert (tree.root / ".gitignore").read_text() == "dist\n# Private keys.\n*.key\n"
    again = tree.seal("init").stderr
    assert again.count("exists, and is left alone") == 3
    assert (tree.root / ".gitignore").read_text().count("*.key") == 1


def test_init_outside_of_a_repository_says_so(tmp_path: Path) -> None:
    done = make_tree(tmp_path).seal("init", status=1)
    assert "not inside a Git work tree" in done.stderr


def test_the_doctor_sees_what_init_left_to_do(tree: Tree) -> None:
    assert findings(tree)[".seal.toml"][2] == "seal init writes one"
    tree.seal("init")
    found = findings(tree, status=1)
    assert found[".seal.toml"] == ("ok", "2 sealing rules", "")
    missing = found["clusters/prod/sealing.pem"]
    assert missing[0] == "error"
    assert missing[2] == "seal cert -w clusters/prod/sealing.pem"
    assert found["git hooks"][2] == "pre-commit install"
    for name in ("dev", "prod"):
        tree.write(f"clusters/{name}/sealing.pem", (tree.root / "one.pem").read_bytes())
    tree.write(".git/hooks/pre-commit", "#!/bin/sh\nexec pre-commit run\n")
    tree.seal("git", "install")
    found = findings(tree)
    assert found["clusters/prod/sealing.pem"][0] == "ok"
    assert found["git hooks"][0] == "ok"
    assert found["git drivers"][0] == "ok"


def test_the_doctor_names_a_rule_file_that_cannot_be_used(tree: Tree) -> None:
    tree.write(".seal.toml", "[[rule]]\npath = 3\n")
    assert findings(tree, status=1)[".seal.toml"][0] == "error"


def test_a_diff_can_tell_by_its_exit_code(tree: Tree) -> None:
    from tests.tree import sealed_yaml

    tree.write("db.yaml", sealed_yaml({"k": "v"}))
    tree.git("add", ".")
    tree.git("commit", "-qm", "x")
    assert tree.seal("diff", "--exit-code").stdout == ""
    tree.write("db.yaml", sealed_yaml({"k": "v", "more": "x"}))
    assert "more" in tree.seal("diff", "--exit-code", status=1).stdout
    assert "more" in tree.seal("diff").stdout
