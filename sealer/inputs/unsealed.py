"""Secrets in clear among files that should hold none; nothing is sealed, no key is needed."""

from __future__ import annotations

from collections.abc import Iterable

from sealer.errors import ManifestError, SealerError
from sealer.files.text import display, open_text
from sealer.manifest import Document, read_documents
from sealer.manifest.strangers import explain, passed_over


def find_unsealed(paths: Iterable[str]) -> list[SealerError]:
    """An error with its place for each Secret in files or ``-``, and for what cannot be read."""
    found: list[SealerError] = []
    for path in paths:
        try:
            with open_text(path) as (lines, _):
                for document in read_documents(lines, display(path)):
                    _in_document(document, found)
        except SealerError as error:
            found.append(error)
    return found


def _in_document(document: Document, found: list[SealerError]) -> None:
    if document.is_empty:
        return
    try:
        if not passed_over(document):
            for resource in document.resources():
                if resource.is_secret:
                    problem = ManifestError("is not sealed", hint="seal it: seal -i FILE")
                    found.append(resource.locate(problem))
    except SealerError as error:
        explain(found, document, error)
