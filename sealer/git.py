"""What is asked of git, as a program; nothing but its configuration is changed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from sealer.errors import SealerError

_NO_BLOB = "0" * 40


class GitError(SealerError):
    """git is not there, or says no."""


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that differs between two states; None where it is not there."""

    path: str
    before: bytes | None
    after: bytes | None


def run(*arguments: str, stdin: bytes | None = None, ok: Sequence[int] = (0,)) -> bytes:
    """Run git and return what it prints; GitError with its last line otherwise."""
    try:
        done = subprocess.run(["git", *arguments], input=stdin, capture_output=True, check=False)  # noqa: S603, S607 the user's git
    except OSError:
        raise GitError("git is not there", hint="install git") from None
    if done.returncode not in ok:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["failed"]
        raise GitError(f"git {arguments[0]}: {lines[-1].removeprefix('fatal: ')}")
    return done.stdout


def top() -> str:
    """The root of the work tree."""
    return os.fsdecode(run("rev-parse", "--show-toplevel").rstrip(b"\n"))


def changed_files(revisions: Sequence[str], paths: Sequence[str]) -> list[ChangedFile]:
    """What `git diff REVISIONS -- PATHS` is about; without revisions HEAD and the work tree."""
    command = ("diff", "--raw", "-z", "--no-renames", "--no-abbrev", "--no-ext-diff")
    fields = run(*command, *(revisions or ("HEAD",)), "--", *paths).split(b"\0")
    entries: list[tuple[str, str, str, str]] = []
    for meta, path in zip(fields[::2], fields[1::2], strict=False):
        # Source: git-diff(1), raw output format: :mode mode blob blob status.
        _, _, old, new, status = meta.decode().lstrip(":").split()
        entries.append((os.fsdecode(path), old, new, status[0]))
    blobs = _blobs({blob for _, old, new, _ in entries for blob in (old, new)} - {_NO_BLOB})
    root = top() if entries else ""
    return [
        ChangedFile(
            path,
            blobs.get(old),
            None if status == "D" else blobs[new] if new in blobs else _read(f"{root}/{path}"),
        )
        for path, old, new, status in entries
    ]


def _blobs(names: set[str]) -> dict[str, bytes]:
    if not names:
        return {}
    asked = sorted(names)
    data = run("cat-file", "--batch", stdin="".join(f"{name}\n" for name in asked).encode())
    found: dict[str, bytes] = {}
    at = 0
    for _ in asked:
        end = data.index(b"\n", at)
        head = data[at:end].decode().split()
        if len(head) < 3:
            # The work tree's side of a diff has a name and no object yet.
            at = end + 1
            continue
        size = int(head[2])
        found[head[0]] = data[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
    return found


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:  # noqa: PTH123
            return stream.read()
    except OSError:
        return None


def setting(name: str) -> str:
    """A value of git's configuration, empty where there is none or no git."""
    try:
        return run("config", "--get", name, ok=(0, 1)).decode().strip()
    except GitError:
        return ""


def configure(name: str, value: str, *, everywhere: bool) -> None:
    """Set a value of the repository's configuration, or of the user's."""
    run("config", *(("--global",) if everywhere else ()), name, value)


def merge_file(ours: str, base: str, theirs: str, marker_size: str) -> tuple[bytes, bool]:
    """Merge three files as git does; the text, and whether it holds no conflict."""
    labels = ("-L", "ours", "-L", "base", "-L", "theirs")
    command = ["git", "merge-file", "-p", f"--marker-size={marker_size}", *labels]
    done = subprocess.run([*command, ours, base, theirs], capture_output=True, check=False)  # noqa: S603
    # Source: git-merge-file(1): the number of conflicts up to 127, above for failure.
    if not 0 <= done.returncode <= 127:
        raise GitError("git merge-file failed")
    return done.stdout, done.returncode == 0
