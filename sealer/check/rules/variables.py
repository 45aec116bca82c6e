"""Variables that Flux blanks or cannot read in what it substitutes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sealer.check import shown
from sealer.check.builds.model import Build, Rendered, SealedIndex, items_of
from sealer.check.builds.substitution import Substitution, is_disabled
from sealer.check.findings import Finding, Related
from sealer.check.tree import Source, title


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
                words = (
                    f"{title(item.value)}: nothing sets ${{{shown.variable(name)}}}: Flux's build"
                )
                words += " fails since 2.9, and puts nothing in its place before"
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
