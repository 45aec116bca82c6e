"""References of workloads to Secrets: which of them a rename left dangling."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sealer.check import shown
from sealer.check.builds.model import Build, Rendered, SealedIndex, items_of
from sealer.check.findings import Finding, Place
from sealer.check.tree import Source, Tree, listing, mapping, text_of, title
from sealer.fields import Path

_POD_SPECS: dict[str, Path] = {
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"),
        ("spec", "template", "spec"),
    ),
}
# Kinds whose Secret has another name than their own, and where they say it.
_MAKERS: dict[str, tuple[Path, ...]] = {
    "ExternalSecret": (("spec", "target", "name"), ("metadata", "name")),
    "Certificate": (("spec", "secretName"),),
    "KeyVaultSecret": (("spec", "secretName"), ("spec", "target", "name"), ("metadata", "name")),
    "Secret": (("metadata", "name"),),
    "SealedSecret": (("metadata", "name"),),
}
_VOLUME_SOURCES = ("azureFile", "cephfs", "cinder", "flexVolume", "iscsi", "rbd", "scaleIO")


@dataclass(frozen=True, slots=True)
class Reference:
    """One use of a Secret by its name."""

    name: str
    path: Path
    optional: bool = False


def references(manifest: Mapping[str, Any]) -> Iterator[Reference]:
    """Every reference to a Secret of the same namespace that an object holds."""
    kind = text_of(manifest, "kind")
    spec = mapping(manifest.get("spec"))
    at: Path
    if kind in _POD_SPECS:
        yield from _pod(_at(manifest, _POD_SPECS[kind]), _POD_SPECS[kind])
    elif kind == "ServiceAccount":
        for key in ("secrets", "imagePullSecrets"):
            yield from _names(manifest.get(key), (key,))
    elif kind == "Ingress":
        yield from _names(spec.get("tls"), ("spec", "tls"), "secretName")
    elif kind == "Gateway":
        for index, listener in enumerate(listing(spec.get("listeners"))):
            tls = mapping(mapping(listener).get("tls"))
            at = ("spec", "listeners", index, "tls", "certificateRefs")
            refs = listing(tls.get("certificateRefs"))
            plain = [mapping(ref) for ref in refs if not mapping(ref).get("namespace")]
            yield from _names(plain, at)
    elif kind == "HelmRelease":
        for index, ref in enumerate(listing(spec.get("valuesFrom"))):
            if mapping(ref).get("kind") == "Secret":
                at = ("spec", "valuesFrom", index)
                yield from _one(ref, at, "name")


def check_references(
    build: Build, index: SealedIndex, tree: Tree, known: set[tuple[str, str]], *, every: bool
) -> Iterator[Finding]:
    """Dangling references of one build; with ``every`` also those to Secrets nobody makes.

    ``known`` holds namespace and name of every Secret that any build makes.
    """
    before = _names_before(build, index)
    places = by_name(known)
    for item in build.objects:
        namespace = text_of(item.value, "metadata", "namespace")
        told: set[str] = set()
        for reference in references(item.value):
            met = meets(namespace, places.get(reference.name, ()))
            if reference.optional or met or reference.name in told:
                continue
            told.add(reference.name)
            moved = [
                (sealed, source)
                for sealed, source in before
                if reference.name == text_of(source.value, "metadata", "name")
                or reference.name == text_of(sealed.value, "metadata", "name")
            ]
            place = _place(item, reference, tree, build)
            if moved:
                yield _dangling(build, item, reference, moved[0], place)
            elif every:
                words = f"{title(item.value)} refers to the Secret {shown.name(reference.name)}"
                words += ", which nothing in the tree makes"
                yield Finding(
                    place, "unknown-reference", words, "seal it, or mark the reference optional"
                )


def by_name(known: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """The namespaces of each Secret's name."""
    places: dict[str, set[str]] = {}
    for namespace, name in known:
        places.setdefault(name, set()).add(namespace)
    return places


def meets(namespace: str, others: Collection[str]) -> bool:
    """Whether an object finds one in these namespaces.

    Without a namespace it may come into any: Argo CD's destination or ``kubectl -n`` gives it one.
    """
    return bool(others) and (not namespace or namespace in others or "" in others)


