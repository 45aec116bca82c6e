"""The console blocks of the pages about daily work are true: they run in a repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.daytwo.tree import Tree, make_tree, sealed_yaml
from tests.docs.test_readme import matches

ROOT = Path(__file__).parents[2]


def steps(page: Path) -> list[tuple[str, str]]:
    """Each ``$ command`` of a page with the output that it shows."""
    found: list[tuple[str, str]] = []
    for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def repository(folder: Path) -> Tree:
    """What the pages begin with: one sealed file, committed, and its certificate."""
    tree = make_tree(folder)
    (tree.root / "one.pem").rename(tree.root / "cluster.pem")
    (tree.root / "one.key").rename(tree.root / "cluster.key")
    data = {"username": "shop", "password": "secret"}
    tree.write("db.yaml", sealed_yaml(data, name="database", namespace="shop", kind="Opaque"))
    tree.write(".gitignore", "*.key\n*.pem\n")
    tree.git("init", "-q", "-b", "main")
    tree.git("add", ".")
    tree.git("commit", "-qm", "start")
    return tree


@pytest.mark.parametrize("name", ["editing"])
def test_every_console_block_is_true(name: str, tmp_path: Path) -> None:
    tree = repository(tmp_path)
    found = steps(ROOT / "docs" / f"{name}.md")
    assert found
    for command, shown in found:
        done = subprocess.run(
            ["bash", "-c", f"{command} 2>&1"],
            cwd=tree.root,
            env={**tree.environment, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert matches(shown, done.stdout), f"$ {command}\n{done.stdout}"
