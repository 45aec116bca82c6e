"""Credentials in Helm values: in files, HelmReleases, Argo CD's Applications, ConfigMaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sealer.check import shown
from sealer.check.credentials.verdict import Verdict, in_text, in_values
from sealer.check.findings import Finding, Place
from sealer.check.tree import Source, Tree, is_values, listing, mapping, read_objects
from sealer.errors import SealerError
from sealer.fields import Path

_CURE = "put it into a sealed Secret that the chart reads (existingSecret, valuesFrom)"


def check_values(tree: Tree) -> Iterator[Finding]:
    """Every credential in values; what may be one is a warning."""
    for source in tree.sources:
        for at in _places(source):
            yield from _values(source, at)
    yield from _unreadable(tree)


def _places(source: Source) -> Iterator[Path]:
    """Where an object, or a file, holds values."""
    if is_values(source.path) and not source.kind:
        yield ()
    elif source.kind == "HelmRelease" and source.group == "helm.toolkit.fluxcd.io":
        yield ("spec", "values")
    elif source.kind == "Application" and source.group == "argoproj.io":
        yield from _argo_helm(source.value, ("spec",))
    elif source.kind == "ApplicationSet" and source.group == "argoproj.io":
        yield from _argo_helm(source.value, ("spec", "template", "spec"))
    elif source.kind == "ConfigMap" and source.group == "":
        for key in mapping(source.value.get("data")):
            if is_values(key):
                yield ("data", key)
    for index, chart in enumerate(listing(source.value.get("helmCharts"))):
        if isinstance(mapping(chart).get("valuesInline"), dict):
            yield ("helmCharts", index, "valuesInline")


def _argo_helm(value: Mapping[str, Any], at: Path) -> Iterator[Path]:
    spec = mapping(_at(value, at))
    places: list[tuple[Path, Any]] = [((*at, "source"), spec.get("source"))]
    places += [((*at, "sources", i), one) for i, one in enumerate(listing(spec.get("sources")))]
    for place, source in places:
        helm = mapping(mapping(source).get("helm"))
        for key in ("values", "valuesObject", "parameters"):
            if helm.get(key):
                yield (*place, "helm", key)


def _values(source: Source, at: Path) -> Iterator[Finding]:
    value = _at(source.value, at)
    if not isinstance(value, str):
        for path, verdict in in_values(value):
            yield _finding(source.place(*at, *path), _called(value, path), verdict)
        return
    try:
        inner = [one.value for one in read_objects(source.path, value)]
    except SealerError:
        if in_text(value):
            yield _finding(source.place(*at), ".".join(map(shown.key, at)), Verdict.CREDENTIAL)
        return
    for one in inner:
        for path, verdict in in_values(one):
            yield _finding(source.place(*at), _called(one, path), verdict)


def _unreadable(tree: Tree) -> Iterator[Finding]:
    """Values that cannot be read are looked over as text all the same."""
    read = {(source.path, source.document.first_line) for source in tree.sources}
    for path, document in tree.documents:
        is_release = "HelmRelease" in document.text
        if (path, document.first_line) in read or not (is_values(path) or is_release):
            continue
        line = in_text(document.text)
        if line:
            place = Place(path, document.first_line + line - 1)
            yield Finding(place, "raw-helm-values", "a Helm value is in clear", _CURE)


def _finding(place: Place, called: str, verdict: Verdict) -> Finding:
    if verdict is Verdict.CREDENTIAL:
        return Finding(place, "raw-helm-values", f"Helm value {called} is in clear", _CURE)
    words = f"Helm value {called} may be a credential: its form does not tell"
    cure = f"{_CURE}; or accept it with a reason: # seal:allow possible-credential REASON"
    return Finding(place, "possible-credential", words, cure)


def _called(value: Any, path: Path) -> str:
    """A value's path; an entry of a list with a name goes by that name."""
    words = []
    for step in path:
        value = value[step]
        name = value.get("name") if isinstance(step, int) and isinstance(value, dict) else None
        words.append(shown.key(name if isinstance(name, str) else step))
    return ".".join(words)


def _at(value: Any, path: Path) -> Any:
    for step in path:
        if isinstance(step, str):
            value = mapping(value).get(step)
        else:
            value = listing(value)[step] if step < len(listing(value)) else None
    return value
