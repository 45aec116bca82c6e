"""CRD, controller, SealedSecret, and who needs the Secret: applied in an order that can work.

Flux dry-runs everything of a Kustomization before it applies any of it: a SealedSecret beside the
HelmRelease that brings its CRD fails for ever. Within one Kustomization Flux applies CRDs first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from sealer.check import shown
from sealer.check.builds.flux import FluxKustomization
from sealer.check.builds.model import Build, Rendered
from sealer.check.findings import Finding, Place, Related
from sealer.check.rules.controllers import is_release
from sealer.check.rules.references import made_secrets, references
from sealer.check.tree import mapping, text_of, title

CRD_NAME = "sealedsecrets.bitnami.com"
_WAVE = "argocd.argoproj.io/sync-wave"
_NUMBER = re.compile(r"-?[0-9]{1,9}")


def check_order(builds: Sequence[Build]) -> Iterator[Finding]:
    """Everything about the order in which builds are applied."""
    flux = [build for build in builds if build.flux]
    crds = [build for build in flux if _has_crd(build)]
    controllers = [build for build in flux if _controller(build)]
    for build in flux:
        assert build.flux is not None  # noqa: S101 filtered above
        sealed = next(iter(build.sealed()), None)
        if sealed:
            yield from _crds_first(build, build.flux, sealed, crds, controllers, flux)
        yield from _substitutes(build, build.flux, flux)
    for build in builds:
        yield from _waves(build)


def _crds_first(
    build: Build,
    flux: FluxKustomization,
    sealed: Rendered,
    crds: Sequence[Build],
    controllers: Sequence[Build],
    every: Sequence[Build],
) -> Iterator[Finding]:
    same_cluster = [one for one in crds if _together(one, build)]
    if same_cluster and not any(_after(build, one, every) for one in same_cluster):
        other = same_cluster[0]
        yield _order("order-crd", flux, sealed, other, "which brings the CRD")
        return
    helm = [one for one in controllers if _together(one, build) and not _has_crd(one)]
    if same_cluster or not helm:
        return
    if build in helm:
        words = f"{flux.title} applies {title(sealed.value)} beside the controller's HelmRelease"
        words += ": Flux's dry run fails, for the CRD is not there yet"
        cure = "put the controller into a Flux Kustomization of its own, and depend on it"
        yield Finding(flux.place("spec", "path"), "order-controller", words, cure)
    elif not any(_after(build, one, every) for one in helm):
        yield _order("order-controller", flux, sealed, helm[0], "which brings the controller")


def _order(
    rule: str, flux: FluxKustomization, sealed: Rendered, other: Build, what: str
) -> Finding:
    assert other.flux is not None  # noqa: S101 only Flux's builds come here
    other_name = shown.name(other.flux.name)
    words = f"{flux.title} applies {title(sealed.value)} without waiting for {other_name}"
    return Finding(
        flux.place("spec"),
        rule,
        f"{words}, {what}",
        f"add {other_name} to its dependsOn",
        (Related(other.flux.place(), f"{other.flux.title}, {what}"),),
    )


def _substitutes(
    build: Build, flux: FluxKustomization, every: Sequence[Build]
) -> Iterator[Finding]:
    """Variables come from Secrets that must be there before the build."""
    for index, (kind, name, optional) in enumerate(flux.variable_sources()):
        if kind != "Secret" or optional:
            continue
        makers = [one for one in every if (flux.namespace, name) in _sealed_names(one)]
        if not makers or any(one is not build and _after(build, one, every) for one in makers):
            continue
        place = flux.place("spec", "postBuild", "substituteFrom", index)
        needs = f"{flux.title} needs the Secret {shown.name(name)}"
        if build in makers:
            words = f"{needs} before it can apply the SealedSecret"
            cure = "move the SealedSecret to a Flux Kustomization that it depends on"
        else:
            words = f"{needs} and does not wait for who makes it"
            cure = (
                f"add {shown.name(makers[0].flux.name) if makers[0].flux else ''} to its dependsOn"
            )
        yield Finding(place, "order-secret", words, cure)


def _waves(build: Build) -> Iterator[Finding]:
    """Argo CD waits for a wave to be healthy before the next one: workloads that wait for a
    Secret of a later wave are never healthy."""
    waves = {
        (text_of(one.value, "metadata", "namespace"), text_of(one.value, "metadata", "name")): one
        for one in build.sealed()
    }
    for item in build.objects:
        for reference in references(item.value):
            key = (text_of(item.value, "metadata", "namespace"), reference.name)
            sealed = waves.get(key)
            if sealed is None or reference.optional or _wave(sealed) <= _wave(item):
                continue
            words = f"{title(item.value)} is in sync wave {_wave(item)}"
            words += f", and the SealedSecret it needs in {_wave(sealed)}"
            cure = "give the SealedSecret the lower sync-wave"
            yield Finding(Place(sealed.origin or build.folder), "order-secret", words, cure)


def _wave(item: Rendered) -> int:
    annotations = mapping(mapping(item.value.get("metadata")).get("annotations"))
    word = annotations.get(_WAVE)
    return int(word) if isinstance(word, str) and _NUMBER.fullmatch(word) else 0


def _together(one: Build, other: Build) -> bool:
    """Whether two Flux Kustomizations are of one cluster, as far as the tree tells.

    clusters/<name>/ is the usual layout; two that lie below different clusters never meet.
    """
    return _cluster(one) == _cluster(other)


def _cluster(build: Build) -> str:
    path = build.flux.source.path if build.flux else ""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "clusters" and len(parts) > 2 else ""


def _after(build: Build, first: Build, every: Sequence[Build]) -> bool:
    """Whether ``build`` waits for ``first``, on whatever way; itself counts."""
    assert build.flux is not None  # noqa: S101
    assert first.flux is not None  # noqa: S101
    graph: dict[tuple[str, str], Iterable[tuple[str, str]]] = {
        (one.flux.namespace, one.flux.name): one.flux.depends_on() for one in every if one.flux
    }
    goal = (first.flux.namespace, first.flux.name)
    seen: set[tuple[str, str]] = set()
    pending = [(build.flux.namespace, build.flux.name)]
    while pending:
        node = pending.pop()
        if node == goal:
            return True
        if node not in seen:
            seen.add(node)
            pending.extend(graph.get(node, ()))
    return False


def _has_crd(build: Build) -> bool:
    return any(
        item.kind == "CustomResourceDefinition"
        and text_of(item.value, "metadata", "name") == CRD_NAME
        for item in build.objects
    )


def _controller(build: Build) -> bool:
    """Whether a build brings the controller by a HelmRelease, and so its CRD later."""
    return any(is_release(item, build.objects) for item in build.objects)


def _sealed_names(build: Build) -> set[tuple[str, str]]:
    return made_secrets(item.value for item in build.sealed())