def made_secrets(objects: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Namespace and name of the Secrets that these objects are or make."""
    found = set()
    for manifest in objects:
        namespace = text_of(manifest, "metadata", "namespace")
        for path in _MAKERS.get(text_of(manifest, "kind"), ()):
            name = text_of(manifest, *map(str, path))
            if name:
                found.add((namespace, name))
                break
    return found


def _names_before(build: Build, index: SealedIndex) -> list[tuple[Rendered, Source]]:
    found = []
    for sealed in build.sealed():
        sources = (index.find(item, build, sealed) for item in items_of(sealed.value).values())
        source = next((one for one in sources if one), None)
        if source:
            found.append((sealed, source))
    return found


def _dangling(
    build: Build,
    item: Rendered,
    reference: Reference,
    moved: tuple[Rendered, Source],
    place: Place,
) -> Finding:
    sealed, _ = moved
    name = text_of(sealed.value, "metadata", "name")
    what = "name" if name != reference.name else "namespace"
    words = f"{title(item.value)} refers to the Secret {shown.name(reference.name)}"
    words += f", and the SealedSecret ends up as {title(sealed.value).partition(' ')[2]}"
    cure = "add the Component with nameReference of docs/kustomize-flux.md"
    return Finding(place, "dangling-reference", words, cure, build.cause(sealed, what))


def _place(item: Rendered, reference: Reference, tree: Tree, build: Build) -> Place:
    """Where the reference is written: in the object's own file where that still says it."""
    name = text_of(item.value, "metadata", "name")
    candidates = [
        source
        for source in tree.in_file(item.origin)
        if source.kind == item.kind and text_of(source.value, "metadata", "name") in name
    ]
    for source in candidates:
        for one in references(source.value):
            if one.name == reference.name:
                return source.place(*one.path)
    if candidates:
        return candidates[0].place()
    if item.origin:
        return Place(item.origin)
    if build.flux:
        return build.flux.place()
    own = sorted(path for path in build.files if path in build.kustomizations)
    return Place(own[0] if own else ".")


def _pod(spec: Mapping[str, Any], at: Path) -> Iterator[Reference]:
    yield from _names(spec.get("imagePullSecrets"), (*at, "imagePullSecrets"))
    for key in ("containers", "initContainers", "ephemeralContainers"):
        for number, container in enumerate(listing(spec.get(key))):
            yield from _container(mapping(container), (*at, key, number))
    for number, volume in enumerate(listing(spec.get("volumes"))):
        yield from _volume(mapping(volume), (*at, "volumes", number))


def _container(container: Mapping[str, Any], at: Path) -> Iterator[Reference]:
    for index, entry in enumerate(listing(container.get("env"))):
        ref = mapping(mapping(entry).get("valueFrom")).get("secretKeyRef")
        yield from _one(ref, (*at, "env", index, "valueFrom", "secretKeyRef"), "name")
    for index, entry in enumerate(listing(container.get("envFrom"))):
        where = (*at, "envFrom", index, "secretRef")
        yield from _one(mapping(entry).get("secretRef"), where, "name")


def _volume(volume: Mapping[str, Any], at: Path) -> Iterator[Reference]:
    yield from _one(volume.get("secret"), (*at, "secret"), "secretName")
    projected = listing(mapping(volume.get("projected")).get("sources"))
    for index, source in enumerate(projected):
        where = (*at, "projected", "sources", index, "secret")
        yield from _one(mapping(source).get("secret"), where, "name")
    for key in _VOLUME_SOURCES:
        inner = mapping(volume.get(key))
        yield from _one(inner, (*at, key), "secretName")
        yield from _one(inner.get("secretRef"), (*at, key, "secretRef"), "name")
    ref = mapping(volume.get("csi")).get("nodePublishSecretRef")
    yield from _one(ref, (*at, "csi", "nodePublishSecretRef"), "name")


def _names(entries: Any, at: Path, key: str = "name") -> Iterator[Reference]:
    for index, entry in enumerate(listing(entries)):
        yield from _one(entry, (*at, index), key)


def _one(value: Any, at: Path, key: str) -> Iterator[Reference]:
    name = mapping(value).get(key)
    if isinstance(name, str) and name:
        yield Reference(name, (*at, key), mapping(value).get("optional") is True)


def _at(manifest: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    value: Any = manifest
    for step in path:
        value = mapping(value).get(str(step))
    return mapping(value)
