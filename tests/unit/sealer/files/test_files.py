"""Files: any encoding in, whole files out, faults with a path and a reason."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from sealer.files.atomic import make_directory, write_atomic
from sealer.files.spool import SPOOL_BYTES, Spool
from sealer.files.text import Encoding, FileError, display, open_text, read_bytes, read_text


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        (b"", Encoding()),
        (b"a", Encoding()),
        (b"kind", Encoding()),
        (b"\xef\xbb\xbfk", Encoding("utf-8", b"\xef\xbb\xbf")),
        (b"\xff\xfek\0", Encoding("utf-16-le", b"\xff\xfe")),
        (b"\xfe\xff\0k", Encoding("utf-16-be", b"\xfe\xff")),
        (b"k\0i\0", Encoding("utf-16-le")),
        (b"\0k\0i", Encoding("utf-16-be")),
    ],
)
def test_the_encoding_is_told_by_the_first_bytes(head: bytes, encoding: Encoding) -> None:
    assert Encoding.of(head) == encoding


@pytest.mark.parametrize("name", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("bom", [True, False])
def test_text_is_written_back_as_it_was_read(tmp_path: Path, name: str, bom: bool) -> None:
    mark = "\ufeff".encode(name) if bom else b""
    path = tmp_path / "f"
    path.write_bytes(mark + "kind: é\r\nb\rc\n".encode(name))
    text, encoding = read_text(str(path))
    assert text == "kind: é\r\nb\rc\n"
    assert encoding.encode(text) == path.read_bytes()


def test_lines_come_as_they_are_read(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a\nb")
    with open_text(str(tmp_path / "f")) as (lines, _):
        assert next(lines) == "a\n"
        assert list(lines) == ["b"]


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"good\n\xff\xfd")
    with pytest.raises(FileError, match="f: not text in UTF-8 or UTF-16"):
        read_text(str(tmp_path / "f"))


@pytest.mark.parametrize("read", [read_text, read_bytes])
def test_what_cannot_be_read_is_told(tmp_path: Path, read: object) -> None:
    assert callable(read)
    with pytest.raises(FileError, match=r"^cannot read .*/f: no such file or directory$"):
        read(str(tmp_path / "f"))
    with pytest.raises(FileError, match="is a directory"):
        read(str(tmp_path))


def test_a_whole_file_has_a_limit(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"12345")
    assert read_bytes(str(tmp_path / "f"), limit=5) == b"12345"
    with pytest.raises(FileError, match="more than the 4 bytes"):
        read_bytes(str(tmp_path / "f"), limit=4)


def test_standard_input_has_a_name() -> None:
    assert display("-") == "<stdin>"
    assert display("a/b") == "a/b"


def test_a_new_file_has_the_mode_of_any_new_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomic(str(tmp_path / "f"), [b"a", b"b"])
    finally:
        os.umask(before)
    assert (tmp_path / "f").read_bytes() == b"ab"
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o640


def test_a_file_keeps_its_mode_and_a_link_its_target(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    (tmp_path / "f").chmod(0o604)
    (tmp_path / "link").symlink_to("f")
    write_atomic(str(tmp_path / "link"), [b"new"])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "f").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o604


def test_a_private_file_is_its_owners_alone(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    (tmp_path / "f").chmod(0o666)
    write_atomic(str(tmp_path / "f"), [b"new"], private=True)
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o600


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interrupted_write_leaves_what_was_there(
    tmp_path: Path, error: type[BaseException]
) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise error

    (tmp_path / "f").write_text("old")
    with pytest.raises(error):
        write_atomic(str(tmp_path / "f"), pieces())
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_text() == "old"


def test_a_folder_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="is a directory"):
        write_atomic(str(tmp_path), [b"x"])


def test_a_pipe_is_written_through(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_atomic(str(tmp_path / "pipe"), [b"a", b"b"])
    assert os.read(reader, 10) == b"ab"
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


def test_a_folder_is_made_where_there_is_none(tmp_path: Path) -> None:
    make_directory(str(tmp_path / "a" / "b"))
    make_directory(str(tmp_path / "a" / "b"))
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "f").write_text("")
    with pytest.raises(FileError, match=r"^cannot make .*/f: file exists$"):
        make_directory(str(tmp_path / "f"))


@pytest.mark.parametrize("pieces", [1, 40], ids=["in memory", "on disk"])
def test_a_spool_gives_back_what_went_in(pieces: int) -> None:
    spool = Spool()
    piece = b"0123456789abcdef" * 2**16
    for _ in range(pieces):
        spool.write(piece)
    assert b"".join(spool.chunks()) == piece * pieces
    assert spool._on_disk is (len(piece) * pieces > SPOOL_BYTES)
    spool.close()
