"""A link of a stranger's tree is named on the command line: nothing outside is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_certificate_sources import SECRET
from tests.tree import Tree, make_tree, sealed_yaml

CERT = ("--cert", "one.pem")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("set", "link.yaml", "more", "@one.pem", *CERT), id="set"),
        pytest.param(("remove", "link.yaml", "a"), id="remove"),
        pytest.param(("edit", "link.yaml", *CERT), id="edit"),
        pytest.param(("merge", "-i", "link.yaml", "s.yaml", *CERT), id="merge"),
        pytest.param(
            ("reencrypt", "-i", "link.yaml", "--key", "one.key", "--cert", "two.pem"),
            id="reencrypt",
        ),
        pytest.param(("-i", "raw-link.yaml", *CERT), id="seal-in-place"),
        pytest.param(("s.yaml", "-w", "link.yaml", *CERT), id="seal-to-a-file"),
        pytest.param(("s.yaml", "--output-dir", "folder", *CERT), id="seal-to-a-folder"),
        pytest.param(("unseal", "db.yaml", "--key", "one.key", "-w", "link.yaml"), id="unseal"),
    ],
)
def test_no_command_writes_through_a_link_out_of_the_repository(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    tree = make_tree(tmp_path)
    tree.git("init", "-q")
    outside = tmp_path / "outside"
    outside.mkdir()
    sealed = sealed_yaml({"a": "b", "c": "d"})
    (outside / "db.yaml").write_text(sealed)
    (outside / "s.yaml").write_text(SECRET)
    tree.write("db.yaml", sealed)
    tree.write("s.yaml", SECRET)
    for name, target in (("link.yaml", "db.yaml"), ("raw-link.yaml", "s.yaml"), ("folder", ".")):
        (tree.root / name).symlink_to(outside / target)
    editor = tree.write("editor.sh", "#!/bin/sh\nprintf 'fresh: by-hand\\n' >> \"$1\"\n")
    editor.chmod(0o755)
    done = tree.seal(*words, status=1, environment={"EDITOR": str(editor), "VISUAL": ""})
    assert "leads out of the repository" in done.stderr
    assert {path.name: path.read_text() for path in outside.iterdir()} == {
        "db.yaml": sealed,
        "s.yaml": SECRET,
    }


def test_a_link_within_the_repository_is_followed(tree_with_link: Tree) -> None:
    tree_with_link.seal("set", "link.yaml", "more", "@one.pem", *CERT)
    assert (tree_with_link.root / "link.yaml").is_symlink()
    assert "more:" in (tree_with_link.root / "apps/db.yaml").read_text()


@pytest.fixture
def tree_with_link(tmp_path: Path) -> Tree:
    """A repository with a sealed file, and a link to it."""
    tree = make_tree(tmp_path)
    tree.git("init", "-q")
    tree.write("apps/db.yaml", sealed_yaml({"a": "b"}))
    (tree.root / "link.yaml").symlink_to("apps/db.yaml")
    return tree
