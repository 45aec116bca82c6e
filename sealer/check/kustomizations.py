"""Which kustomization includes what: roots to render, and the files that each one reads."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sealer.check.tree import (
    KUSTOMIZATION_NAMES,
    Source,
    Tree,
    is_manifest,
    listing,
    mapping,
    read_objects,
)
from sealer.errors import SealerError

# What may name a repository: kustomize asks git for it, even where a folder of that name is there.
_REPOSITORY = re.compile(r"[:?]|^[^/]*@|^(www\.)?github\.com\b|\.git(/|$)", re.IGNORECASE)
_URL = re.compile(r"https?:", re.IGNORECASE)
_INCLUDED = ("resources", "bases", "components")
_PLUGINS = ("generators", "transformers", "validators")
_FILES = ("crds", "configurations")


@dataclass(frozen=True, slots=True)
class Kustomization:
    """One kustomization of the tree: where it is and what it reads."""

    folder: str
    source: Source
    files: tuple[str, ...]
    """Every path that it names, relative to the root; some may be folders or not there."""
    remote: tuple[str, ...] = ()
    """Fields that need the network, a plugin or Helm."""
    plugins: tuple[tuple[str, str], ...] = ()
    """Fields, and paths as in ``files``, of generators and transformers: these fetch, too."""

    @property
    def is_component(self) -> bool:
        """Whether it is a Component: built alone, it prints nothing and reports no error."""
        return self.source.kind == "Component"


def find_kustomizations(tree: Tree) -> dict[str, Kustomization]:
    """Every kustomization by folder; "" is the root."""
    found = {}
    for source in tree.sources:
        folder, name = posixpath.split(source.path)
        if name in KUSTOMIZATION_NAMES and folder not in found:
            found[folder] = read_kustomization(folder, source)
    return found


def read_kustomization(folder: str, source: Source) -> Kustomization:
    """Read one kustomization's references."""
    files: list[str] = []
    remote: list[str] = []
    plugins: list[tuple[str, str]] = []
    for kind, name in _references(source.value):
        if "\n" in name:
            if _fetches(source.path, name):
                remote.append(kind)
            continue
        is_folder = kind in (*_INCLUDED, *_PLUGINS)
        if _URL.match(name) or (is_folder and _REPOSITORY.search(name)):
            remote.append(kind)
            continue
        files.append(join(folder, name))
        if kind in _PLUGINS:
            plugins.append((kind, files[-1]))
    if source.value.get("helmCharts") or source.value.get("helmChartInflationGenerator"):
        remote.append("helmCharts")
    return Kustomization(folder, source, tuple(files), tuple(remote), tuple(plugins))


def remote_fields(
    folder: str, kustomizations: Mapping[str, Kustomization], tree: Tree
) -> tuple[str, ...]:
    """Fields for which a build of ``folder`` would need the network, a plugin or Helm.

    Of two lines of defence the first: without ``--remote`` the build's network is shut as well.
    """
    found: list[str] = []
    pending, seen = [folder], set()
    while pending:
        item = kustomizations.get(pending.pop())
        if item is None or item.folder in seen:
            continue
        seen.add(item.folder)
        found += item.remote
        pending += item.files
        for kind, path in item.plugins:
            if any(
                _fetches(one, tree.texts.get(one)) for one in closure(path, kustomizations, tree)
            ):
                found.append(kind)
    return tuple(found)


def roots(kustomizations: Mapping[str, Kustomization], targets: Iterable[str]) -> list[str]:
    """Folders to render as they are: nobody includes them, and Flux does not apply them."""
    included = {name for item in kustomizations.values() for name in item.files}
    taken = included | set(targets)
    return sorted(
        folder
        for folder, item in kustomizations.items()
        if folder not in taken and not item.is_component
    )


def closure(folder: str, kustomizations: Mapping[str, Kustomization], tree: Tree) -> set[str]:
    """Every file that a build of ``folder`` reads, its kustomization files too."""
    seen: set[str] = set()
    files: set[str] = set()
    pending = [folder]
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        item = kustomizations.get(path)
        if item is None:
            files.add(path)
            continue
        files.add(item.source.path)
        pending.extend(item.files)
    return files


def generated_resources(folder: str, tree: Tree, kustomizations: Mapping[str, Any]) -> list[str]:
    """What Flux applies of a folder without a kustomization: every .yaml and .yml below it.

    Dot-files too; a folder with a kustomization is taken as one. Paths are relative to it.
    Source: fluxcd/pkg ``kustomize/kustomize_generator.go`` (scanManifests) and the default
    exclusions of fluxcd/pkg ``sourceignore``.
    """
    prefix = f"{folder}/" if folder else ""
    nested = sorted(name for name in kustomizations if name != folder and name.startswith(prefix))
    tops = [name for name in nested if not any(name.startswith(f"{up}/") for up in nested)]
    found = list(tops)
    for path in tree.texts:
        is_yaml = path.endswith((".yaml", ".yml")) and not _ignored(path)
        nested_in = any(path.startswith(f"{top}/") for top in tops)
        if path.startswith(prefix) and is_yaml and not nested_in:
            found.append(path)
    return sorted(found)


def join(folder: str, name: str) -> str:
    """A path of a kustomization, relative to the root; "" is the root itself."""
    path = posixpath.normpath(posixpath.join(folder, name))
    return "" if path == "." else path


def _ignored(path: str) -> bool:
    parts = path.split("/")
    return parts[-1] in (
        ".gitlab-ci.yml", ".travis.yml", "appveyor.yml", ".drone.yml", "cloudbuild.yaml",
        "codeship-services.yml", "codeship-steps.yml", ".goreleaser.yml", ".sops.yaml",
        ".flux.yaml",
    ) or parts[0] in (".github", ".circleci")  # fmt: skip


def _references(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Fields and what they name; a generator or patch written out in place has lines."""
    for key in (*_INCLUDED, *_PLUGINS, *_FILES):
        for entry in listing(value.get(key)):
            if isinstance(entry, str) and ("\n" not in entry or key in _PLUGINS):
                yield key, entry
    for key in ("patches", "patchesJson6902", "replacements"):
        for entry in listing(value.get(key)):
            if isinstance(mapping(entry).get("path"), str):
                yield key, entry["path"]
    for entry in listing(value.get("patchesStrategicMerge")):
        if isinstance(entry, str) and "\n" not in entry:
            yield "patchesStrategicMerge", entry
    for key in ("secretGenerator", "configMapGenerator"):
        for entry in listing(value.get(key)):
            for _, name in generator_files(entry):
                yield key, name
    if isinstance(mapping(value.get("openapi")).get("path"), str):
        yield "openapi", value["openapi"]["path"]


def _fetches(path: str, text: str | None) -> bool:
    """Whether a generator's or transformer's text may name a URL; what is not known may."""
    if text is None:
        return True
    try:
        return any(_holds_url(one.value) for one in read_objects(path, text))
    except SealerError:
        return True


def _holds_url(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_url, value.values()))
    if isinstance(value, list):
        return any(map(_holds_url, value))
    return isinstance(value, str) and _URL.search(value) is not None


def generator_files(entry: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The env and other files of one generator, each with its path in the generator."""
    generator = mapping(entry)
    if isinstance(generator.get("env"), str):
        yield ("env",), generator["env"]
    for key in ("envs", "files"):
        for index, name in enumerate(listing(generator.get(key))):
            if isinstance(name, str):
                yield (key, index), name.partition("=")[2] or name if key == "files" else name


def covered(builds: Iterable[set[str]]) -> set[str]:
    """Files that at least one build reads."""
    return {path for files in builds for path in files if is_manifest(path)}
