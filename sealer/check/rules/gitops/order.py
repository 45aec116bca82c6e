"""CRD, controller, SealedSecret, and who needs the Secret: applied in an order that can work.

Flux dry-runs everything of a Kustomization before it applies any of it: a SealedSecret beside the
HelmRelease that brings its CRD fails for ever. Within one Kustomization Flux applies CRDs first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from sealer.check import shown
from sealer.check.builds.flux import GROUP, KIND, FluxKustomization
from sealer.check.builds.model import Build, Rendered
from sealer.check.findings import Finding, Place, Related
from sealer.check.rules.gitops.controllers import is_release
from sealer.check.rules.references import made_secrets, meets, references
from sealer.check.tree import Tree, listing, mapping, text_of, title

CRD_NAME = "sealedsecrets.bitnami.com"
_WAVE = "argocd.argoproj.io/sync-wave"
_NUMBER = re.compile(r"-?[0-9]{1,9}")
# What is not healthy before its Secret is there; a ServiceAccount or Ingress is.
_WAITING = frozenset(
    ("Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController")
) | {"Job", "HelmRelease"}


def check_order(builds: Sequence[Build], tree: Tree | None = None) -> Iterator[Finding]:
    """Everything about the order in which builds are applied; the tree tells the lines."""
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
        yield from _waves(build, tree)


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
    else:
        yield from _no_wait(flux, [one for one in helm if _after(build, one, every)])


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
        _cure(flux, other, what.rpartition(" ")[2]),
        (Related(other.flux.place(), f"{other.flux.title}, {what}"),),
    )


def _cure(flux: FluxKustomization, other: Build, what: str) -> str:
    """What makes one Flux Kustomization wait for another, and for no circle."""
    assert other.flux is not None  # noqa: S101 only Flux's builds come here
    if _applies(other, flux):
        words = f"move the {what} into a Flux Kustomization of its own, and depend on that: "
        return words + f"{shown.name(other.flux.name)} applies this one, and may wait for it"
    name = shown.name(other.flux.name)
    if other.flux.namespace == flux.namespace:
        return f"add {name} to its dependsOn"
    return f"add {{name: {name}, namespace: {shown.name(other.flux.namespace)}}} to its dependsOn"


def _applies(build: Build, flux: FluxKustomization) -> bool:
    """Whether a build makes a Flux Kustomization."""
    return any(
        item.kind == KIND
        and item.group == GROUP
        and text_of(item.value, "metadata", "name") == flux.name
        and meets(text_of(item.value, "metadata", "namespace"), (flux.namespace,))
        for item in build.objects
    )


def _no_wait(flux: FluxKustomization, helm: Sequence[Build]) -> Iterator[Finding]:
    """Flux calls a Kustomization ready once it is applied, unless it is told to wait."""
    for one in helm:
        spec = one.flux.spec if one.flux else {}
        if spec.get("wait") is True or listing(spec.get("healthChecks")):
            return
    for one in helm[:1]:
        assert one.flux is not None  # noqa: S101 only Flux's builds come here
        words = f"{one.flux.title} brings the controller and does not wait until it is there: "
        words += f"{flux.title} depends on it and is applied before"
        yield Finding(one.flux.place("spec"), "order-no-wait", words, "set wait: true in its spec")


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
            cure = _cure(flux, makers[0], "SealedSecret")
        yield Finding(place, "order-secret", words, cure)


def _waves(build: Build, tree: Tree | None) -> Iterator[Finding]:
    """Argo CD waits for a wave to be healthy before the next one: workloads that wait for a
    Secret of a later wave are never healthy."""
    sealed: dict[str, list[Rendered]] = {}
    for one in build.sealed():
        sealed.setdefault(text_of(one.value, "metadata", "name"), []).append(one)
    for item in build.objects:
        if item.kind not in _WAITING:
            continue
        namespace = text_of(item.value, "metadata", "namespace")
        for reference in references(item.value):
            for one in sealed.get(reference.name, ()):
                other = text_of(one.value, "metadata", "namespace")
                if reference.optional or not meets(namespace, (other,)):
                    continue
                if _wave(one) <= _wave(item):
                    continue
                words = f"{title(item.value)} is in sync wave {_wave(item)}"
                words += f", and the SealedSecret it needs in {_wave(one)}"
                cure = f"give the SealedSecret the sync-wave {_wave(item)} or a lower one"
                yield Finding(_wave_place(one, build, tree), "order-secret", words, cure)


def _wave_place(item: Rendered, build: Build, tree: Tree | None) -> Place:
    """The line of the annotation, where the object's own file has it."""
    name = text_of(item.value, "metadata", "name")
    for source in tree.in_file(item.origin) if tree else ():
        if source.kind == item.kind and text_of(source.value, "metadata", "name") in name:
            return source.place("metadata", "annotations", _WAVE)
    return Place(item.origin or build.folder or ".")


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
