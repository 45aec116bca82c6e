"""Files and standard streams: text in whatever encoding people's tools wrote, and atomic writes.

An output file is there whole or not at all, with the mode and through the symlink it had.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO

from sealer.errors import SealerError

STDIN = "-"
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
MAX_BYTES = 64 * 2**20
"""The longest line, and the longest file that is read as a whole: /dev/zero has no end."""


class FileError(SealerError):
    """A file or stream that cannot be read or written.

    ``code`` is the system's number where the system refused (``errno``), ``reason`` its words.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, reason: str = "", code: int | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.reason, self.code = reason, code


class NotTextError(FileError):
    """A file whose bytes are no text in an encoding that is known."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a text file's bytes are to be read, and an edited text written back."""

    name: str = "utf-8"
    bom: bytes = b""

    @classmethod
    def of(cls, head: bytes) -> Encoding:
        """Tell from the first bytes: a byte order mark, or the zeros of bare UTF-16."""
        for bom, name in _BOMS:
            if head.startswith(bom):
                return cls(name, bom)
        if len(head) >= 2 and head[0] == 0:
            return cls("utf-16-be")
        if len(head) >= 2 and head[1] == 0:
            return cls("utf-16-le")
        return cls()

    @property
    def output_bom(self) -> bytes:
        """The byte order mark of an output in UTF-8 that is made of this: UTF-8's is kept."""
        return self.bom if self.name == "utf-8" else b""

    def encode(self, text: str) -> bytes:
        """Write text as the file had it."""
        return self.bom + text.encode(self.name)


def display(path: str) -> str:
    """What messages call a path."""
    return "<stdin>" if path == STDIN else path


@contextmanager
def open_text(path: str) -> Iterator[tuple[Iterator[str], Encoding]]:
    """Open a file, or standard input for ``-``; yield its lines (ends kept) and its encoding.

    Raises FileError when it cannot be read or is not text; lines come as they are read, so a
    stream takes no more memory than its longest line.
    """
    with _open_binary(path) as stream:
        buffered = io.BufferedReader(stream) if isinstance(stream, io.RawIOBase) else stream
        head = buffered.peek(4)[:4] if isinstance(buffered, io.BufferedReader) else b""
        if isinstance(buffered, io.BufferedReader) and not head:
            # Not asked again: at a terminal the end would have to be typed once more.
            yield iter(()), Encoding()
            return
        encoding = Encoding.of(head)
        if encoding.bom:
            buffered.read(len(encoding.bom))
        text = io.TextIOWrapper(buffered, encoding=encoding.name, newline="")
        try:
            yield _lines(text, path), encoding
        finally:
            with suppress(ValueError):
                text.detach()


def read_text(path: str) -> tuple[str, Encoding]:
    """Read a whole text file; see ``open_text``."""
    with open_text(path) as (lines, encoding):
        return "".join(lines), encoding


def read_bytes(path: str, *, limit: int = MAX_BYTES) -> bytes:
    """Read a whole file, or standard input for ``-``; FileError beyond ``limit`` bytes."""
    with _open_binary(path) as stream:
        try:
            content = stream.read(limit + 1)
        except OSError as error:
            raise file_error("cannot read", path, error) from None
    if len(content) > limit:
        raise FileError(f"{display(path)}: has more than the {limit} bytes that fit here")
    return content


def exists(path: str) -> bool:
    """Whether something is there under this name."""
    return os.path.lexists(path)


def manifests_below(path: str) -> list[str] | None:
    """Return the YAML and JSON files below a folder, sorted; None where ``path`` is no folder.

    ``.git`` is left out, and links to folders are not followed. Raises FileError.
    """
    if path == STDIN or not os.path.isdir(path):  # noqa: PTH112 pathlib costs 5 ms at start
        return None

    def fail(error: OSError) -> None:
        raise file_error("cannot read", error.filename or path, error) from None

    found: list[str] = []
    for folder, folders, names in os.walk(path, onerror=fail):
        folders[:] = sorted(name for name in folders if name != ".git")
        found += [
            os.path.join(folder, name)  # noqa: PTH118
            for name in sorted(names)
            if name.endswith((".yaml", ".yml", ".json"))
        ]
    return found


def _lines(text: io.TextIOWrapper, path: str) -> Iterator[str]:
    while (line := _line(text, path)) is not None:
        if len(line) >= MAX_BYTES:
            raise FileError(f"{display(path)}: a line is longer than {MAX_BYTES} characters")
        if not line:
            return
        yield line
    # Raised out here, for an UnicodeDecodeError carries the bytes along.
    raise NotTextError(f"{display(path)}: not text in UTF-8 or UTF-16", hint="save it as UTF-8")


def _line(text: io.TextIOWrapper, path: str) -> str | None:
    """Read a line, empty at the end; None where the bytes are no text."""
    try:
        return text.readline(MAX_BYTES)
    except UnicodeDecodeError:
        return None
    except OSError as error:
        raise file_error("cannot read", path, error) from None


@contextmanager
def _open_binary(path: str) -> Iterator[BinaryIO]:
    if path == STDIN:
        if sys.stdin is None:
            raise FileError("standard input is closed")
        yield sys.stdin.buffer
        return
    try:
        stream = open(path, "rb")  # noqa: PTH123, SIM115
    except OSError as error:
        raise file_error("cannot read", path, error) from None
    with stream:
        yield stream


def file_error(what: str, path: str, error: OSError) -> FileError:
    reason = (error.strerror or type(error).__name__).lower()
    return FileError(f"{what} {display(path)}: {reason}", reason=reason, code=error.errno)
