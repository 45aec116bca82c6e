"""What a run remembers of others, and where `seal reencrypt` writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from sealer.rotation.journal import Journal
from tests.tree import Tree, sealed_yaml

OLD_ONLY = ("--key", "one.key", "--cert", "two.pem", "-i")


def test_a_renamed_object_that_no_key_opens_is_told(tree: Tree) -> None:
    path = tree.write("db.yaml", sealed_yaml({"a": "1"}))
    tree.seal("reencrypt", "db.yaml", *OLD_ONLY)
    path.write_text(path.read_text().replace("name: db\n", "name: other\n"))
    assert "no key could decrypt" in tree.seal("reencrypt", "db.yaml", *OLD_ONLY, status=1).stderr


def test_without_a_journal_a_run_remembers_nothing(tree: Tree) -> None:
    tree.write("db.yaml", sealed_yaml({"a": "1"}))
    tree.seal("reencrypt", "db.yaml", *OLD_ONLY, "--no-journal")
    assert [path for path in tree.home.rglob("*") if path.is_file()] == []
    # The old key opens nothing any more, and nobody remembers why.
    tree.seal("reencrypt", "db.yaml", *OLD_ONLY, "--no-journal", status=1)


def test_a_journal_tells_places_apart(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.add([("strict prod/db", "AgB x\n")])
    for known in (journal, Journal(tmp_path / "j")):
        assert ("strict prod/db", "AgBx") in known
        assert ("strict prod/other", "AgBx") not in known


def test_links_that_lead_out_of_the_folder_are_not_written_through(tree: Tree) -> None:
    outside = tree.write("elsewhere/db.yaml", sealed_yaml({"a": "1"}))
    inside = tree.write("apps/real/db.yaml", sealed_yaml({"a": "1"}))
    before = outside.read_bytes(), inside.read_bytes()
    (tree.root / "apps/out.yaml").symlink_to(outside)
    (tree.root / "apps/dotted.yaml").symlink_to("../elsewhere/db.yaml")
    (tree.root / "apps/twice.yaml").symlink_to("dotted.yaml")
    (tree.root / "apps/beside.yaml").symlink_to(tree.root / "apps-too.yaml")
    tree.write("apps-too.yaml", sealed_yaml({"a": "1"}))
    told = tree.seal("reencrypt", "apps", *OLD_ONLY).stderr
    assert told.count("leads out of the folder") == 4
    assert outside.read_bytes() == before[0]
    assert inside.read_bytes() != before[1]
    # Who names the link means it.
    tree.seal("reencrypt", "apps/out.yaml", *OLD_ONLY)
    assert outside.read_bytes() != before[0]


@pytest.mark.parametrize("target", ["../home/.bashrc", "/dev/null/../home"])
def test_git_install_writes_through_no_link_that_leaves_the_repository(
    tree: Tree, target: str
) -> None:
    tree.git("init", "-q")
    precious = tree.home / ".bashrc"
    precious.write_text("precious")
    (tree.root / ".gitattributes").symlink_to(target)
    assert "leads out" in tree.seal("git", "install", status=1).stderr
    assert precious.read_text() == "precious"
