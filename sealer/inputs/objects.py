"""Every Kubernetes object in files, folders and standard input, whatever its kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sealer.errors import ManifestError, SealerError

if TYPE_CHECKING:
    from sealer.manifest import Document, Resource

_BLOCK = re.compile(r"[:-]\s*[|>][-+0-9]*\s*(?:#.*)?$")
_HINT = "render a chart first: helm template CHART | seal ..."


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


def explain(errors: list[SealerError], document: Document, error: SealerError) -> bool:
    """Add a document's error, or, once a file, that it is one of Helm's templates; tell which."""
    at = _template_line(document)
    if at is None:
        errors.append(error)
    elif not any(one.hint == _HINT and one.message.startswith(document.source) for one in errors):
        place = f"{document.source}:{document.first_line + at}"
        errors.append(ManifestError(f"{place}: is a template, and no manifest yet", hint=_HINT))
    return at is not None


def passed_over(document: Document) -> str:
    """What is wrong with a document that is no Secret and so needs no reading; else empty.

    It is for those to judge who apply it: one such document must not stop a whole stream.
    """
    if document.is_empty or not document.problems or document.may_hold_secrets:
        return ""
    return document.problems[0].message


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


def with_replaced(value: Any, replaced: dict[tuple[str | int, ...], Any]) -> Any:
    """The document's value with its Secrets replaced; a SecretList becomes a List."""
    if () in replaced:
        return replaced[()]
    for path, new in replaced.items():
        parent = value
        for step in path[:-1]:
            parent = parent[step]
        parent[path[-1]] = new
    _generic_lists(value)
    return value


def _generic_lists(value: Any) -> None:
    if isinstance(value, dict) and value.get("kind") == "SecretList":
        value.update(apiVersion="v1", kind="List")
        value.pop("metadata", None)
    if isinstance(value, dict) and isinstance(value.get("items"), list):
        for item in value["items"]:
            _generic_lists(item)
