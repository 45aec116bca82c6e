"""``--merge-into``: items added to a SealedSecret file, and nothing of it lost.

kubeseal writes its first document back, in JSON unless asked otherwise, and seals for the scope
of the flags where the file has another. Here the file's scope binds, another is an error, and
the file's other bytes stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sealer.errors import ManifestError
from sealer.fields import Path
from sealer.kubeseal import sealing, writing
from sealer.kubeseal.reading import decode_sealed_secret, documents_of
from sealer.manifest import read_documents
from sealer.manifest.edit import put
from sealer.scope import SCOPE_ANNOTATIONS, Scope, label
from sealer.sealing import seal_value


def merge(
    text: str,
    source: str,
    secrets: list[dict[str, Any]],
    request: sealing.Request,
    output_format: str = "",
) -> str:
    """Return the file's text with the Secrets' items in its first document.

    ``output_format``: rewrite the whole file as json or yaml if it is not that already.
    Raises ManifestError with kubeseal's words, or where the result would not open.
    """
    documents = list(read_documents(text, source))
    at = next((at for at, one in enumerate(documents) if not one.is_empty), None)
    if at is None:
        raise ManifestError(f"{source}: there is no SealedSecret in it")
    target = decode_sealed_secret(documents[at])
    edits: dict[Path, Any] = {}
    for decoded in secrets:
        edits.update(_edits(target, decoded, request))
    for path, value in edits.items():
        documents[at] = put(documents[at], path, value)
    if output_format:
        return "".join(writing.rewritten(documents, output_format))
    return "".join(one.text for one in documents)


def target_of(text: str, source: str) -> Mapping[str, Any]:
    """Read the SealedSecret that ``merge`` would add to; ManifestError with Go's words."""
    documents = documents_of(text, source)
    return decode_sealed_secret(documents[0])


def _edits(
    target: Mapping[str, Any], decoded: Mapping[str, Any], request: sealing.Request
) -> dict[Path, Any]:
    """What to put where: items, then the template's labels and annotations."""
    metadata = target.get("metadata") or {}
    spec = target.get("spec") or {}
    scope = Scope.of(metadata.get("annotations") or {})
    if spec.get("data"):
        problem = "the file merged into has one value for all keys, in spec.data"
        raise ManifestError(problem, hint="unseal it and seal it anew")
    place = request._replace(name=metadata.get("name", ""), namespace=metadata.get("namespace", ""))
    template, values = sealing.prepared(decoded, place)
    annotations = template.get("annotations") or {}
    _check_scope(scope, annotations, request)
    bound = label(template.get("namespace", ""), template["name"], scope)
    edits: dict[Path, Any] = {
        ("spec", "encryptedData", key): seal_value(value, request.certificate, bound)
        for key, value in values.items()
    }
    there = (spec.get("template") or {}).get("metadata") or {}
    for field, wanted in (("annotations", annotations), ("labels", template.get("labels") or {})):
        for key, value in wanted.items():
            if (there.get(field) or {}).get(key) != value:
                edits[("spec", "template", "metadata", field, key)] = value
    return edits


def _check_scope(scope: Scope, annotations: Mapping[str, str], request: sealing.Request) -> None:
    declared = request.scope is not Scope.STRICT or SCOPE_ANNOTATIONS & annotations.keys()
    if declared and Scope.of(annotations) is not scope:
        wanted = Scope.of(annotations).value
        raise ManifestError(
            f"scope mismatch: input secret is {wanted}, and the file merged into is {scope.value}"
        )
