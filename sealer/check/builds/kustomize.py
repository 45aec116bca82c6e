"""Runs the real kustomize over a mirror of the tree, and never over the tree itself.

The mirror is a folder outside the tree with copies of what builds are known to read, and nothing
else: kustomizations as they were understood (also as Flux rewrites them), staged text with every
value of a Secret taken out. A throw-away kustomization around each build asks for
``buildMetadata``, which tells where each object came from and what changed it on the way.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType

from sealer.confined.confinement import Confinement, Limits
from sealer.confined.runner import ConfinedError, Ended, Runner
from sealer.errors import SealerError

VARIABLE = "SEAL_KUSTOMIZE"
LIMITS = Limits()
# Nothing answers on port 9 ("discard"), and no transport of git's is called "none".
_DEAD = "http://127.0.0.1:9"
_PROXIES = [
    name
    for word in ("HTTP", "HTTPS", "ALL", "NO")
    for name in (f"{word}_PROXY", f"{word}_proxy".lower())
]
_FOR_GIT = ("HOME", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "USER")
_SHUT = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_SSH_COMMAND": "false",
    **{name: "" if name.casefold() == "no_proxy" else _DEAD for name in _PROXIES},
}
_VARIANT = re.compile(r"~seal~\d+")
_WRAPPER = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- {}
buildMetadata: [originAnnotations, transformerAnnotations]
"""
_TWICE = "two objects have one id"
_REASONS = (
    (re.compile(r"may not add resource with an already registered id"), _TWICE),
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


class TwiceError(KustomizeError):
    """Two objects of a build have one id."""


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
    """Copies of the files that builds read, in a folder that goes away with the context.

    It holds no link that leads out of it, and no file that was not added.
    """

    def __init__(self, links: Mapping[str, str | None]) -> None:
        self._links = {path: to for path, to in links.items() if to is not None}
        self._count = 0
        self._made: set[str] = set()
        self._understood: set[str] = set()
        self.home = Path()
        """The folder with everything that a build may read."""
        self.empty = Path()
        """A folder for what programs want to leave behind."""

    def __enter__(self) -> Mirror:
        # Memory first: what stands in a tree need not be on a second disk.
        memory = "/dev/shm"  # noqa: S108 mkdtemp makes a private folder in it
        place = memory if os.access(memory, os.W_OK) else None
        self.home = Path(tempfile.mkdtemp(prefix="seal-check-", dir=place)).resolve()
        self.empty = self.home / "empty"
        self.empty.mkdir()
        (self.home / "tree").mkdir()
        return self

    def add(self, files: Mapping[str, bytes], understood: Mapping[str, str]) -> None:
        """Put files there; what was ``understood`` of a text stands in for it, once and for all."""
        for path, data in files.items():
            if path not in self._made:
                self._write(path, data)
        for path, text in understood.items():
            if path not in self._understood:
                self._understood.add(path)
                self._write(path, text.encode("utf-8", "surrogatepass"))

    def has(self, path: str) -> bool:
        """Whether a file was added."""
        return path in self._made

    def link(self, paths: Iterable[str]) -> None:
        """Make the links to folders that these paths pass, each to its folder in the mirror."""
        for path in paths:
            parts = path.split("/")
            for end in range(1, len(parts) + 1):
                link = "/".join(parts[:end])
                place = self.home / "tree" / link
                if link in self._links and not os.path.lexists(place):
                    place.parent.mkdir(parents=True, exist_ok=True)
                    target = self.home / "tree" / self._links[link]
                    place.symlink_to(os.path.relpath(target, place.parent))
                if link in self._links:
                    break

    def _write(self, path: str, data: bytes) -> None:
        place = f"{self.home}/tree/{path}"
        os.makedirs(os.path.dirname(place), exist_ok=True)  # noqa: PTH103, PTH120 thousands
        with open(place, "wb") as file:  # noqa: PTH123 thousands
            file.write(data)
        self._made.add(path)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self.home, ignore_errors=True)

    def variant(self, folder: str, kustomization: str, name: str) -> str:
        """A copy of a folder beside it, with another kustomization file; returns its path.

        The old file is left out, whatever it is called (``name``), and all else is a link, so
        that relative paths lead where they led.
        """
        self._count += 1
        path = f"{folder}~seal~{self._count}"
        while os.path.lexists(self.home / "tree" / path):
            self._count += 1
            path = f"{folder}~seal~{self._count}"
        here = self.home / f"tree{'/' if folder else ''}{folder}"
        there = self.home / f"tree{'/' if folder else ''}{path}"
        here.mkdir(parents=True, exist_ok=True)
        there.mkdir()
        for entry in here.iterdir():
            if entry.name != name and not _VARIANT.search(entry.name):
                (there / entry.name).symlink_to(entry)
        (there / "kustomization.yaml").write_text(kustomization, encoding="utf-8")
        return path

    def wrapper(self, path: str) -> Path:
        """A kustomization around a folder or variant that asks for origins; returns its folder."""
        self._count += 1
        place = self.home / f"wrapper{self._count}"
        place.mkdir()
        target = f"../tree{'/' if path and not path.startswith('~') else ''}{path}"
        (place / "kustomization.yaml").write_text(_WRAPPER.format(_quoted(target)))
        return place


