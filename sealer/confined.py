"""Runs programs over files that strangers wrote: no network, few files, bounded in all they take.

One fork of this process gives up what the system lets it give up: other files and TCP (Landlock),
every network (a namespace of its own), memory and CPU time (rlimits). It then starts the programs,
which inherit all that. What a system does not offer is left out: callers must not rely on it alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import resource
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from sealer.errors import SealerError

# Source: linux/landlock.h, linux/sched.h, linux/prctl.h; the numbers are those of every
# architecture that Python runs on but alpha.
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_NEW_USER, _NEW_NET = 0x10000000, 0x40000000
_NO_NEW_PRIVILEGES = 38
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
# By ABI: REFER came with 2, TRUNCATE with 3, IOCTL_DEV with 5.
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_TCP = 0b11
_TCP_ABI = 4
# No signal to a process outside, and no abstract socket of one.
_SCOPES = 0b11
_SCOPES_ABI = 6
# What a program that is linked dynamically loads.
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/nix/store")
_CHUNK = 1 << 16


class ConfinedError(SealerError):
    """A program was stopped at a bound, or could not be started."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program may take, and all of a run together."""

    memory: int = 1 << 30
    cpu_seconds: int = 120
    seconds: float = 120
    output: int = 64 << 20
    run_seconds: float = 600
    run_output: int = 256 << 20
    at_once: int = 4


@dataclass(frozen=True, slots=True)
class Ended:
    """What a program that ended by itself left behind."""

    status: int
    stdout: bytes
    stderr: bytes


class Confinement:
    """What a process gives up; made once, and given up by a fork."""

    def __init__(
        self,
        program: str | None,
        readable: Iterable[Path],
        limits: Limits,
        *,
        open_to_all: bool = False,
    ) -> None:
        """``open_to_all`` leaves files and network as they are, and bounds the rest.

        ``program`` None: none is to be started, and nothing beyond ``readable`` is to be read.
        """
        self._memory, self._cpu = limits.memory, limits.cpu_seconds
        is_jail = sys.platform == "linux" and not open_to_all
        self._libc = ctypes.CDLL(None, use_errno=True) if is_jail else None
        self._rules = self._landlock(program, readable)

    @property
    def files_are_shut(self) -> bool:
        """Whether the kernel keeps other files shut."""
        return self._rules >= 0

    def apply(self) -> None:
        """Confine this process for good; for a fork alone."""
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _lower(resource.RLIMIT_CPU, self._cpu)
        _lower(resource.RLIMIT_DATA, self._memory)
        self.shut()

    def shut(self) -> None:
        """Give up files and network, and leave memory and CPU time as they are."""
        if self._libc is None:
            return
        self._libc.unshare(_NEW_USER | _NEW_NET)
        if self._rules >= 0 and (
            self._libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
            or self._libc.syscall(_RESTRICT, self._rules, 0)
        ):
            os._exit(126)

    def close(self) -> None:
        """Let go of the kernel's rules."""
        if self._rules >= 0:
            os.close(self._rules)

    def _landlock(self, program: str | None, readable: Iterable[Path]) -> int:
        """A ruleset that lets ``program`` start and read; -1 where the kernel has none."""
        if self._libc is None:
            return -1
        abi = self._libc.syscall(_CREATE, None, 0, 1)
        if abi < 1:
            return -1
        rights = max(value for since, value in _RIGHTS.items() if since <= abi)
        # Each part of struct landlock_ruleset_attr came with an ABI.
        parts = [rights]
        parts += [_TCP] if abi >= _TCP_ABI else []
        parts += [_SCOPES] if abi >= _SCOPES_ABI else []
        attributes = (ctypes.c_uint64 * len(parts))(*parts)
        rules: int = self._libc.syscall(_CREATE, attributes, 8 * len(parts), 0)
        if rules < 0:
            return -1
        read = _READ_FILE | _READ_DIR
        for place in readable:
            self._allow(rules, str(place), read)
        for name in (os.path.realpath(program), *_LIBRARIES) if program is not None else ():
            self._allow(rules, name, read | _EXECUTE)
        return rules

    def _allow(self, rules: int, name: str, rights: int) -> None:
        assert self._libc is not None  # noqa: S101 only called on Linux
        try:
            place = os.open(name, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return
        if not Path(name).is_dir():
            rights &= ~_READ_DIR
        # struct landlock_path_beneath_attr is packed.
        attributes = rights.to_bytes(8, sys.byteorder) + place.to_bytes(4, sys.byteorder)
        self._libc.syscall(_ADD, rules, 1, attributes, 0)
        os.close(place)


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


def _lower(which: int, wanted: int) -> None:
    """Lower a limit; a hard one that is lower already stays."""
    _, hard = resource.getrlimit(which)
    bound = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(which, (bound, bound))
