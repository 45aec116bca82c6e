"""Files and standard streams: text in whatever encoding people's tools wrote, and atomic writes.

An output file is there whole or not at all, with the mode and through the symlink it had.
"""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, BinaryIO

from sealer.errors import SealerError
from sealer.lock import exclusive

if TYPE_CHECKING:
    from pathlib import Path

STDIN = "-"
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
SPOOL_BYTES = 32 * 2**20
MAX_BYTES = 64 * 2**20
"""The longest line, and the longest file that is read as a whole: /dev/zero has no end."""
_CHUNK = 2**20


class FileError(SealerError):
    """A file or stream that cannot be read or written."""


class ChangedError(FileError):
    """A file is no longer what was read: to write it now would undo somebody's change."""


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
            raise _file_error("cannot read", path, error) from None
    if len(content) > limit:
        raise FileError(f"{display(path)}: has more than the {limit} bytes that fit here")
    return content


def write_atomic(
    path: str,
    pieces: Iterable[bytes],
    *,
    private: bool = False,
    expected: bytes | None = None,
) -> None:
    """Write a file whole or not at all: a temporary one beside it takes its place at the end.

    A file that is there keeps its mode, and a symlink its target; a ``private`` one can be read
    by its owner only, whatever was there. With ``expected`` a file that holds other bytes by then
    is left alone: ChangedError. Raises FileError; what ``pieces`` raises passes through, and
    nothing is written. ``-`` is standard output, where there is no taking back.
    """
    import tempfile
    from pathlib import Path

    if path == STDIN:
        _write_stdout(pieces)
        return
    if Path(path).exists() and not Path(path).is_file():
        # A pipe or /dev/stdout: there is nothing to replace, and its real path need not exist.
        _write_through(Path(path), pieces)
        return
    target = Path(os.path.realpath(path))
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise _file_error("cannot write", path, error) from None
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            for piece in pieces:
                stream.write(piece)
            stream.flush()
            os.fchmod(stream.fileno(), 0o600 if private else _mode_for(target))
            os.fsync(stream.fileno())
        if expected is not None and target.read_bytes() != expected:
            raise ChangedError(
                f"{display(path)}: was changed meanwhile, and is left as it is now",
                hint="run the command again",
            )
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _file_error("cannot write", path, error) from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _write_stdout(pieces: Iterable[bytes]) -> None:
    if sys.stdout is None:
        raise FileError("standard output is closed")
    for piece in pieces:
        sys.stdout.buffer.write(piece)


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
        raise _file_error("cannot read", error.filename or path, error) from None

    found: list[str] = []
    for folder, folders, names in os.walk(path, onerror=fail):
        folders[:] = sorted(name for name in folders if name != ".git")
        found += [
            os.path.join(folder, name)  # noqa: PTH118
            for name in sorted(names)
            if name.endswith((".yaml", ".yml", ".json"))
        ]
    return found


class BackgroundWriter:
    """Writes files whole or not at all, one after the other, while the caller makes the next.

    Waiting for the disk is half the time of sealing many small files. To be used by ``with``;
    afterwards all is written, and ``errors`` pairs what failed with the number given to ``put``.
    Leaving by an exception writes the file at hand and no other.
    """

    def __init__(self) -> None:
        from queue import Queue
        from threading import Thread

        self.errors: list[tuple[int, SealerError]] = []
        self._surprise: Exception | None = None
        self._stopped = False
        # Bounded, so that a slow disk does not fill the memory.
        self._queue: Queue[tuple[int, str, list[bytes], bytes | None] | None] = Queue(maxsize=64)
        self._thread = Thread(target=self._work, name="writer")

    def __enter__(self) -> BackgroundWriter:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._stopped = kind is not None
        self._queue.put(None)
        self._thread.join()
        if self._surprise and kind is None:
            raise self._surprise

    def put(
        self, number: int, path: str, pieces: Iterable[bytes], *, expected: bytes | None = None
    ) -> None:
        """Have a file written; with ``expected`` only if it still holds these bytes."""
        self._queue.put((number, path, list(pieces), expected))

    def _work(self) -> None:
        while job := self._queue.get():
            number, path, pieces, expected = job
            if self._stopped:
                continue
            try:
                with nullcontext() if expected is None else exclusive(path):
                    write_atomic(path, pieces, expected=expected)
            except SealerError as error:
                self.errors.append((number, error))
            except Exception as error:  # noqa: BLE001 a thread that dies would be waited for
                self._surprise = error


def make_directory(path: str) -> None:
    """Make a directory and its parents where they are not there."""
    from pathlib import Path

    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _file_error("cannot make", path, error) from None


class Spool:
    """A place for output that must not appear before all of it is known to be good.

    In memory up to 32 MiB, then in an unlinked temporary file: only for sealed text and for
    documents that pass through, never for a Secret.
    """

    def __init__(self) -> None:
        self._stream: IO[bytes] = io.BytesIO()
        self._on_disk = False

    def write(self, piece: bytes) -> None:
        """Add to it; FileError when the disk is full."""
        if not self._on_disk and self._stream.tell() + len(piece) > SPOOL_BYTES:
            self._move_to_disk()
        try:
            self._stream.write(piece)
        except OSError as error:
            raise _file_error("cannot write", "a temporary file", error) from None

    def chunks(self) -> Iterator[bytes]:
        """Read it from its beginning."""
        self._stream.seek(0)
        while chunk := self._stream.read(_CHUNK):
            yield chunk

    def close(self) -> None:
        """Give the space back."""
        self._stream.close()

    def _move_to_disk(self) -> None:
        import tempfile

        try:
            disk = tempfile.TemporaryFile()  # noqa: SIM115 close() ends it
            disk.write(self._stream.getvalue())  # type: ignore[attr-defined]  # a BytesIO until now
        except OSError as error:
            raise _file_error("cannot write", "a temporary file", error) from None
        self._stream, self._on_disk = disk, True


def _lines(text: io.TextIOWrapper, path: str) -> Iterator[str]:
    while (line := _line(text, path)) is not None:
        if len(line) >= MAX_BYTES:
            raise FileError(f"{display(path)}: a line is longer than {MAX_BYTES} characters")
        if not line:
            return
        yield line
    # Raised out here, for an UnicodeDecodeError carries the bytes along.
    raise FileError(f"{display(path)}: not text in UTF-8 or UTF-16", hint="save it as UTF-8")


def _line(text: io.TextIOWrapper, path: str) -> str | None:
    """Read a line, empty at the end; None where the bytes are no text."""
    try:
        return text.readline(MAX_BYTES)
    except UnicodeDecodeError:
        return None
    except OSError as error:
        raise _file_error("cannot read", path, error) from None


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
        raise _file_error("cannot read", path, error) from None
    with stream:
        yield stream


def _write_through(target: Path, pieces: Iterable[bytes]) -> None:
    try:
        with target.open("wb") as stream:
            for piece in pieces:
                stream.write(piece)
    except OSError as error:
        raise _file_error("cannot write", str(target), error) from None


def _mode_for(target: Path) -> int:
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask


def _file_error(what: str, path: str, error: OSError) -> FileError:
    reason = (error.strerror or type(error).__name__).lower()
    return FileError(f"{what} {display(path)}: {reason}")
