"""A place in memory for text that must never be on a disk, and the user's editor at work there.

A directory on tmpfs or ramfs, readable by its owner only, removed whatever happens. Refuses any
other file system: there is no fall-back to /tmp.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sealer.errors import SealerError, docs_page

VARIABLE = "SEAL_EDIT_DIR"
_HINTS = {
    "darwin": "use seal set FILE KEY, which needs no file, or make a RAM disk and name it by "
    f"{VARIABLE}: {docs_page('platforms', 'macos')}",
    "win32": "use seal set FILE KEY, which needs no file, or edit in WSL: "
    f"{docs_page('platforms', 'windows')}",
}
_MEMORY = frozenset({"tmpfs", "ramfs"})
_MOUNTS = Path("/proc/self/mountinfo")
_VIM_OFF = "set noswapfile nobackup nowritebackup noundofile viminfo="
_NVIM_OFF = "set noswapfile noundofile nobackup nowritebackup"
# Names in the text are the file's author's: they must give the editor no orders.
_VIM_DEAF = "autocmd BufReadPre * setlocal nomodeline"
_EMACS_OFF = (
    "(setq enable-local-variables nil make-backup-files nil auto-save-default nil "
    "auto-save-list-file-prefix nil)"
)
# Editors that keep copies in the user's home unless they are told not to.
_QUIET = {
    "vim": ("-n", "-i", "NONE", "--cmd", _VIM_DEAF, "--cmd", _VIM_OFF, "-c", _VIM_OFF),
    # Before and after the user's own settings, which may turn them on again.
    "nvim": ("-n", "-i", "NONE", "--cmd", _VIM_DEAF, "--cmd", _NVIM_OFF, "-c", _NVIM_OFF),
    "emacs": ("--eval", _EMACS_OFF),
    "nano": ("--ignorercfiles",),
}
# Those that keep none, and need not be told: the vi of small systems, and what only shows a file.
_KEEPS_NONE = frozenset({"busybox", "cat", "coreutils"})


class ScratchError(SealerError):
    """There is no memory-backed directory, or the editor could not do its work."""


@contextmanager
def memory_directory(environment: Mapping[str, str] | None = None) -> Iterator[Path]:
    """Make a private directory on a memory-backed file system; remove it at the end.

    SIGTERM and SIGHUP raise SystemExit meanwhile, so that the end comes then, too.
    """
    parent = _memory_parent(os.environ if environment is None else environment)

    def stop(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    # Windows has no SIGHUP.
    ends = (signal.SIGTERM, getattr(signal, "SIGHUP", None))
    before = {number: signal.signal(number, stop) for number in ends if number is not None}
    directory = Path(tempfile.mkdtemp(prefix="seal-", dir=parent))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        for number, handler in before.items():
            signal.signal(number, handler)


def _memory_parent(environment: Mapping[str, str]) -> Path:
    """The folder to work in; ScratchError with a cure for this platform."""
    named = environment.get(VARIABLE, "")
    names = [named, environment.get("XDG_RUNTIME_DIR", ""), "/dev/shm"]  # noqa: S108 checked below to be memory
    if hasattr(os, "getuid"):
        names.append(f"/run/user/{os.getuid()}")
    for name in filter(None, names):
        path = Path(name)
        # Where the kernel says nothing of file systems, a RAM disk is the user's word.
        trusted = name == named and not _MOUNTS.exists()
        usable = path.is_dir() and os.access(path, os.W_OK | os.X_OK)
        if usable and (trusted or in_memory(path)):
            return path
    raise ScratchError(
        "there is no directory in memory here (tmpfs) to edit in, and cleartext goes to no disk",
        hint=_HINTS.get(sys.platform, "mount a tmpfs on /dev/shm, or use seal set FILE KEY"),
    )


def in_memory(path: Path) -> bool:
    """Whether a path lies on tmpfs or ramfs, as the kernel says."""
    if not hasattr(os, "major"):
        return False  # Windows
    try:
        device = path.stat().st_dev
        lines = _MOUNTS.read_text(errors="replace").splitlines()
    except OSError:
        return False
    wanted = f"{os.major(device)}:{os.minor(device)}"
    # Source: proc_pid_mountinfo(5): ID parent major:minor root mount-point options ... - type.
    kinds = [
        line.partition(" - ")[2].split(" ", 1)[0]
        for line in lines
        if line.split(" ", 3)[2] == wanted
    ]
    return bool(kinds) and all(kind in _MEMORY for kind in kinds)


def editor_command(environment: Mapping[str, str]) -> list[str]:
    """Return the user's editor as an argument list: VISUAL, else EDITOR, else vi.

    Where the editor is known, with the options that keep it from making copies elsewhere.
    """
    words = shlex.split(environment.get("VISUAL") or environment.get("EDITOR") or "vi")
    found = shutil.which(words[0]) if words else None
    if found is None:
        raise ScratchError("there is no editor to run", hint="set EDITOR")
    return [*words, *_QUIET.get(_known(found), ())]


def may_keep_copies(command: list[str]) -> bool:
    """Whether this editor's own copies, such as backups, could not be turned off from outside.

    True as well for an editor that is not known, such as a script.
    """
    found = shutil.which(command[0]) or command[0]
    return not _known(found) and Path(os.path.realpath(found)).name not in _KEEPS_NONE


def _known(program: str) -> str:
    """Which editor with options of ours a program is; empty for others."""
    real = Path(os.path.realpath(program)).name
    names = (name for name in _QUIET if real == name or real.startswith((f"{name}.", f"{name}-")))
    return next(names, "")


def edit(path: Path, command: list[str]) -> None:
    """Run the editor on a file and wait; ScratchError where it fails."""
    # What the editor puts into temporary files stays in memory, too.
    environment = {**os.environ, "TMPDIR": str(path.parent)}
    # Ctrl-C is the editor's while it runs; a handler, unlike SIG_IGN, is not inherited.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        done = subprocess.run([*command, str(path)], env=environment, check=False)  # noqa: S603 the user's own editor
    except OSError as error:
        reason = (error.strerror or "failed").lower()
        raise ScratchError(f"cannot run {command[0]}: {reason}", hint="set EDITOR") from None
    finally:
        signal.signal(signal.SIGINT, before)
    if done.returncode:
        raise ScratchError(f"{command[0]} ended with status {done.returncode}; nothing is changed")


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone may read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
        stream.write(text)
