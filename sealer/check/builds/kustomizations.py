"""The kustomizations of a tree, and which of them are roots to render."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sealer.check.builds.named import named
from sealer.check.tree import KUSTOMIZATION_NAMES, Source, Tree, is_manifest

_PATCHES = ("patches", "patchesJson6902", "patchesStrategicMerge")


@dataclass(frozen=True, slots=True)
class Kustomization:
    """One kustomization of the tree: where it is and where it is written."""

    folder: str
    source: Source

    @property
    def is_component(self) -> bool:
        """Whether it is a Component: built alone, it prints nothing and reports no error."""
        return self.source.kind == "Component"


def find_kustomizations(tree: Tree) -> dict[str, Kustomization]:
    """Every kustomization by folder; "" is the root. One of several documents is none."""
    found: dict[str, Kustomization] = {}
    several: set[str] = set()
    for source in tree.sources:
        folder, name = posixpath.split(source.path)
        if name not in KUSTOMIZATION_NAMES:
            continue
        if folder in found and found[folder].source.path == source.path:
            several.add(folder)
        found.setdefault(folder, Kustomization(folder, source))
    return {folder: item for folder, item in found.items() if folder not in several}


def roots(
    kustomizations: Mapping[str, Kustomization],
    targets: Iterable[str],
    place: Callable[[str], str] = str,
) -> list[str]:
    """Folders to render as they are: nobody includes them, and Flux does not apply them.

    ``place`` follows links.
    """
    included = {
        place(join(item.folder, one.name))
        for item in kustomizations.values()
        for one in named(item.source.value)
        if one.name and "\n" not in one.name
    }
    taken = included | set(targets)
    return sorted(
        folder
        for folder, item in kustomizations.items()
        if folder not in taken and not item.is_component
    )


def patch_files(kustomizations: Mapping[str, Kustomization]) -> set[str]:
    """Files that kustomizations name as patches: what stands there is no object."""
    return {
        join(item.folder, one.name)
        for item in kustomizations.values()
        for one in named(item.source.value)
        if one.field in _PATCHES and one.name and "\n" not in one.name
    }


def generated_resources(
    folder: str,
    tree: Tree,
    kustomizations: Mapping[str, Any],
    ignored: Callable[[str], bool] = lambda _: False,
) -> list[str]:
    """What Flux applies of a folder without a kustomization: every .yaml and .yml below it.

    Dot-files too, and nothing that the source leaves out (``ignored``); a folder with a
    kustomization is taken as one. Paths are relative to it.
    Source: fluxcd/pkg ``kustomize/kustomize_generator.go`` (scanManifests) and the default
    exclusions of fluxcd/pkg ``sourceignore``.
    """
    prefix = f"{folder}/" if folder else ""
    nested = sorted(name for name in kustomizations if name != folder and name.startswith(prefix))
    nested = [name for name in nested if not ignored(f"{name}/kustomization.yaml")]
    tops = [name for name in nested if not any(name.startswith(f"{up}/") for up in nested)]
    found = list(tops)
    for path in tree.texts:
        is_yaml = path.endswith((".yaml", ".yml")) and not _ignored(path)
        nested_in = any(path.startswith(f"{top}/") for top in tops)
        if path.startswith(prefix) and is_yaml and not nested_in and not ignored(path):
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


def covered(builds: Iterable[set[str]]) -> set[str]:
    """Files that at least one build reads."""
    return {path for files in builds for path in files if is_manifest(path)}
