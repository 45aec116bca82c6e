"""A Git work tree as texts: the files that Git knows or would take, or what is staged of them.

Asks the real git; where there is none, or no repository, the folder is walked. Where git fails,
so does this: a file that is not listed is one that nobody looks at. Reads nothing that Git
ignores, and writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sealer.errors import SealerError
from sealer.files import Encoding
from sealer.git import GitError, NoGitError, Repository, above, names

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
    repository: Repository | None = None

    @classmethod
    def open(cls, start: Path, *, staged: bool = False) -> WorkTree:
        """Find the repository that ``start`` lies in and list its files."""
        _stays_inside(start)
        folder = (start if start.is_dir() else start.parent).resolve()
        try:
            repository = Repository.of(folder)
            if repository is not None:
                return cls._staged(repository) if staged else cls._present(repository)
        except NoGitError:
            pass
        except GitError as error:
            hint = error.hint or "see what `git status` says there; nothing is checked without it"
            raise WorkTreeError(error.message, hint=hint) from None
        if staged:
            raise WorkTreeError(
                "--staged needs a Git repository", hint="run it inside one, with git installed"
            )
        here = Path.cwd()
        root = here if folder.is_relative_to(here) else folder
        return cls(root, tuple(sorted(_walk(root))))

    @classmethod
    def _present(cls, repository: Repository) -> WorkTree:
        root = repository.root
        listed = repository.run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        known = set(names(listed))
        files = set(_existing(root, known))
        folders = _folders(root, known - files)
        return cls(root, tuple(sorted(files)), folders=folders, repository=repository)

    @classmethod
    def _staged(cls, repository: Repository) -> WorkTree:
        root = repository.root
        objects: dict[str, str] = {}
        folders: list[str] = []
        for entry in names(repository.run("ls-files", "-z", "--stage")):
            facts, _, name = entry.partition("\t")
            mode, blob, stage = facts.split(" ")
            if mode in (_SUBMODULE, _LINK) and (root / name).is_dir():
                folders.append(name)
            # Stages above 0 are a merge that is not resolved.
            elif mode != _SUBMODULE and stage in ("0", "2"):
                objects[name] = blob
        differing = set(names(repository.compare("diff-files", "--name-only", "-z")))
        blobs = {name: blob for name, blob in objects.items() if name in differing}
        files, links = tuple(sorted(objects)), tuple(sorted(folders))
        return cls(root, files, staged=True, blobs=blobs, folders=links, repository=repository)

    def changed(self) -> tuple[str, ...] | None:
        """Files whose staged text differs from the last commit's; None where nothing does."""
        if self.repository is None:
            return None
        words = ("diff", "--cached", "--name-only", "-z", "--no-renames", "--no-relative")
        differing = names(self.repository.compare(*words))
        there = {*self.files, *self.folders}
        return tuple(path for path in differing if path in there) if differing else None

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
        if not paths or self.repository is None:
            return {}
        data = self.repository.blobs(self.blobs[path] for path in paths)
        found: dict[str, str] = {}
        for path in paths:
            if self.blobs[path] not in data:
                raise WorkTreeError(f"{path}: its staged text is not in this clone")
            text = _decoded(data[self.blobs[path]])
            if text is not None:
                found[path] = text
        return found


def _stays_inside(start: Path) -> None:
    """Refuse a link in a repository that leads out of it: whoever wrote it chose another tree."""
    place = Path(os.path.abspath(start))  # noqa: PTH100 links are what is looked for
    for folder in (place, *place.parents):
        root = above(folder.parent) if folder.is_symlink() else None
        if root is not None and not folder.resolve().is_relative_to(root):
            raise WorkTreeError(f"{start}: a link leads out of {root}", hint="name the real folder")


def _folders(root: Path, names: Iterable[str]) -> tuple[str, ...]:
    # A name that ends with a slash is a repository of its own, which Git takes nothing of.
    return tuple(sorted(name for name in names if name[-1] != "/" and (root / name).is_dir()))


def _existing(root: Path, names: Iterable[str]) -> Iterable[str]:
    base = str(root)
    return {name for name in names if os.path.isfile(f"{base}/{name}")}  # noqa: PTH113 thousands


def _walk(folder: Path) -> Iterable[str]:
    for place, folders, entries in os.walk(folder):
        folders[:] = [name for name in folders if name not in _SKIPPED_FOLDERS]
        relative = os.path.relpath(place, folder).replace(os.sep, "/")
        for name in entries:
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
