"""A Git work tree as texts: the files that Git knows or would take, or what is staged of them.

Asks the real git; where there is none, or no repository, the folder is walked. Reads nothing
that Git ignores, and writes nothing.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sealer.errors import SealerError
from sealer.files import Encoding

MAX_FILE_BYTES = 32 * 2**20
# Git's modes of an entry.
_LINK, _SUBMODULE = "120000", "160000"
_SKIPPED_FOLDERS = frozenset({".git", ".venv", "node_modules", "__pycache__"})


class WorkTreeError(SealerError):
    """Git says no."""


@dataclass
class WorkTree:
    """The files below ``root``, by path relative to it with ``/``."""

    root: Path
    files: tuple[str, ...]
    staged: bool = False
    blobs: dict[str, str] = field(default_factory=dict, repr=False)
    """In staged mode, the objects of files whose work tree text differs."""
    folders: tuple[str, ...] = ()
    """What Git knows as one thing and builds look into: links to folders, and submodules."""

    @classmethod
    def open(cls, start: Path, *, staged: bool = False) -> WorkTree:
        """Find the repository that ``start`` lies in and list its files."""
        folder = (start if start.is_dir() else start.parent).resolve()
        top = _git(folder, "rev-parse", "--show-toplevel")
        if top is None:
            if staged:
                raise WorkTreeError(
                    "--staged needs a Git repository", hint="run it inside one, with git installed"
                )
            here = Path.cwd()
            root = here if folder.is_relative_to(here) else folder
            return cls(root, tuple(sorted(_walk(root))))
        root = Path(os.fsdecode(top.rstrip(b"\n"))).resolve()
        if not staged:
            listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
            names = set(_names(listed))
            files = set(_existing(root, names))
            return cls(root, tuple(sorted(files)), folders=_folders(root, names - files))
        return cls._open_staged(root)

    @classmethod
    def _open_staged(cls, root: Path) -> WorkTree:
        objects: dict[str, str] = {}
        folders: list[str] = []
        for entry in _names(_git(root, "ls-files", "-z", "--stage")):
            facts, _, name = entry.partition("\t")
            mode, blob, stage = facts.split(" ")
            if mode in (_SUBMODULE, _LINK) and (root / name).is_dir():
                folders.append(name)
            # Stages above 0 are a merge that is not resolved.
            elif mode != _SUBMODULE and stage in ("0", "2"):
                objects[name] = blob
        differing = set(_names(_git(root, "diff-files", "--name-only", "-z")))
        blobs = {name: blob for name, blob in objects.items() if name in differing}
        return cls(root, tuple(sorted(objects)), True, blobs, tuple(sorted(folders)))

    def changed(self) -> tuple[str, ...]:
        """Files whose staged text differs from the last commit's."""
        listed = _git(self.root, "diff", "--cached", "--name-only", "-z", "--diff-filter=d")
        return tuple(_names(listed))

    def texts(self, paths: Iterable[str]) -> dict[str, str]:
        """The texts of these files; what is no text, or not there, is left out."""
        found: dict[str, str] = {}
        blobs: list[str] = []
        for path in paths:
            if path in self.blobs:
                blobs.append(path)
                continue
            data = _read(self.root / path)
            text = None if data is None else _decoded(data)
            if text is not None:
                found[path] = text
        found.update(self._staged_texts(blobs))
        return found

    def _staged_texts(self, paths: Sequence[str]) -> dict[str, str]:
        if not paths:
            return {}
        wanted = "".join(f"{self.blobs[path]}\n" for path in paths)
        output = _git(self.root, "cat-file", "--batch", stdin=wanted.encode()) or b""
        found: dict[str, str] = {}
        at = 0
        for path in paths:
            end = output.index(b"\n", at)
            size = int(output[at:end].split(b" ")[2])
            text = _decoded(output[end + 1 : end + 1 + size])
            at = end + 1 + size + 1
            if text is not None:
                found[path] = text
        return found


def _git(folder: Path, *words: str, stdin: bytes | None = None) -> bytes | None:
    """What git prints; None where it fails or is not installed."""
    command = ["git", "-C", str(folder), "-c", "core.quotePath=false", *words]
    try:
        done = subprocess.run(  # noqa: S603 git, with words of our own
            command, input=stdin, capture_output=True, check=False
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _names(listed: bytes | None) -> list[str]:
    return [os.fsdecode(name) for name in (listed or b"").split(b"\0") if name]


def _folders(root: Path, names: Iterable[str]) -> tuple[str, ...]:
    # A name that ends with a slash is a repository of its own, which Git takes nothing of.
    return tuple(sorted(name for name in names if name[-1] != "/" and (root / name).is_dir()))


def _existing(root: Path, names: Iterable[str]) -> Iterable[str]:
    base = str(root)
    return {name for name in names if os.path.isfile(f"{base}/{name}")}  # noqa: PTH113 thousands


def _walk(folder: Path) -> Iterable[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _SKIPPED_FOLDERS]
        relative = os.path.relpath(place, folder).replace(os.sep, "/")
        for name in names:
            path = name if relative == "." else f"{relative}/{name}"
            if os.path.isfile(f"{place}/{name}"):  # noqa: PTH113 thousands
                yield path


def _read(path: Path) -> bytes | None:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return None
        return path.read_bytes()
    except OSError:
        return None


def _decoded(data: bytes) -> str | None:
    encoding = Encoding.of(data[:4])
    try:
        return data[len(encoding.bom) :].decode(encoding.name)
    except UnicodeDecodeError:
        return None
