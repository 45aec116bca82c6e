"""Every Kubernetes object in files, folders and standard input, whatever its kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from sealer.errors import ManifestError, SealerError

if TYPE_CHECKING:
    from sealer.manifest import Document, Resource

_BLOCK = re.compile(r"[:-]\s*[|>][-+0-9]*\s*(?:#.*)?$")
_HINT = "render a chart first: helm template CHART | seal ..."


def resources_in(paths: Iterable[str], errors: list[SealerError]) -> Iterator[Resource]:
    """Yield the objects with their places; what cannot be read goes to ``errors``.

    In a folder, files that are no manifests at all say nothing.
    """
    from sealer.files import display, manifests_below, open_text
    from sealer.manifest import read_documents

    for path in paths:
        try:
            below = manifests_below(path)
        except SealerError as error:
            errors.append(error)
            continue
        for file in [path] if below is None else below:
            try:
                with open_text(file) as (lines, _):
                    for document in read_documents(lines, display(file)):
                        yield from _objects(document, errors)
            except SealerError as error:
                errors.append(error)


def _objects(document: Document, errors: list[SealerError]) -> Iterator[Resource]:
    if document.is_empty:
        return
    found = []
    try:
        for resource in document.resources():
            found.append(resource)  # noqa: PERF402 what was found before a fault counts
    except SealerError as error:
        at = _template_line(document)
        if at is not None:
            place = f"{document.source}:{document.first_line + at}"
            problem = f"{place}: is a template, and no manifest yet"
            errors.append(ManifestError(problem, hint=_HINT))
            return
        errors.append(error)
    yield from found


def _template_line(document: Document) -> int | None:
    """The first line of Helm's that YAML cannot read, counted from 0.

    Quoted ones, and those in block scalars, may be templates of the manifest's own.
    """
    block = -1
    for at, line in enumerate(document.text.splitlines()):
        indent = len(line) - len(line.lstrip())
        if block >= 0 and (indent > block or not line.strip()):
            continue
        block = indent if _BLOCK.search(line) else -1
        before, found, _ = line.partition("{{")
        if found and (not before.strip() or before.rstrip().endswith((":", "-"))):
            return at
    return None
