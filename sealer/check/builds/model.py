"""Builds as values: rendered objects, where they came from, and where each ciphertext stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sealer.check.builds.flux import FluxKustomization
from sealer.check.findings import Related
from sealer.check.tree import Source, mapping, text_of

GROUP = "bitnami.com"
KIND = "SealedSecret"


@dataclass(frozen=True, slots=True)
class Rendered:
    """One object that a build made, with what kustomize noted of its way."""

    value: Mapping[str, Any]
    origin: str = ""
    """The file it came from, relative to the root; empty where that is not known."""
    steps: tuple[tuple[str, str], ...] = ()
    """Transformers on its way: file and kind, in order."""

    @property
    def kind(self) -> str:
        """Its kind."""
        return text_of(self.value, "kind")

    @property
    def group(self) -> str:
        """Its API group."""
        return text_of(self.value, "apiVersion").rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Build:
    """What one kustomization, or one Flux Kustomization, makes."""

    folder: str
    objects: tuple[Rendered, ...]
    files: frozenset[str]
    """The files it reads."""
    flux: FluxKustomization | None = None
    kustomizations: Mapping[str, Source] = field(default_factory=dict)
    """Kustomization files by path, to name the line that causes a change."""
    settings: Related | None = None
    """What applies it with settings of its own: an Application of Argo CD."""

    def sealed(self) -> Iterable[Rendered]:
        """Its SealedSecrets."""
        return (item for item in self.objects if item.kind == KIND and item.group == GROUP)

    def cause(self, item: Rendered, what: str) -> tuple[Related, ...]:
        """The setting that made a change of ``what``: name, namespace or annotations."""
        if self.settings and what != "annotations":
            return (self.settings,)
        fields, flux_fields, transformers = _CAUSES[what]
        if self.flux and any(self.flux.spec.get(key) for key in flux_fields):
            return self.flux.causes(*flux_fields)
        steps = [path for path, kind in item.steps if kind in transformers]
        for path in (*reversed(steps), *self.own_files()):
            source = self.kustomizations.get(path)
            for key in fields:
                if source and source.value.get(key):
                    return (Related(source.place(key), f"{key} of the kustomization"),)
        return ()

    def own_files(self) -> list[str]:
        """The kustomization files that it reads, that of its folder first."""
        own = [path for path in self.files if path in self.kustomizations]
        return sorted(own, key=lambda path: (not path.startswith(f"{self.folder}/"), path))


_PATCHES = ("patches", "patchesStrategicMerge", "patchesJson6902", "replacements")
_CAUSES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "name": (
        ("namePrefix", "nameSuffix", *_PATCHES),
        ("namePrefix", "nameSuffix", "patches", "postBuild"),
        ("PrefixTransformer", "SuffixTransformer", "PrefixSuffixTransformer"),
    ),
    "namespace": (
        ("namespace", *_PATCHES),
        ("targetNamespace", "patches", "postBuild"),
        ("NamespaceTransformer",),
    ),
    "annotations": (
        ("commonAnnotations", *_PATCHES),
        ("commonMetadata", "patches", "postBuild"),
        ("AnnotationsTransformer", "PatchTransformer", "PatchStrategicMergeTransformer"),
    ),
}


class SealedIndex:
    """Which source file an item's ciphertext stands in."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._by_item: dict[str, list[Source]] = {}
        self._sources = tuple(sources)
        for source in self._sources:
            for item in items_of(source.value).values():
                self._by_item.setdefault(item, []).append(source)

    def find(self, item: str, build: Build, rendered: Rendered) -> Source | None:
        """The source of an item in a build; of several, the one that the build reads."""
        known = self._by_item.get(item, [])
        inside = [source for source in known if source.path in build.files]
        exact = [source for source in inside if source.path == rendered.origin]
        candidates = exact or inside or known
        name = text_of(rendered.value, "metadata", "name")
        named = [one for one in candidates if text_of(one.value, "metadata", "name") in name]
        return next(iter(named or candidates), None)

    def at(self, rendered: Rendered) -> Source | None:
        """The source of an object, whatever its items are now."""
        name = text_of(rendered.value, "metadata", "name")
        return next(
            (
                one
                for one in self._sources
                if one.path == rendered.origin and text_of(one.value, "metadata", "name") in name
            ),
            None,
        )


def items_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The sealed items by key, line ends within base64 taken out."""
    items = mapping(mapping(manifest.get("spec")).get("encryptedData"))
    return {key: "".join(item.split()) for key, item in items.items() if isinstance(item, str)}
