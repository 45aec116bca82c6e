"""Git, as a program: the one place that runs it; nothing but its configuration is changed.

Which repository is meant is decided here and not by git: the nearest ``.git`` above a path, or
what the caller's environment names. Git would take any folder with HEAD, objects and refs for a
repository, and do what its configuration says; such a folder can be committed, a ``.git`` cannot.
What is run has nothing to start for it: no hook, monitor, filter, pager, driver or transport.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sealer.errors import SealerError

_OPTIONS = (
    "--no-pager",
    *("-c", "core.quotePath=false"),
    # Git before 2.38 does not know it: hence also the look for ``.git`` on our own.
    *("-c", "safe.bareRepository=explicit"),
    # Empty, since for git before 2.36 "false" would be the name of a program.
    *("-c", "core.fsmonitor="),
    *("-c", f"core.hooksPath={os.devnull}"),
)
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "GIT_SSH_COMMAND": "false",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
# Where git finds itself and the user's own configuration, whose the folders are, and what git
# tells its hooks about the commit at hand.
_KEPT = frozenset(
    {
        *("PATH", "HOME", "XDG_CONFIG_HOME", "USER", "LOGNAME", "SUDO_UID", "LD_LIBRARY_PATH"),
        *("TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "USERPROFILE", "HOMEDRIVE", "HOMEPATH"),
        *("APPDATA", "PROGRAMDATA", "GIT_EXEC_PATH", "GIT_INDEX_FILE"),
        *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
    }
)
_CONFIGURATION = "GIT_CONFIG_"
# What compares files starts no program for what it finds.
_PLAIN = ("--ignore-submodules=dirty", "--no-ext-diff", "--no-textconv")


class GitError(SealerError):
    """git is not there, or says no."""


class NoGitError(GitError):
    """git is not there."""


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that differs between two states; None where it is not there."""

    path: str
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, slots=True)
class Repository:
    """A work tree and its Git folder, both absolute; git is told of them, and looks for nothing."""

    root: Path
    folder: Path

    @classmethod
    def of(cls, start: Path) -> Repository | None:
        """The one that ``start`` lies in; None where there is none.

        GitError where git will not take it (it belongs to somebody else, it is broken), or where
        it stands for files that are somewhere else.
        """
        root = above(start)
        near = None if root is None else cls._confirmed(root)
        named = cls._named()
        if named is None or (near is not None and near.folder == named.folder):
            return near
        return named

    @classmethod
    def _confirmed(cls, root: Path) -> Repository:
        found = cls._told(root, {})
        if not found.root.samefile(root) or found.folder == found.root:
            raise GitError(
                f"{root / '.git'}: stands for the files of another folder",
                hint="take it away, or name the repository by GIT_DIR and GIT_WORK_TREE",
            )
        return found

    @classmethod
    def _named(cls) -> Repository | None:
        """What GIT_DIR names, which git itself sets for hooks; None where that has no files."""
        folder = os.environ.get("GIT_DIR")
        if not folder:
            return None
        tree = os.environ.get("GIT_WORK_TREE")
        with suppress(GitError):
            return cls._told(
                Path.cwd(), {"GIT_DIR": folder, **({"GIT_WORK_TREE": tree} if tree else {})}
            )
        return None

    @classmethod
    def _told(cls, place: Path, more: Mapping[str, str]) -> Repository:
        words = ("rev-parse", "--absolute-git-dir", "--show-toplevel")
        lines = _run(place, words, more).stdout.removesuffix(b"\n").split(b"\n")
        if len(lines) != 2:
            raise GitError("git rev-parse: the path of the repository has a line break")
        folder, root = (Path(os.fsdecode(line)).resolve() for line in lines)
        return cls(root, folder)

    def run(
        self,
        *words: str,
        stdin: bytes | None = None,
        ok: Sequence[int] = (0,),
        place: Path | None = None,
    ) -> bytes:
        """Run git and return what it prints; GitError with its last line otherwise.

        ``place`` is where paths among the words begin; the root is the default.
        """
        return _run(place or self.root, words, self.environment(), stdin=stdin, ok=ok).stdout

    def environment(self) -> dict[str, str]:
        """The variables that name it to git."""
        return {"GIT_DIR": str(self.folder), "GIT_WORK_TREE": str(self.root)}

    def compare(self, *words: str, place: Path | None = None) -> bytes:
        """Run one of git's commands that may read files of the work tree to compare them.

        Filters are programs that the configuration names; they are left out, and so are the
        files of submodules.
        """
        command = (*self._no_filters(), words[0], *_PLAIN, *words[1:])
        return self.run(*command, place=place)

    def _no_filters(self) -> Iterable[str]:
        keys = self.run("config", "-z", "--name-only", "--get-regexp", r"^filter\.", ok=(0, 1))
        for name in sorted({key.rpartition(".")[0] for key in names(keys)}):
            if "=" in name:
                raise GitError(f"git's configuration has a filter that cannot be left out: {name}")
            for key in ("clean", "smudge", "process"):
                yield from ("-c", f"{name}.{key}=")
            yield from ("-c", f"{name}.required=false")

    def common(self) -> str:
        """The Git folder that all its work trees share."""
        listed = self.run("rev-parse", "--git-common-dir").removesuffix(b"\n")
        return os.path.normpath(self.root / os.fsdecode(listed))

    def blobs(self, wanted: Iterable[str]) -> dict[str, bytes]:
        """The objects of these names; those that are not in the repository are left out."""
        asked = sorted(set(wanted))
        if not asked:
            return {}
        lines = "".join(f"{name}\n" for name in asked).encode()
        data = self.run("cat-file", "--batch", stdin=lines)
        found: dict[str, bytes] = {}
        at = 0
        for name in asked:
            end = data.index(b"\n", at)
            head = data[at:end].split(b" ")
            at = end + 1
            if len(head) == 3:
                size = int(head[2])
                found[name] = data[at : at + size]
                at += size + 1
        return found