class Kustomize:
    """Runs kustomize over a mirror; nothing else runs it.

    Without ``remote`` it gets no network, no environment and no other file: who may write a
    kustomization must not make the machine that checks it fetch or read what they like. With it,
    what git needs to fetch is there: what is fetched is trusted then.
    """

    def __init__(
        self, command: list[str], mirror: Mirror, *, remote: bool = False, limits: Limits = LIMITS
    ) -> None:
        self._command, self._mirror = command, mirror
        self._confinement = Confinement(command[0], [mirror.home], limits, open_to_all=remote)
        self._runner = Runner(
            _environment(mirror, remote=remote), mirror.home, limits, self._confinement.apply
        )

    def close(self) -> None:
        """Let go of what the kernel holds for it."""
        self._confinement.close()

    def build(self, folders: Iterable[Path]) -> list[str | KustomizeError]:
        """What kustomize prints for each folder, or a reason of our own why it does not.

        kustomize's own words quote patches and files, which may be secrets.
        """
        words = [*self._command, "--load-restrictor", "LoadRestrictionsNone"]
        return [_output(one) for one in self._runner.run([[*words, str(one)] for one in folders])]


def _environment(mirror: Mirror, *, remote: bool) -> dict[str, str]:
    """What kustomize gets to know: a file of a tree can print all of it."""
    empty = str(mirror.empty)
    bare = {
        "PATH": os.environ.get("PATH", os.defpath),
        "TMPDIR": empty,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "XDG_CONFIG_HOME": empty,
        "XDG_CACHE_HOME": empty,
        "XDG_DATA_HOME": empty,
    }
    if not remote:
        return {**bare, "HOME": empty, **_SHUT}
    kept = {name: os.environ[name] for name in (*_FOR_GIT, *_PROXIES) if name in os.environ}
    return {**{key: bare[key] for key in ("PATH", "TMPDIR", "GIT_TERMINAL_PROMPT")}, **kept}


def _output(done: Ended | ConfinedError) -> str | KustomizeError:
    if isinstance(done, ConfinedError):
        return KustomizeError(done.message)
    if done.status == 0:
        return done.stdout.decode(errors="replace")
    text = done.stderr.decode(errors="replace")
    reasons = [reason for pattern, reason in _REASONS if pattern.search(text)]
    reason = reasons[0] if reasons else "kustomize fails"
    return TwiceError(reason) if reason == _TWICE else KustomizeError(reason)


def source_path(noted: str) -> str:
    """The path in the tree of what kustomize noted relative to a wrapper; empty if outside."""
    path = _VARIANT.sub("", os.path.normpath(noted))
    if path == "../tree":
        return ""
    return path.removeprefix("../tree/") if path.startswith("../tree/") else ""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
