"""Runs the real kustomize over a mirror of the tree, and never writes into the tree itself.

The mirror is a folder of links outside the tree. What must differ in it (a kustomization as Flux
rewrites it, staged text) is written there, with every value of a Secret taken out first; for the
rest it links to the tree's own files. A throw-away kustomization around each build asks for
``buildMetadata``, which tells where each object came from and what changed it on the way.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType

from sealer.errors import SealerError

VARIABLE = "SEAL_KUSTOMIZE"
_TIMEOUT_SECONDS = 120
# Nothing answers on port 9 ("discard"), and no transport of git's is called "none".
_DEAD = "http://127.0.0.1:9"
_SHUT = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_SSH_COMMAND": "false",
    "NO_PROXY": "",
    "no_proxy": "",
    **{
        name: _DEAD
        for word in ("HTTP", "HTTPS", "ALL")
        for name in (f"{word}_PROXY", f"{word}_proxy".lower())
    },
}
_VARIANT = re.compile(r"~seal~\d+")
_WRAPPER = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- {}
buildMetadata: [originAnnotations, transformerAnnotations]
"""
_REASONS = (
    (re.compile(r"may not add resource with an already registered id"), "two objects have one id"),
    (re.compile(r"no matches for Id|no resource matches|failed to find unique target"),
     "a patch has no target"),
    (re.compile(r"no such file or directory|doesn't exist|not found|must resolve to a file"),
     "it names a file that is not there"),
    (re.compile(r"invalid Kustomization|json: unknown field|unknown field"),
     "the kustomization file is not valid"),
    (re.compile(r"cycle detected"), "it includes itself"),
    (re.compile(r"yaml:|YAML|MalformedYAML"), "a file is not valid YAML"),
    (re.compile(r"missing metadata\.name|missing Resource metadata"), "an object has no name"),
)  # fmt: skip


class KustomizeError(SealerError):
    """There is no kustomize, or it cannot build."""


def find_command(asked: str = "") -> list[str]:
    """The command that builds: what was asked for, kustomize, or kubectl's own copy of it."""
    wanted = asked or os.environ.get(VARIABLE, "")
    if wanted:
        found = shutil.which(wanted)
        if not found:
            raise KustomizeError(f"{wanted} is no program", hint="check --kustomize")
        is_kubectl = Path(found).name.startswith("kubectl")
        return [found, "kustomize"] if is_kubectl else [found, "build"]
    if found := shutil.which("kustomize"):
        return [found, "build"]
    if found := shutil.which("kubectl"):
        return [found, "kustomize"]
    raise KustomizeError(
        "there are kustomizations to render, and no kustomize",
        hint=f"install kustomize, name it with --kustomize or {VARIABLE}, or use --raw-only",
    )


class Mirror:
    """Links to the files of a tree, in a folder that goes away with the context.

    ``folders`` are links to folders and submodules, which stay one link each.
    """

    def __init__(
        self,
        root: Path,
        files: Iterable[str],
        replaced: Mapping[str, str],
        folders: Iterable[str] = (),
    ) -> None:
        self._root, self._replaced, self._folders = root, replaced, frozenset(folders)
        self._files = (*files, *sorted(self._folders))
        self._count = 0
        self._home = Path()

    def __enter__(self) -> Mirror:
        # Memory first: even what was taken out of secrets has no business on a disk.
        memory = "/dev/shm"  # noqa: S108 mkdtemp makes a private folder in it
        place = memory if os.access(memory, os.W_OK) else None
        self._home = Path(tempfile.mkdtemp(prefix="seal-check-", dir=place)).resolve()
        made: set[str] = set()
        top = f"{self._home}/tree"
        for path in self._files:
            folder = os.path.dirname(f"{top}/{path}")  # noqa: PTH120 thousands of files
            if folder not in made:
                os.makedirs(folder, exist_ok=True)  # noqa: PTH103
                made.add(folder)
            if path in self._replaced:
                Path(f"{top}/{path}").write_text(self._replaced[path], encoding="utf-8")
            else:
                os.symlink(self._target(path), f"{top}/{path}")  # noqa: PTH211 thousands
        return self

    def _target(self, path: str) -> str:
        """Where the mirror's link leads: within it, for a folder's link that leads on."""
        real = f"{self._root}/{path}"
        is_link = path in self._folders and os.path.islink(real)  # noqa: PTH114 thousands
        return os.readlink(real) if is_link else real  # noqa: PTH115

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self._home, ignore_errors=True)

    def variant(self, folder: str, kustomization: str, name: str) -> str:
        """A copy of a folder beside it, with another kustomization file; returns its path.

        The old file is left out, whatever it is called (``name``), and all else is a link, so
        that relative paths lead where they led.
        """
        self._count += 1
        path = f"{folder}~seal~{self._count}"
        here = self._home / f"tree{'/' if folder else ''}{folder}"
        there = self._home / f"tree{'/' if folder else ''}{path}"
        there.mkdir()
        for entry in here.iterdir():
            if entry.name != name and not _VARIANT.search(entry.name):
                (there / entry.name).symlink_to(entry)
        (there / "kustomization.yaml").write_text(kustomization, encoding="utf-8")
        return path

    def wrapper(self, path: str) -> Path:
        """A kustomization around a folder or variant that asks for origins; returns its folder."""
        self._count += 1
        place = self._home / f"wrapper{self._count}"
        place.mkdir()
        target = f"../tree{'/' if path and not path.startswith('~') else ''}{path}"
        (place / "kustomization.yaml").write_text(_WRAPPER.format(_quoted(target)))
        return place


def build(command: list[str], folder: Path, *, remote: bool = False) -> str:
    """What kustomize prints for a folder; raises KustomizeError with a reason of our own.

    Without ``remote`` it gets no network: who may write a kustomization must not make the machine
    that checks it fetch what they like, with its keys.
    kustomize's own words quote patches and files, which may be secrets.
    """
    words = [*command, "--load-restrictor", "LoadRestrictionsNone", str(folder)]
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", **({} if remote else _SHUT)}
    try:
        done = subprocess.run(  # noqa: S603 the user's kustomize
            words, capture_output=True, check=False, timeout=_TIMEOUT_SECONDS, env=environment
        )
    except subprocess.TimeoutExpired:
        raise KustomizeError(f"kustomize took more than {_TIMEOUT_SECONDS} s") from None
    except OSError as error:
        raise KustomizeError(f"cannot run {command[0]}: {error.strerror}") from None
    if done.returncode != 0:
        text = done.stderr.decode(errors="replace")
        reasons = [reason for pattern, reason in _REASONS if pattern.search(text)]
        raise KustomizeError(reasons[0] if reasons else "kustomize fails")
    return done.stdout.decode(errors="replace")


def source_path(noted: str) -> str:
    """The path in the tree of what kustomize noted relative to a wrapper; empty if outside."""
    path = _VARIANT.sub("", os.path.normpath(noted))
    if path == "../tree":
        return ""
    return path.removeprefix("../tree/") if path.startswith("../tree/") else ""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