def above(start: Path) -> Path | None:
    """The nearest folder with a ``.git`` that git would look into."""
    ceilings = os.environ.get("GIT_CEILING_DIRECTORIES", "").split(os.pathsep)
    place = start.resolve()
    for folder in (place, *place.parents):
        if str(folder) in ceilings and folder != place:
            return None
        entry = folder / ".git"
        # Linked work trees and submodules have a file there.
        if entry.is_file() or os.path.lexists(entry / "HEAD"):
            return folder
    return None


def _run(
    place: Path,
    words: Sequence[str],
    where: Mapping[str, str],
    *,
    stdin: bytes | None = None,
    ok: Sequence[int] = (0,),
) -> subprocess.CompletedProcess[bytes]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or name.startswith(_CONFIGURATION)
    }
    command = ["git", "-C", str(place), *_OPTIONS, *words]
    environment = {**kept, **_ENVIRONMENT, **where}
    try:
        done = subprocess.run(  # noqa: S603 words of our own
            # Git inherits no standard input: it may be a Secret.
            command,
            input=stdin or b"",
            capture_output=True,
            check=False,
            env=environment,
        )
    except OSError:
        raise NoGitError("git is not there", hint="install git") from None
    if done.returncode not in ok:
        raise GitError(f"git {_command(words)}: {_reason(done.stderr)}")
    return done


def _command(words: Sequence[str]) -> str:
    at = 0
    while words[at] == "-c":
        at += 2
    return words[at]


def _reason(stderr: bytes) -> str:
    """The line that says what is wrong; advice follows it."""
    lines = stderr.decode(errors="replace").strip().splitlines() or ["failed"]
    fatal = [line for line in lines if line.startswith("fatal: ")]
    return (fatal or lines[-1:])[0].removeprefix("fatal: ")


def names(listed: bytes) -> list[str]:
    """What git prints with ``-z``."""
    return [os.fsdecode(name) for name in listed.split(b"\0") if name]


def here(command: str) -> Repository:
    """The repository of the working directory; GitError where there is none."""
    found = Repository.of(Path.cwd())
    if found is None:
        raise GitError(f"git {command}: this is not inside a Git work tree")
    return found


def changed_files(revisions: Sequence[str], paths: Sequence[str]) -> list[ChangedFile]:
    """What `git diff REVISIONS -- PATHS` is about; without revisions HEAD and the work tree."""
    repository = here("diff")
    options = ("--raw", "-z", "--no-renames", "--no-abbrev", "--no-relative")
    words = ("diff", *options, *(revisions or ("HEAD",)), "--", *paths)
    fields = repository.compare(*words, place=Path.cwd()).split(b"\0")
    entries: list[tuple[str, str, str]] = []
    for meta, path in zip(fields[::2], fields[1::2], strict=False):
        # Source: git-diff(1), raw output format: :mode mode blob blob status.
        old_mode, new_mode, old, new, _ = meta.decode().lstrip(":").split()
        # Links and submodules have no text of their own.
        before, after = (
            name if mode.startswith("100") else ""
            for mode, name in ((old_mode, old), (new_mode, new))
        )
        entries.append((os.fsdecode(path), before, after))
    blobs = repository.blobs(name for _, *both in entries for name in both if name.strip("0"))
    return [_changed(repository.root, blobs, entry) for entry in entries if any(entry[1:])]


def _changed(root: Path, blobs: Mapping[str, bytes], entry: tuple[str, str, str]) -> ChangedFile:
    path, before, after = entry
    if before and before not in blobs:
        raise GitError(f"git diff: {path}: its former text is not in this clone")
    # The work tree's side of a diff has a name, or zeros, and no object yet.
    text = blobs[after] if after in blobs else _read(root / path) if after else None
    return ChangedFile(path, blobs[before] if before else None, text)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def setting(name: str) -> str:
    """A value of git's configuration, empty where there is none or no git."""
    try:
        done = _run(Path.cwd(), ("config", "--get", name), _near(), ok=(0, 1))
    except GitError:
        return ""
    return done.stdout.decode(errors="replace").strip()


def configure(name: str, value: str, *, everywhere: bool) -> None:
    """Set a value of the repository's configuration, or of the user's."""
    here("config").run("config", *(("--global",) if everywhere else ()), name, value)


def merge_file(ours: str, base: str, theirs: str, marker_size: str) -> tuple[bytes, bool]:
    """Merge three files as git does; the text, and whether it holds no conflict."""
    labels = ("-L", "ours", "-L", "base", "-L", "theirs")
    words = ("merge-file", "-p", f"--marker-size={marker_size}", *labels, "--", ours, base, theirs)
    # Source: git-merge-file(1): the number of conflicts up to 127, above for failure.
    done = _run(Path.cwd(), words, _near(), ok=range(128))
    return done.stdout, done.returncode == 0


def _near() -> dict[str, str]:
    """The repository of the working directory, or that there is none: git looks for none."""
    found = Repository.of(Path.cwd())
    return found.environment() if found else {"GIT_DIR": os.devnull}
