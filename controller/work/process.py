"""One worker process, seen from the controller."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from typing import Final

from controller.work.stream import HEADER, MAX_ANSWER

_COMMAND: Final = (sys.executable, "-I", "-m", "controller.work.worker")


class GoneError(Exception):
    """The process has ended, or does not do what a worker does."""


class WorkerProcess:
    """Has one job at a time; its values pass through pipes only."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls) -> WorkerProcess:
        """Start one, with nothing of our environment and of our files; raises OSError."""
        process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            # The terminal's signals are the controller's.
            start_new_session=True,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """Its process id, which is that of its group."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended, as far as is known."""
        return self._process.returncode is None

    async def do(self, job: bytes, cpu_seconds: int) -> tuple[int, bytes]:
        """Return how the job ended, and its answer; raises GoneError."""
        writer, reader = self._process.stdin, self._process.stdout
        if writer is None or reader is None:  # both are pipes; for the type checker
            raise GoneError
        try:
            writer.write(HEADER.pack(len(job), cpu_seconds) + job)
            await writer.drain()
            size, ending = HEADER.unpack(await reader.readexactly(HEADER.size))
            if size > MAX_ANSWER + (1 << 20):
                raise GoneError
            return ending, await reader.readexactly(size)
        except (OSError, asyncio.IncompleteReadError):
            raise GoneError from None

    def kill(self) -> None:
        """End it and all that it started, at once."""
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    async def ended(self) -> None:
        """Wait until it has ended."""
        await self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
