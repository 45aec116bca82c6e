"""Documents that are no manifest of ours: faults of strangers are passed over, Helm's explained.

Pure: it judges what ``read_documents`` found.
"""

from __future__ import annotations

import re

from sealer.errors import ManifestError, Place, SealerError
from sealer.manifest.document import Document

_BLOCK = re.compile(r"[:-]\s*[|>][-+0-9]*\s*(?:#.*)?$")
_HINT = "render a chart first: helm template CHART | seal ..."


class UnrenderedError(ManifestError):
    """A template of Helm's, and no manifest yet."""


def explain(errors: list[SealerError], document: Document, error: SealerError) -> bool:
    """Add a document's error, or, once a file, that it is one of Helm's templates; tell which."""
    at = _template_line(document)
    if at is None:
        errors.append(error)
    elif not any(isinstance(one, UnrenderedError) and _is_of(one, document) for one in errors):
        place = Place(document.source, document.first_line + at)
        errors.append(UnrenderedError("is a template, and no manifest yet", hint=_HINT).at(place))
    return at is not None


def passed_over(document: Document) -> str:
    """What is wrong with a document that is no Secret and so needs no reading; else empty.

    It is for those to judge who apply it: one such document must not stop a whole stream.
    """
    if document.is_empty or not document.problems or document.may_hold_secrets:
        return ""
    return document.problems[0].message


def _is_of(error: SealerError, document: Document) -> bool:
    return error.place is not None and error.place.file == document.source


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
