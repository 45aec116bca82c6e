"""Namespaces that a build renames onto another, and those whose pruning takes the sealing keys.

``namespace`` of a kustomization and ``targetNamespace`` of a Flux Kustomization rename Namespace
objects, too. Often that is meant (a base's ``system`` becomes ``shop-system``): it is a fault only
where the Namespace becomes somebody else's, or where its written name is still used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sealer.check import shown
from sealer.check.builds.kustomizations import join
from sealer.check.builds.model import Build, Rendered
from sealer.check.findings import Finding, Place, Related
from sealer.check.rules.gitops.controllers import (
    application_sources,
    applications,
    controller_namespaces,
)
from sealer.check.tree import Source, Tree, is_kustomization, listing, mapping, text_of

FLUX_PRUNE = "kustomize.toolkit.fluxcd.io/prune"
ARGO_OPTIONS = "argocd.argoproj.io/sync-options"
_OF_THE_CLUSTER = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})
_KEPT = frozenset({"Prune=false", "Prune=confirm"})


def check_namespaces(builds: Sequence[Build], tree: Tree) -> Iterator[Finding]:
    """Everything about the Namespace objects of the builds and of Argo CD's Applications."""
    homes = {build.flux.namespace for build in builds if build.flux} | _OF_THE_CLUSTER
    made = {_name(item) for build in builds for item in _namespaces(build)}
    keys = controller_namespaces(builds, tree)
    for build in builds:
        for item in _namespaces(build):
            source = _written(item, tree)
            if source:
                yield from _renamed(build, item, source, homes=homes, made=made)
            if build.flux and _name(item) in keys:
                yield from _pruned_by_flux(build, item, source)
    for spec in applications(tree):
        if mapping(mapping(spec.get("syncPolicy")).get("automated")).get("prune") is True:
            yield from _pruned_by_argo(spec, builds, tree, keys)


def _renamed(
    build: Build, item: Rendered, source: Source, *, homes: set[str], made: set[str]
) -> Iterator[Finding]:
    before, after = text_of(source.value, "metadata", "name"), _name(item)
    if not before or before == after:
        return
    if after in homes:
        what = f"which others live in: pruning it would delete {shown.name(after)} with all in it"
    elif before not in made and _uses(build, before):
        what = f"and nothing makes {shown.name(before)}, which other objects of the build are for"
    else:
        return
    cure = (
        "apply the Namespace by a kustomization, or Flux Kustomization, that sets no namespace; "
        f"where it was applied already, annotate it {FLUX_PRUNE}: disabled first"
    )
    words = f"Namespace {shown.name(before)} is renamed to {shown.name(after)}, {what}"
    place = source.place("metadata", "name")
    yield Finding(place, "namespace-renamed", words, cure, build.cause(item, "namespace"))


def _pruned_by_flux(build: Build, item: Rendered, source: Source | None) -> Iterator[Finding]:
    flux, name = build.flux, _name(item)
    # Flux deletes nothing in the namespace that it deletes itself in.
    if flux is None or flux.spec.get("prune") is not True or flux.namespace == name:
        return
    metadata = mapping(item.value.get("metadata"))
    for key in ("annotations", "labels"):
        if str(mapping(metadata.get(key)).get(FLUX_PRUNE)).casefold() == "disabled":
            return
    place = source.place("metadata") if source else flux.place("spec", "prune")
    cure = f'annotate the Namespace {FLUX_PRUNE}: "disabled"'
    related = Related(flux.place("spec", "prune"), f"prune of the {flux.title}")
    yield Finding(place, "keys-prunable", _lost(name), cure, (related,))


def _pruned_by_argo(
    spec: Mapping[str, Any], builds: Sequence[Build], tree: Tree, keys: set[str]
) -> Iterator[Finding]:
    if _KEPT & set(map(str, listing(mapping(spec.get("syncPolicy")).get("syncOptions")))):
        return
    for one in application_sources(spec):
        path = text_of(one, "path")
        if not path or "{" in path:
            continue
        for value, place in _of_folder(join("", path), one, builds, tree):
            name = text_of(value, "metadata", "name")
            annotations = mapping(mapping(value.get("metadata")).get("annotations"))
            options = {word.strip() for word in str(annotations.get(ARGO_OPTIONS)).split(",")}
            if name in keys and not _KEPT & options:
                cure = f'annotate the Namespace {ARGO_OPTIONS}: "Prune=false,Delete=false"'
                yield Finding(place, "keys-prunable", _lost(name), cure)


def _of_folder(
    folder: str, source: Mapping[str, Any], builds: Sequence[Build], tree: Tree
) -> Iterator[tuple[Mapping[str, Any], Place]]:
    """The Namespaces that an Application applies from a folder, and where each is written."""
    prefix = f"{folder}/" if folder else ""
    below = [path for path in tree.texts if path.startswith(prefix)]
    if any(is_kustomization(path) and "/" not in path.removeprefix(prefix) for path in below):
        for build in builds:
            for item in _namespaces(build) if build.folder == folder and not build.flux else ():
                written = _written(item, tree)
                place = written.place("metadata") if written else Place(item.origin or folder)
                yield item.value, place
        return
    deep = mapping(source.get("directory")).get("recurse") is True
    for path in below:
        if (deep or "/" not in path.removeprefix(prefix)) and "kind: Namespace" in tree.texts[path]:
            for one in tree.in_file(path):
                if one.kind == "Namespace" and one.api_version == "v1":
                    yield one.value, one.place("metadata")


def _lost(name: str) -> str:
    words = "holds the sealing keys, and is deleted with them once it leaves Git"
    return f"Namespace {shown.name(name)} {words}"


def _uses(build: Build, name: str) -> bool:
    """Whether something of a build is for a namespace: an object in it, or a Helm release."""
    return any(
        name
        in (
            text_of(item.value, "metadata", "namespace"),
            text_of(item.value, "spec", "targetNamespace") if item.kind == "HelmRelease" else "",
        )
        for item in build.objects
    )


def _namespaces(build: Build) -> Iterable[Rendered]:
    return (one for one in build.objects if one.kind == "Namespace" and not one.group)


def _name(item: Rendered) -> str:
    return text_of(item.value, "metadata", "name")


def _written(item: Rendered, tree: Tree) -> Source | None:
    """The Namespace in its file; None where several stand there and none has the built name."""
    found = [one for one in tree.in_file(item.origin) if one.kind == "Namespace"]
    same = [one for one in found if text_of(one.value, "metadata", "name") == _name(item)]
    return next(iter(same or (found if len(found) == 1 else [])), None)
