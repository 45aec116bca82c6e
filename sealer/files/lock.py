"""One run at a time between the reading of a file and its writing, so that no change is lost.

By ``flock`` on the file itself; on its folder while there is no file. A file is replaced and not
written over, so whoever waited for one that is gone by then waits for the new one. Where there
are no such locks (Windows, some network file systems) nothing is held: that files are compared
before they are replaced still stands.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sealer.errors import SealerError

PATIENCE_SECONDS = 60.0
_POLL_SECONDS = 0.01


class LockError(SealerError):
    """Another run holds the file for too long."""


@contextmanager
def exclusive(path: str, *, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold a file, or the place of one, against other runs of ours; LockError after ``patience``.

    Not to be nested for one path, and nothing that waits for a person belongs in it.
    """
    deadline = time.monotonic() + patience
    descriptor = _held(os.path.realpath(path), path, deadline)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _held(real: str, shown: str, deadline: float) -> int | None:
    """Return the descriptor that holds the lock, None where there are no locks."""
    while True:
        target = real if os.path.isfile(real) else os.path.dirname(real)  # noqa: PTH113, PTH120
        try:
            descriptor = os.open(target, os.O_RDONLY)
        except FileNotFoundError:
            if target == real:
                continue  # gone since we looked
            return None
        except OSError:
            return None  # who reads or writes it next will tell
        try:
            locked = _locked(descriptor, shown, deadline)
            if not locked or _is_still(descriptor, target, real):
                held, descriptor = descriptor, -1
                return held
        finally:
            if descriptor >= 0:
                os.close(descriptor)


def _locked(descriptor: int, shown: str, deadline: float) -> bool:
    try:
        import fcntl
    except ImportError:
        return False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                return False
        else:
            return True
        if time.monotonic() > deadline:
            raise LockError(f"{shown}: another run holds it", hint="wait for that one, or end it")
        time.sleep(_POLL_SECONDS)


def _is_still(descriptor: int, target: str, real: str) -> bool:
    """Whether what is locked is what the path leads to now."""
    if target != real:
        return not os.path.exists(real)  # noqa: PTH110
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(real))  # noqa: PTH116
    except OSError:
        return False
