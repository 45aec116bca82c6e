"""A Git work tree as texts: the files that Git knows or would take, or what is staged of them.

Asks the real git; where there is none, or no repository, the folder is walked. Where git fails,
so does this: a file that is not listed is one that nobody looks at. Reads nothing that Git
ignores, and writes nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sealer.errors import SealerError
from sealer.files.text import Encoding
from sealer.git.program import GitError, NoGitError, Repository, above, names

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
    links: Mapping[str, str | None] = field(default_factory=dict)
    """Every link and what it leads to, relative to the root; None where it leaves the tree."""
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
        return cls._of_work_tree(root, set(_walk(root)))

    @classmethod
    def _present(cls, repository: Repository) -> WorkTree:
        root = repository.root
        listed = repository.run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        return cls._of_work_tree(root, set(names(listed)), repository)

    @classmethod
    def _of_work_tree(
        cls, root: Path, known: set[str], repository: Repository | None = None
    ) -> WorkTree:
        files, folders, links = _sorted_out(root, known)
        return cls(
            root,
            tuple(sorted(files)),
            folders=tuple(sorted(folders)),
            links=links,
            repository=repository,
        )

    @classmethod
    def _staged(cls, repository: Repository) -> WorkTree:
        root = repository.root
        objects: dict[str, str] = {}
        folders: list[str] = []
        linked: set[str] = set()
        for entry in names(repository.run("ls-files", "-z", "--stage")):
            facts, _, name = entry.partition("\t")
            mode, blob, stage = facts.split(" ")
            if mode == _LINK:
                linked.add(name)
            if mode in (_SUBMODULE, _LINK) and (root / name).is_dir():
                folders.append(name)
            # Stages above 0 are a merge that is not resolved.
            elif mode != _SUBMODULE and stage in ("0", "2"):
                objects[name] = blob
        differing = set(names(repository.compare("diff-files", "--name-only", "-z")))
        blobs = {name: blob for name, blob in objects.items() if name in differing}
        links = {one: _target(root, one, objects.keys()) for one in linked}
        files = (one for one in objects if links.get(one, "") is not None)
        kept = (one for one in folders if links.get(one, "") is not None)
        return cls(
            root,
            tuple(sorted(files)),
            staged=True,
            blobs=blobs,
            folders=tuple(sorted(kept)),
            links=links,
            repository=repository,
        )

    def below(self) -> tuple[str, ...]:
        """The files of submodules, which Git lists with none of ours; links are left out."""
        modules = [one for one in self.folders if one not in self.links]
        return tuple(
            f"{module}/{name}"
            for module in modules
            for name in _walk(self.root / module)
            if not (self.root / module / name).is_symlink()
        )

    def data(self, path: str) -> bytes | None:
        """A file's bytes as it lies there; None where it is not there or too large."""
        return _read(self.root / path)

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


def _sorted_out(root: Path, known: set[str]) -> tuple[list[str], list[str], dict[str, str | None]]:
    """Files, folders that Git takes for one thing, and links; what leads out is a link alone."""
    files: list[str] = []
    folders: list[str] = []
    links: dict[str, str | None] = {}
    base = str(root)
    for name in known:
        try:
            mode = os.lstat(f"{base}/{name}").st_mode
        except OSError:
            continue
        if stat.S_ISREG(mode):
            files.append(name)
        elif stat.S_ISDIR(mode):
            # A name that ends with a slash is a repository of its own, which Git takes nothing of.
            folders += [name] if not name.endswith("/") else []
        elif stat.S_ISLNK(mode):
            links[name] = _target(root, name, known)
            if links[name] is not None:
                kind = folders if (root / name).is_dir() else files
                kind.append(name)
    return files, folders, links


def _target(root: Path, name: str, known: Collection[str]) -> str | None:
    """What a link leads to in the end; None where that is no folder and no file of the tree."""
    real = Path(os.path.realpath(root / name))
    if not real.is_relative_to(root):
        return None
    path = real.relative_to(root).as_posix()
    path = "" if path == "." else path
    if ".git" in path.split("/") or not (path in known or real.is_dir()):
        return None
    return path


def _walk(folder: Path) -> Iterable[str]:
    """Every file below, and every link, whatever that leads to."""
    for place, folders, entries in os.walk(folder):
        folders[:] = [name for name in folders if name not in _SKIPPED_FOLDERS]
        relative = os.path.relpath(place, folder).replace(os.sep, "/")
        links = [name for name in folders if os.path.islink(f"{place}/{name}")]  # noqa: PTH114
        for name in (*entries, *links):
            yield name if relative == "." else f"{relative}/{name}"


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
