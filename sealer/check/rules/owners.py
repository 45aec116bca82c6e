"""Two objects of one build that make the same Secret: each writes it again and again.

Whoever looks last wins, and the next look of the other undoes it. That several fill one Secret on
purpose is said in it: ``Merge`` of a KeyVaultSecret or an ExternalSecret, the annotation
``patch``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sealer.check import shown
from sealer.check.builds.model import GROUP, KIND, Build, Rendered, SealedIndex, items_of
from sealer.check.findings import Finding, Place, Related
from sealer.check.rules.references import made_secrets
from sealer.check.tree import mapping, text_of, title
from sealer.sealed import PATCH_ANNOTATION


def check_owners(build: Build, index: SealedIndex) -> Iterator[Finding]:
    """SealedSecrets of a build whose Secret another object of it makes."""
    makers: dict[tuple[str, str], list[Rendered]] = {}
    for item in build.objects:
        if (item.kind, item.group) != (KIND, GROUP) and not _adds(item.value):
            for secret in made_secrets([item.value]):
                makers.setdefault(secret, []).append(item)
    for sealed in build.sealed():
        name = text_of(sealed.value, "metadata", "name")
        others = makers.get((text_of(sealed.value, "metadata", "namespace"), name), [])
        # The target's own annotation lets a SealedSecret add to it.
        if _adds(sealed.value) or not others:
            continue
        words = f"{title(sealed.value)} and {title(others[0].value)} make the same Secret"
        cure = "take one of them out, or let one add to the other's: see docs/controller.md"
        related = tuple(
            Related(Place(one.origin), f"the {shown.kind(one.kind)}")
            for one in others
            if one.origin
        )
        yield Finding(_place(sealed, build, index), "two-owners", words, cure, related)


def _adds(value: Mapping[str, Any]) -> bool:
    """Whether it adds keys to a Secret that is there, or says of itself that others may."""
    spec = mapping(value.get("spec"))
    annotations = [mapping(mapping(value.get("metadata")).get("annotations"))]
    template = mapping(mapping(spec.get("template")).get("metadata"))
    annotations.append(mapping(template.get("annotations")))
    target = mapping(spec.get("target"))
    words = (target.get("creation"), target.get("creationPolicy"))
    return any(one.get(PATCH_ANNOTATION) == "true" for one in annotations) or "Merge" in words


def _place(sealed: Rendered, build: Build, index: SealedIndex) -> Place:
    found = (index.find(item, build, sealed) for item in items_of(sealed.value).values() if item)
    source = next((one for one in found if one), None) or index.at(sealed)
    if source:
        return source.place("metadata", "name")
    return Place(sealed.origin or build.folder or ".")
