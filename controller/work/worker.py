"""A worker process: takes a job from its standard input, does it in a fork, writes the answer.

Each job has a fork of its own, of a process that has read no job: what one tenant's job leaves
behind is gone before the next is begun. A fork has no network, no file, no program to start and no
way back to the other jobs (docs/adr/0021); it is bounded in CPU time, memory and time, and ended.

Run as ``python -I -m controller.work.worker``; it ends when its input does, or its parent.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from controller.keyvault.target.readings import READ, read_all
from controller.work.frames import frame
from controller.work.preload import preload
from controller.work.rendering import RENDER, render
from controller.work.stream import ANSWERED, BOUND, HEADER, MAX_ANSWER, MEMORY
from sealer.confined.confinement import Confinement, Limits

_JOBS: Final[Mapping[str, Callable[..., list[Any]]]] = {RENDER: render, READ: read_all}
_MEMORY: Final = 192 << 20
_SECONDS: Final = 30.0
_OUT_OF_MEMORY: Final = 3
# Source: linux/prctl.h.
_PARENT_DEATH_SIGNAL, _DUMPABLE = 1, 4
_NICER: Final = 5


def main() -> None:
    """Serve until the input ends."""
    kept = preload()
    os.closerange(3, 64)
    confinement = Confinement(None, (), Limits(memory=_MEMORY))
    confinement.shut()
    confinement.close()
    # A new user namespace forgets what was asked for before.
    _die_with_the_parent()
    os.nice(_NICER)
    gc.collect()
    gc.freeze()
    while (job := _take()) is not None:
        head, answer = _do(*job)
        _write(1, HEADER.pack(len(answer), head) + answer)
    del kept


def _die_with_the_parent() -> None:
    """A parent that is killed leaves none of us, nor can others of our user look into us."""
    parent = os.getppid()
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_DUMPABLE, 0, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _take() -> tuple[int, bytes] | None:
    """The next job and its seconds of CPU time; None at the end."""
    head = _read(HEADER.size)
    if head is None:
        return None
    size, seconds = HEADER.unpack(head)
    job = _read(size)
    return None if job is None else (seconds, job)


def _read(size: int) -> bytes | None:
    parts = []
    while size:
        part = os.read(0, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write(place: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(place, view) :]


def _do(seconds: int, job: bytes) -> tuple[int, bytes]:
    """What became of a job: how it ended, and its answer."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        _be_the_fork(write, seconds, job)
    os.close(write)
    try:
        answer = _collect(read)
    finally:
        os.close(read)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if answer and code == 0:
        return ANSWERED, answer
    return MEMORY if code == _OUT_OF_MEMORY else BOUND, b""


def _collect(read: int) -> bytes | None:
    """All that the fork writes; None where that is too long or too late."""
    end = time.monotonic() + _SECONDS
    parts: list[bytes] = []
    size = 0
    while size <= MAX_ANSWER:
        ready, _, _ = select.select([read], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            return None
        part = os.read(read, 1 << 20)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
    return None


def _be_the_fork(write: int, seconds: int, job: bytes) -> NoReturn:
    code = 1
    try:
        _die_with_the_parent()
        # The next jobs come in by 0, and answers go out by 1: neither is its own.
        os.close(0)
        os.close(1)
        _bound(seconds)
        kind, *arguments = json.loads(job)
        _write(write, frame(_JOBS[kind](*arguments)))
        code = 0
    except MemoryError:
        code = _OUT_OF_MEMORY
    except BaseException:  # noqa: BLE001, S110 its words may hold a value, and nobody hears them
        pass
    finally:
        os._exit(code)


def _bound(seconds: int) -> None:
    """No new descriptor is no file and no socket; the rest is what it may take."""
    for which, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_DATA, _MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(which, (most, most))


if __name__ == "__main__":
    main()
