"""Write a file whole or not at all: a new file beside it, then a rename."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from sealer.errors import SealerError
from sealer.files.links import leaves_repository
from sealer.files.lock import exclusive
from sealer.files.text import STDIN, FileError, display, file_error

if TYPE_CHECKING:
    from pathlib import Path


class ChangedError(FileError):
    """A file is no longer what was read: to write it now would undo somebody's change."""


def write_atomic(
    path: str,
    pieces: Iterable[bytes],
    *,
    private: bool = False,
    expected: bytes | None = None,
) -> None:
    """Write a file whole or not at all: a temporary one beside it takes its place at the end.

    A file that is there keeps its mode, and a symlink its target, but one that leads out of the
    repository that it is in is refused; a ``private`` one can be read
    by its owner only, whatever was there. With ``expected`` a file that holds other bytes by then
    is left alone: ChangedError. Raises FileError; what ``pieces`` raises passes through, and
    nothing is written. ``-`` is standard output, where there is no taking back.
    """
    import tempfile
    from pathlib import Path

    if path == STDIN:
        _write_stdout(pieces)
        return
    if leaves_repository(path):
        raise FileError(
            f"{display(path)}: is a link that leads out of the repository: not written",
            hint="name the file itself, if it is the one that you mean",
        )
    if Path(path).exists() and not Path(path).is_file():
        # A pipe or /dev/stdout: there is nothing to replace, and its real path need not exist.
        _write_through(Path(path), pieces)
        return
    target = Path(os.path.realpath(path))
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise file_error("cannot write", path, error) from None
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            for piece in pieces:
                stream.write(piece)
            stream.flush()
            if hasattr(os, "fchmod"):
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
        raise file_error("cannot write", path, error) from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _write_stdout(pieces: Iterable[bytes]) -> None:
    if sys.stdout is None:
        raise FileError("standard output is closed")
    for piece in pieces:
        sys.stdout.buffer.write(piece)


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
        raise file_error("cannot make", path, error) from None


def _write_through(target: Path, pieces: Iterable[bytes]) -> None:
    try:
        with target.open("wb") as stream:
            for piece in pieces:
                stream.write(piece)
    except OSError as error:
        raise file_error("cannot write", str(target), error) from None


def _mode_for(target: Path) -> int:
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask
