"""Every Kubernetes object in files, folders and standard input, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from sealer.errors import SealerError
from sealer.manifest.strangers import explain

if TYPE_CHECKING:
    from sealer.manifest import Document, Resource


def resources_in(paths: Iterable[str], errors: list[SealerError]) -> Iterator[Resource]:
    """Yield the objects with their places; what cannot be read goes to ``errors``.

    In a folder, files that are no manifests at all say nothing.
    """
    from sealer.files.text import display, manifests_below, open_text
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
        if explain(errors, document, error):
            return
    yield from found
