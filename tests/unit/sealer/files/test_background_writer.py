"""Files written on another thread: all of them, or told; none after an interruption."""

from __future__ import annotations

from pathlib import Path

import pytest

from sealer.files.atomic import BackgroundWriter, ChangedError


def test_every_file_is_there_afterwards(tmp_path: Path) -> None:
    with BackgroundWriter() as writer:
        for number in range(200):
            writer.put(number, str(tmp_path / str(number)), [b"a", str(number).encode()])
    assert writer.errors == []
    written = {int(path.name): path.read_text() for path in tmp_path.iterdir()}
    assert written == {number: f"a{number}" for number in range(200)}


def test_a_file_that_cannot_be_written_is_told_by_its_number(tmp_path: Path) -> None:
    with BackgroundWriter() as writer:
        writer.put(7, str(tmp_path / "gone" / "a"), [b"a"])
        writer.put(8, str(tmp_path / "b"), [b"b"])
    assert [(number, error.message) for number, error in writer.errors] == [
        (7, f"cannot write {tmp_path}/gone/a: no such file or directory")
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_file_that_others_changed_since_it_was_read_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"theirs")
    with BackgroundWriter() as writer:
        writer.put(7, str(path), [b"ours"], expected=b"what we read")
        writer.put(8, str(tmp_path / "b"), [b"b"])
    ((number, error),) = writer.errors
    assert (number, type(error)) == (7, ChangedError)
    assert path.read_bytes() == b"theirs"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a", "b"]


def test_an_interruption_leaves_whole_files_only(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_until_interrupted(tmp_path)
    assert {path.stat().st_size for path in tmp_path.iterdir()} <= {4096}
    assert not list(tmp_path.glob(".*"))


def test_a_bug_in_writing_is_raised_and_hangs_nobody() -> None:
    with pytest.raises(ValueError, match=r"null (byte|character)"):
        write_to_a_name_that_cannot_be()


def write_until_interrupted(folder: Path) -> None:
    with BackgroundWriter() as writer:
        for number in range(60):
            writer.put(number, str(folder / str(number)), [b"x" * 4096])
        raise KeyboardInterrupt


def write_to_a_name_that_cannot_be() -> None:
    with BackgroundWriter() as writer:
        for number in range(200):
            writer.put(number, "a\0b", [b""])
