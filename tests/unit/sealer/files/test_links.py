"""Links of a repository, and where they may lead for writing."""

from __future__ import annotations

from pathlib import Path

import pytest

from sealer.files.atomic import write_atomic
from sealer.files.links import leaves_repository
from sealer.files.text import FileError


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a submodule in it, and another repository beside it."""
    for folder in ("repo", "repo/module", "other"):
        (tmp_path / folder / ".git").mkdir(parents=True)
        (tmp_path / folder / "apps").mkdir()
        (tmp_path / folder / "apps/file").write_text("old")
    (tmp_path / "file").write_text("old")
    return tmp_path / "repo"


@pytest.mark.parametrize(
    ("link", "target", "leaves"),
    [
        pytest.param("link", "../file", True, id="a file outside"),
        pytest.param("link", "../not-yet", True, id="a file that would be made outside"),
        pytest.param("link", "../other/apps/file", True, id="another repository's file"),
        pytest.param("link", "apps/file", False, id="a file inside"),
        pytest.param("link", "module/apps/file", False, id="a submodule's file"),
        pytest.param("module/link", "../apps/file", True, id="out of a submodule"),
        pytest.param("link", "/dev/null", True, id="a device"),
    ],
)
def test_a_link_is_written_through_within_its_repository_alone(
    repository: Path, link: str, target: str, leaves: bool
) -> None:
    path = repository / link
    path.symlink_to(target)
    assert leaves_repository(str(path)) is leaves
    if not leaves:
        write_atomic(str(path), [b"new"])
        assert path.read_text() == "new"
        return
    before = {one: one.read_bytes() for one in repository.parent.rglob("*") if one.is_file()}
    with pytest.raises(FileError, match="leads out of the repository"):
        write_atomic(str(path), [b"new"])
    assert {
        one: one.read_bytes() for one in repository.parent.rglob("*") if one.is_file()
    } == before


@pytest.mark.parametrize("target", ["../other/apps", "../other", ".."])
def test_a_linked_folder_leaves_it_too_also_into_another_repository(
    repository: Path, target: str
) -> None:
    (repository / "linked").symlink_to(target)
    assert leaves_repository(str(repository / "linked" / "file"))


def test_a_repository_behind_a_link_and_files_outside_of_any_are_as_they_were(
    repository: Path,
) -> None:
    alias = repository.parent / "alias"
    alias.symlink_to("repo")
    assert not leaves_repository(str(alias / "apps/file"))
    (repository.parent / "plain").symlink_to("file")
    assert not leaves_repository(str(repository.parent / "plain"))
