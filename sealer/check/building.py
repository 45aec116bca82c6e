"""From kustomize's output to the objects that the rules look at, with origins taken off.

Pure: text in, values out. A build's output may be long (CRDs); a document is parsed only when
its kind matters here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sealer.check import shown
from sealer.check.findings import Finding, Related
from sealer.check.flux import FluxKustomization
from sealer.check.rendered import Build, Rendered, SealedIndex, items_of
from sealer.check.substitution import Substitution, is_disabled
from sealer.check.tree import Source, mapping, text_of, title
from sealer.errors import SealerError
from sealer.manifest import read_documents

_ORIGIN = "config.kubernetes.io/origin"
_STEPS = "alpha.config.kubernetes.io/transformations"
_KINDS = re.compile(
    r"^kind: (SealedSecret|Secret|Pod|PodTemplate|CronJob|Deployment|StatefulSet|DaemonSet"
    r"|ReplicaSet|ReplicationController|Job|ServiceAccount|Ingress|Gateway|HelmRelease"
    r"|Kustomization|Namespace|OCIRepository|ExternalSecret|Certificate|KeyVaultSecret|ConfigMap)\s*$"
    r"|^  name: sealedsecrets\.bitnami\.com\s*$",
    re.MULTILINE,
)


def read_output(
    text: str, path_of: Callable[[str], str], *, variables: bool
) -> tuple[Rendered, ...]:
    """Read kustomize's output; ``path_of`` turns a noted path into one of the tree.

    With ``variables`` every document that holds ``${`` is read as well.
    """
    found = []
    for document in read_documents(text, "kustomize"):
        if _KINDS.search(document.text) or (variables and "${" in document.text):
            try:
                value = document.value
            except SealerError:
                continue
            if isinstance(value, dict):
                found.append(_rendered(value, path_of))
    return tuple(found)


def with_flux(
    objects: tuple[Rendered, ...], flux: FluxKustomization, variables: Mapping[str, str] | None
) -> tuple[Rendered, ...]:
    """The objects as Flux applies them: variables replaced, ``commonMetadata`` added."""
    done = []
    for item in objects:
        value: Any = item.value
        if variables is not None and not is_disabled(value):
            value = Substitution(variables).apply(value)
        done.append(Rendered(flux.common_metadata(value), item.origin, item.steps))
    return tuple(done)


def check_variables(
    build: Build,
    objects: tuple[Rendered, ...],
    variables: Mapping[str, str],
    index: SealedIndex,
    *,
    complete: bool,
) -> Iterator[Finding]:
    """Variables that Flux blanks or cannot read; ``objects`` are as kustomize made them.

    ``complete`` says that every source of variables is known.
    """
    flux = build.flux
    assert flux is not None  # noqa: S101 only Flux substitutes
    related = (Related(flux.place("spec", "postBuild"), f"postBuild of the {flux.title}"),)
    for item in objects:
        if is_disabled(item.value):
            continue
        substitution = Substitution(variables)
        substitution.apply(item.value)
        place = flux.place("spec", "postBuild")
        source = _source(item, build, index)
        if substitution.bad:
            if source:
                place = _where(source, "${")
            words = f"{title(item.value)} holds a ${{...}} that Flux cannot read: its build fails"
            cure = (
                "write $${ for a literal ${, or annotate it "
                "kustomize.toolkit.fluxcd.io/substitute: disabled"
            )
            yield Finding(place, "flux-bad-variable", words, cure, related)
        elif item.kind == "SealedSecret" and complete:
            for name in sorted(substitution.blank):
                words = f"{title(item.value)}: Flux replaces ${{{shown.variable(name)}}} by nothing"
                cure = (
                    "write $${" + shown.variable(name) + "}, or annotate it "
                    "kustomize.toolkit.fluxcd.io/substitute: disabled"
                )
                where = _where(source, "${" + name) if source else place
                yield Finding(where, "flux-blank-variable", words, cure, related)


def _source(item: Rendered, build: Build, index: SealedIndex) -> Source | None:
    found = (index.find(one, build, item) for one in items_of(item.value).values())
    return next((one for one in found if one), None)


def _where(source: Source, text: str) -> Any:
    path = next(_paths_with(source.value, text, ()), ())
    return source.place(*path)


def _paths_with(value: Any, text: str, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, str):
        if text in value:
            yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _paths_with(item, text, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _paths_with(item, text, (*path, number))


def _rendered(value: dict[str, Any], path_of: Callable[[str], str]) -> Rendered:
    metadata = dict(mapping(value.get("metadata")))
    annotations = dict(mapping(metadata.get("annotations")))
    origin = str(annotations.pop(_ORIGIN, ""))
    steps = str(annotations.pop(_STEPS, ""))
    if annotations:
        metadata["annotations"] = annotations
    else:
        metadata.pop("annotations", None)
    found = re.search(r"^path: (.*)$", origin, re.MULTILINE)
    places = re.findall(
        r"configuredIn: (\S+)\n\s+configuredBy:\n\s+apiVersion: \S+\n\s+kind: (\S+)", steps
    )
    return Rendered(
        {**value, "metadata": metadata},
        path_of(found[1].strip()) if found else "",
        tuple((path_of(path), kind) for path, kind in places),
    )


def config_maps(builds: Mapping[str, Build]) -> dict[tuple[str, str], dict[str, str]]:
    """The data of every ConfigMap that a build makes."""
    return {
        (text_of(one.value, "metadata", "namespace"), text_of(one.value, "metadata", "name")): {
            key: str(text) for key, text in mapping(one.value.get("data")).items()
        }
        for build in builds.values()
        for one in build.objects
        if one.kind == "ConfigMap"
    }
