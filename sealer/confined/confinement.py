"""What a process gives up for good: other files, every network, memory and CPU time.

Files and TCP by Landlock, networks by a namespace of its own, the rest by rlimits. What a system
does not offer is left out: callers must not rely on it alone.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

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
        import resource

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


def _lower(which: int, wanted: int) -> None:
    """Lower a limit; a hard one that is lower already stays."""
    import resource

    _, hard = resource.getrlimit(which)
    bound = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(which, (bound, bound))
