"""Runs programs over files that strangers wrote: no network, few files, bounded in all they take.

One fork of this process gives up what a ``Confinement`` holds and then starts the programs, which
inherit that.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from sealer.confined.confinement import Limits
from sealer.errors import SealerError

_CHUNK = 1 << 16


class ConfinedError(SealerError):
    """A program was stopped at a bound, or could not be started."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a program that ended by itself left behind."""

    status: int
    stdout: bytes
    stderr: bytes


class Runner:
    """Runs programs, several at once, within the limits of one run."""

    def __init__(
        self,
        environment: Mapping[str, str],
        folder: Path,
        limits: Limits,
        confine: Callable[[], None],
    ) -> None:
        self._environment, self._folder = dict(environment), folder
        self._limits, self._confine = limits, confine
        self._end = time.monotonic() + limits.run_seconds
        self._left = limits.run_output

    def run(self, commands: Sequence[Sequence[str]]) -> list[Ended | ConfinedError]:
        """What each command left, or the bound that stopped it, in their order."""
        if not hasattr(os, "fork"):
            # Windows: nothing would hold what the program reads, sends and takes.
            raise ConfinedError(
                "kustomize is not run on this system, where nothing can confine it",
                hint="use --raw-only here, and Linux, macOS or WSL for the rest",
            )
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._serve(write, commands)
        os.close(write)
        with open(read, "rb") as stream:  # noqa: PTH123 a descriptor
            data = stream.read()
        _, status = os.waitpid(pid, 0)
        if status != 0 or not data:
            return [ConfinedError("it was stopped at a bound of the run")] * len(commands)
        done: list[tuple[int, bytes, bytes] | str] = pickle.loads(data)  # noqa: S301 our own fork
        found = [ConfinedError(one) if isinstance(one, str) else Ended(*one) for one in done]
        self._left -= sum(len(one.stdout) for one in found if isinstance(one, Ended))
        return found

    def _serve(self, write: int, commands: Sequence[Sequence[str]]) -> NoReturn:
        """Run the commands in this fork, confined, and write what became of them."""
        status = 1
        try:
            # What may not be opened any more later.
            with open(os.devnull, "rb") as self._nothing:  # noqa: PTH123
                self._confine()
                done = [
                    one.message
                    if isinstance(one, ConfinedError)
                    else (one.status, one.stdout, one.stderr)
                    for one in self._run(commands)
                ]
                with open(write, "wb") as stream:
                    pickle.dump(done, stream)
            status = 0
        finally:
            # Nothing of the parent's is to be run or flushed twice, whatever went wrong.
            os._exit(status)

    def _run(self, commands: Sequence[Sequence[str]]) -> list[Ended | ConfinedError]:
        done: dict[int, Ended | ConfinedError] = {}
        waiting = list(enumerate(commands))[::-1]
        running: list[_Child] = []
        workers = min(self._limits.at_once, (os.cpu_count() or 1) + 1)
        with selectors.DefaultSelector() as selector:
            try:
                while waiting or running:
                    while waiting and len(running) < workers:
                        number, words = waiting.pop()
                        child = self._start(number, words, selector)
                        if isinstance(child, _Child):
                            running.append(child)
                        else:
                            done[number] = child
                    self._read(selector, running)
                    for child in [one for one in running if one.stopped or not one.open]:
                        running.remove(child)
                        done[child.number] = child.ended()
            finally:
                for child in running:
                    child.stop("it was interrupted", selector)
        return [done[number] for number in range(len(commands))]

    def _start(
        self, number: int, words: Sequence[str], selector: selectors.BaseSelector
    ) -> _Child | ConfinedError:
        if time.monotonic() >= self._end:
            return ConfinedError(f"the run took more than {self._limits.run_seconds:g} s")
        if self._left <= 0:
            return ConfinedError("the run printed more than its bound")
        try:
            process = subprocess.Popen(  # noqa: S603 the user's program
                list(words),
                stdin=self._nothing,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self._folder,
                env=self._environment,
                start_new_session=True,
            )
        except (OSError, subprocess.SubprocessError):
            return ConfinedError(f"cannot run {words[0]}")
        seconds = min(self._limits.seconds, self._end - time.monotonic())
        child = _Child(number, process, time.monotonic() + seconds, seconds)
        for stream in child.streams:
            selector.register(stream, selectors.EVENT_READ, child)
        return child

    def _read(self, selector: selectors.BaseSelector, running: Sequence[_Child]) -> None:
        if not running:
            return
        until = min(child.deadline for child in running) - time.monotonic()
        for key, _ in selector.select(max(0.0, until)):
            child: _Child = key.data
            if child.stopped:
                continue
            data = os.read(key.fd, _CHUNK)
            if not data:
                selector.unregister(key.fileobj)
                child.open -= 1
                continue
            child.kept[key.fd].append(data)
            child.size += len(data)
            self._left -= len(data)
            if child.size > self._limits.output or self._left < 0:
                child.stop("it prints more than its bound", selector)
        now = time.monotonic()
        for child in running:
            if child.open and now >= child.deadline:
                child.stop(f"it took more than {child.seconds:g} s", selector)


class _Child:
    def __init__(
        self, number: int, process: subprocess.Popen[bytes], deadline: float, seconds: float
    ) -> None:
        assert process.stdout is not None  # noqa: S101 both are pipes
        assert process.stderr is not None  # noqa: S101
        self.number, self.process, self.deadline = number, process, deadline
        self.seconds = seconds
        self.streams = (process.stdout, process.stderr)
        self.kept: dict[int, list[bytes]] = {one.fileno(): [] for one in self.streams}
        self.open, self.size, self.stopped = 2, 0, ""

    def stop(self, why: str, selector: selectors.BaseSelector) -> None:
        """End it and all that it started."""
        self.stopped = why
        for stream in self.streams:
            if stream.fileno() in selector.get_map():
                selector.unregister(stream)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def ended(self) -> Ended | ConfinedError:
        """What it left; waits for it."""
        kept = [b"".join(self.kept[one.fileno()]) for one in self.streams]
        for stream in self.streams:
            stream.close()
        try:
            # Its output is closed: what then goes on is not worth waiting for.
            status = self.process.wait(max(1.0, self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
            self.stopped = f"it took more than {self.seconds:g} s"
        if self.stopped:
            return ConfinedError(self.stopped)
        if status in (-signal.SIGXCPU, -signal.SIGKILL):
            return ConfinedError("it took more CPU time than its bound")
        return Ended(status, *kept)
