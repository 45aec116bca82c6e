"""A Flux Kustomization, and what its settings make of the kustomization that it applies.

``targetNamespace``, ``namePrefix`` and ``nameSuffix`` *replace* the overlay's own; ``patches`` and
``components`` are added at its end; ``commonMetadata`` and ``postBuild`` act on the built objects.
Source: fluxcd/pkg ``kustomize/kustomize_generator.go`` (GenerateManifest).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sealer.check import shown
from sealer.check.builds.kustomizations import join
from sealer.check.findings import Place, Related
from sealer.check.tree import Source, listing, mapping, text_of

GROUP = "kustomize.toolkit.fluxcd.io"
KIND = "Kustomization"
_REPLACED = {
    "targetNamespace": "namespace",
    "namePrefix": "namePrefix",
    "nameSuffix": "nameSuffix",
}


@dataclass(frozen=True)
class FluxKustomization:
    """One Flux Kustomization as it will be in the cluster, and where it is written."""

    name: str
    namespace: str
    folder: str
    """``spec.path`` relative to the root, "" for the root."""
    spec: Mapping[str, Any]
    source: Source
    manifest: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, manifest: Mapping[str, Any], source: Source) -> FluxKustomization | None:
        """Read it; None where it applies nothing of a Git tree that we could see."""
        spec = mapping(manifest.get("spec"))
        path = spec.get("path", "")
        if not isinstance(path, str):
            return None
        folder = join("", path.lstrip("/") or ".")
        if folder.startswith(".."):
            return None
        return cls(
            name=text_of(manifest, "metadata", "name"),
            namespace=text_of(manifest, "metadata", "namespace"),
            folder=folder,
            spec=spec,
            source=source,
            manifest=manifest,
        )

    @property
    def identity(self) -> str:
        """What makes it one: its name, and everything that changes what it applies."""
        return json.dumps([self.namespace, self.name, self.folder, self.spec], sort_keys=True)

    @property
    def title(self) -> str:
        """For messages."""
        names = (self.namespace, self.name)
        return f"Flux Kustomization {'/'.join(shown.name(one) for one in names if one)}"

    def applied(self, kustomization: Mapping[str, Any]) -> dict[str, Any]:
        """The kustomization file as Flux rewrites it before it builds."""
        changed = dict(kustomization)
        for theirs, mine in _REPLACED.items():
            if isinstance(self.spec.get(theirs), str):
                changed[mine] = self.spec[theirs]
        for key in ("patches", "components"):
            if listing(self.spec.get(key)):
                changed[key] = [*listing(changed.get(key)), *self.spec[key]]
        return changed

    def variables(self) -> dict[str, str] | None:
        """``postBuild.substitute``; None where Flux substitutes nothing at all."""
        post_build = self.spec.get("postBuild")
        if not isinstance(post_build, dict):
            return None
        inline = mapping(post_build.get("substitute"))
        always = post_build.get("substituteStrategy") == "Always"
        if not inline and not self.variable_sources() and not always:
            return None
        return {key: str(value).replace("\n", "") for key, value in inline.items()}

    def variable_sources(self) -> list[tuple[str, str, bool]]:
        """``postBuild.substituteFrom``: kind, name, and whether it may be missing."""
        found = listing(mapping(self.spec.get("postBuild")).get("substituteFrom"))
        return [
            (text_of(item, "kind"), text_of(item, "name"), item.get("optional") is True)
            for item in found
            if isinstance(item, dict)
        ]

    def common_metadata(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """An object with ``commonMetadata``'s labels and annotations, which win."""
        common = mapping(self.spec.get("commonMetadata"))
        metadata = dict(mapping(manifest.get("metadata")))
        for key in ("labels", "annotations"):
            if mapping(common.get(key)):
                metadata[key] = {**mapping(metadata.get(key)), **common[key]}
        return {**manifest, "metadata": metadata}

    def place(self, *path: str | int) -> Place:
        """Where one of its fields is written."""
        return self.source.place(*path)

    def causes(self, *fields: str) -> tuple[Related, ...]:
        """The first of these ``spec`` fields that is set, as a related place."""
        for name in fields:
            if self.spec.get(name):
                return (Related(self.place("spec", name), f"{name} of the {self.title}"),)
        return ()

    def depends_on(self) -> list[tuple[str, str]]:
        """Namespace and name of the Flux Kustomizations that come first."""
        return [
            (text_of(item, "namespace") or self.namespace, text_of(item, "name"))
            for item in listing(self.spec.get("dependsOn"))
            if isinstance(item, dict)
        ]
