"""What a build reads, all of it, and why it may not be built at all.

A list of what is known to be harmless, not of what is known to be bad: what is not known keeps a
kustomization from being built. Links are resolved first, for a folder behind a link is that folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sealer.check.builds.kustomizations import Kustomization, join
from sealer.check.builds.named import (
    INCLUDED,
    PLUGINS,
    Named,
    as_understood,
    is_written_out,
    named,
    needs_helm,
    plugins,
    written,
)
from sealer.check.builds.redaction import without_literals
from sealer.check.tree import KUSTOMIZATION_NAMES
from sealer.errors import SealerError

# What may name a repository: kustomize asks git for it, even where a folder of that name is there.
_REPOSITORY = re.compile(r"[:?]|^[^/]*@|^(www\.)?github\.com\b|\.git(/|$)", re.IGNORECASE)
_URL = re.compile(r"https?:", re.IGNORECASE)
_PLAIN = {"apiVersion", "kind", "resources"}
REMOTE = "needs the network"
HELM = "needs Helm"
PLUGIN = "needs a plugin, or one whose files are not known beforehand"
_ABSOLUTE = "names an absolute path"
_OUTSIDE = "names a path that leads out of the tree"
_UNREADABLE = "includes a kustomization that cannot be read"
MISSING = "it names a file that is not there"
INVALID = "the kustomization file is not valid"


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of a tree, as far as builds may read them."""

    known: Mapping[str, Kustomization]
    files: frozenset[str]
    links: Mapping[str, str | None] = field(default_factory=dict)
    """Links to files and folders, and what they lead to; None where that is not in the tree."""
    text: Callable[[str], str | None] = lambda _: None

    def resolve(self, path: str) -> str | None:
        """A path with the links to folders on its way followed; None where it leaves the tree."""
        if path == ".." or path.startswith("../"):
            return None
        done = ""
        for part in path.split("/"):
            done = f"{done}/{part}" if done else part
            if done in self.links and self.links[done] is None:
                return None
            if done in self.links and done not in self.files:
                done = self.links[done] or ""
        return done

    def place(self, path: str) -> str:
        """The same, for comparing: a path that leaves the tree is itself."""
        found = self.resolve(path)
        return path if found is None else found


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a build is not tried: the kustomization and field, and words."""

    item: Kustomization
    field: str
    why: str
    fails: bool = False
    """Whether kustomize would fail, too."""


@dataclass(slots=True)
class Inputs:
    """What one build reads."""

    files: set[str] = field(default_factory=set)
    """Files, kustomizations among them, at their own places."""
    names: set[str] = field(default_factory=set)
    """Paths as they are written, links and all."""
    secrets: set[str] = field(default_factory=set)
    """Files whose text becomes a Secret's values."""
    texts: dict[str, str] = field(default_factory=dict, repr=False)
    """Kustomizations and plugins as they were understood: nothing else is to be read there."""
    refusals: list[Refusal] = field(default_factory=list)
    is_complete: bool = True
    """Whether every file that it reads is among these."""


def inputs_of(item: Kustomization, layout: Layout) -> Inputs:
    """Everything that a build of a kustomization reads, and every reason not to build it."""
    return _Reader(layout).read(item)


class _Reader:
    def __init__(self, layout: Layout) -> None:
        self._layout, self._found = layout, Inputs()
        self._seen: set[str] = set()
        self._pending: list[Kustomization] = []

    def read(self, item: Kustomization) -> Inputs:
        self._pending.append(item)
        while self._pending:
            self._kustomization(self._pending.pop())
        return self._found

    def _kustomization(self, item: Kustomization) -> None:
        if item.folder in self._seen:
            return
        self._seen.add(item.folder)
        self._found.files.add(item.source.path)
        for one in named(item.source.value):
            self._named(item, one)
        if needs_helm(item.source.value):
            self._refuse(item, "helmCharts", HELM)
        here = f"{item.folder}/" if item.folder else ""
        if sum(f"{here}{name}" in self._layout.files for name in KUSTOMIZATION_NAMES) > 1:
            self._refuse(item, "resources", INVALID, fails=True)
        try:
            self._found.texts[item.source.path] = written(
                as_understood(without_literals(item.source.value))
            )
        except SealerError:
            self._refuse(item, "generators", PLUGIN)

    def _named(self, item: Kustomization, one: Named) -> None:
        name = one.name
        if name is None:
            self._refuse(item, one.field, INVALID, fails=True)
        elif one.field in PLUGINS and is_written_out(name):
            self._plugins(item, one.field, name)
        elif _URL.match(name) or (one.field in (*INCLUDED, *PLUGINS) and _REPOSITORY.search(name)):
            self._refuse(item, one.field, REMOTE)
        elif name.startswith("/"):
            self._refuse(item, one.field, _ABSOLUTE)
        elif not (one.field == "patchesStrategicMerge" and _is_patch(name)):
            self._path(item, one.field, join(item.folder, name))

    def _path(self, item: Kustomization, field: str, name: str) -> None:
        layout, found = self._layout, self._found
        path = layout.resolve(name)
        if path is None:
            self._refuse(item, field, _OUTSIDE)
            return
        found.names.add(name)
        if path in layout.files:
            found.files.add(path)
            if field == "secretGenerator":
                found.secrets.add(path)
            if field in PLUGINS:
                self._plugin_file(item, field, path)
        elif field in PLUGINS and path in layout.known:
            self._plugin_folder(item, field, layout.known[path])
        elif field in INCLUDED and path in layout.known:
            self._pending.append(layout.known[path])
        elif field in (*INCLUDED, *PLUGINS) and self._has_kustomization(path):
            self._refuse(item, field, _UNREADABLE)
            found.is_complete = False
        else:
            found.files.add(path)
            self._refuse(item, field, MISSING, fails=True)

    def _plugin_folder(self, item: Kustomization, field: str, inner: Kustomization) -> None:
        """Plugins of a kustomization that does nothing but name their files."""
        self._found.files.add(inner.source.path)
        self._found.texts[inner.source.path] = written(inner.source.value)
        if not inner.source.value.keys() <= _PLAIN:
            self._refuse(item, field, PLUGIN)
        for one in named(inner.source.value):
            path = self._layout.resolve(join(inner.folder, one.name or "/"))
            if path is None or path not in self._layout.files:
                self._refuse(item, field, PLUGIN)
            else:
                self._found.files.add(path)
                self._plugin_file(item, field, path)

    def _plugin_file(self, item: Kustomization, field: str, path: str) -> None:
        text = self._layout.text(path)
        if text is None:
            self._refuse(item, field, PLUGIN)
        else:
            self._found.texts[path] = self._plugins(item, field, text)

    def _plugins(self, item: Kustomization, field: str, text: str) -> str:
        """What plugins name, relative to who uses them; returns their text as understood."""
        try:
            found, understood = plugins(text)
        except SealerError:
            self._refuse(item, field, PLUGIN)
            return ""
        for one in found:
            self._named(item, Named(one.field, one.name))
        return understood

    def _has_kustomization(self, path: str) -> bool:
        here = f"{path}/" if path else ""
        return any(f"{here}{name}" in self._layout.files for name in KUSTOMIZATION_NAMES)

    def _refuse(self, item: Kustomization, field: str, why: str, *, fails: bool = False) -> None:
        self._found.refusals.append(Refusal(item, field, why, fails))


def _is_patch(name: str) -> bool:
    return is_written_out(name) or ": " in name
