"""A file held by one run at a time, whatever becomes of the file meanwhile."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sealer.files.atomic import write_atomic
from sealer.files.lock import LockError, exclusive


def test_who_cannot_have_it_in_time_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("x")
    with (
        exclusive(str(path)),
        pytest.raises(LockError, match="another run holds it"),
        exclusive(str(path), patience=0),
    ):
        pass
    with exclusive(str(path), patience=0):
        pass


def test_the_place_of_a_file_that_is_not_there_is_held_too(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    with exclusive(path), pytest.raises(LockError), exclusive(path, patience=0):
        pass


def test_a_link_is_held_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "link").symlink_to("a")
    link, file = str(tmp_path / "link"), str(tmp_path / "a")
    with exclusive(link), pytest.raises(LockError), exclusive(file, patience=0):
        pass


def test_a_file_that_is_replaced_meanwhile_is_held_anew(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("0")

    def count() -> None:
        for _ in range(25):
            with exclusive(str(path)):
                write_atomic(str(path), [str(int(path.read_text()) + 1).encode()])

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() == "100"


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with exclusive(str(tmp_path / "a")):
        pass
    with exclusive(str(tmp_path / "gone" / "a")):
        pass
    assert not list(tmp_path.iterdir())
    assert len(list(Path("/proc/self/fd").iterdir())) == before
