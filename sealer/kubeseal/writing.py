"""Objects to text as the Kubernetes serializers of Go write them, byte for byte.

JSON: struct fields in their declared order, map keys sorted, two spaces, ``<``, ``>``, ``&``
escaped. YAML: every key in natural order, folded at 80 columns, a ``---`` line before each
document.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cmp_to_key
from typing import Any

from sealer import encoding
from sealer.errors import UsageError
from sealer.kubeseal.godecode import OBJECT_META
from sealer.manifest import Document, to_yaml
from sealer.sealed import API_VERSION, KIND

_HTML = str.maketrans(
    {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }
)
# Source: k8s.io/apimachinery pkg/apis/meta/v1/types.go.
_ENTRIES = {
    "managedFields": (
        *("manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1", "subresource"),
    ),
    "ownerReferences": ("apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"),
}


def check_format(word: str) -> str:
    """Return ``json`` or ``yaml``; UsageError for another word."""
    known = word.lower() or "json"
    if known not in ("json", "yaml"):
        raise UsageError(f"unsupported output format: {word}")
    return known


def write(value: Any, output_format: str) -> str:
    """Write one object as a document of a stream."""
    if check_format(output_format) == "yaml":
        return "---\n" + to_yaml(_sorted(value), width=80)
    return json.dumps(value, indent=2, ensure_ascii=False).translate(_HTML) + "\n"


def rewritten(documents: Iterable[Document], output_format: str) -> Iterator[str]:
    """Yield documents as text: to the byte where all have the format, serialized anew if not."""
    documents = list(documents)
    full = [one for one in documents if not one.is_empty]
    if all(one.json == (output_format == "json") for one in full):
        yield from (one.text for one in documents)
        return
    for document in full:
        value = document.value
        first = {key: value[key] for key in ("kind", "apiVersion", "metadata") if key in value}
        yield write({**first, **value}, output_format)


def sealed_secret(metadata: Any, spec: Any) -> dict[str, Any]:
    """A SealedSecret in Go's order of fields."""
    template = {"metadata": object_meta(spec["template"].get("metadata") or {})}
    for key in ("type", "immutable", "data"):
        if spec["template"].get(key) is not None:
            template[key] = spec["template"][key]
    return {
        "kind": KIND,
        "apiVersion": API_VERSION,
        "metadata": object_meta(metadata),
        "spec": {
            "template": template,
            "encryptedData": dict(sorted(spec["encryptedData"].items())),
        },
    }


def secret(metadata: Any, data: dict[str, bytes], fields: dict[str, Any]) -> dict[str, Any]:
    """A Secret in Go's order of fields; empty ones are left out."""
    written: dict[str, Any] = {"kind": "Secret", "apiVersion": "v1"}
    written["metadata"] = object_meta(metadata)
    if fields.get("immutable") is not None:
        written["immutable"] = fields["immutable"]
    if data:
        # Go has no bytes where a value is empty, and writes null.
        written["data"] = {
            key: encoding.encode(value) if value else None for key, value in sorted(data.items())
        }
    if fields.get("type"):
        written["type"] = fields["type"]
    return written


def object_meta(metadata: Any) -> dict[str, Any]:
    """An ObjectMeta in Go's order of fields; empty ones are left out."""
    written = {}
    for key in OBJECT_META.fields:
        value = metadata.get(key)
        if value:
            written[key] = dict(sorted(value.items())) if isinstance(value, dict) else value
        if key in _ENTRIES and isinstance(value, list):
            written[key] = [_in_order(one, _ENTRIES[key]) for one in value]
    return written


def _in_order(entry: Any, fields: tuple[str, ...]) -> Any:
    if not isinstance(entry, dict):
        return entry
    return {
        key: entry[key] for key in (*fields, *sorted(entry.keys() - set(fields))) if key in entry
    }


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in natural_order(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def natural_order(keys: Iterable[str]) -> list[str]:
    """Sort as go-yaml sorts keys: runs of digits by number, letters behind everything else."""
    return sorted(keys, key=cmp_to_key(_compare))


def _compare(left: str, right: str) -> int:
    for at, (a, b) in enumerate(zip(left, right, strict=False)):
        if a == b:
            continue
        if a.isalpha() and b.isalpha():
            return -1 if a < b else 1
        if a.isalpha() or b.isalpha():
            return -1 if b.isalpha() else 1
        # A zero counts only behind digits that are not all zeros.
        lead = int(("0" in (a, b)) and _digits_before(left, at).strip("0") != "")
        first, second = _number(left, at, lead), _number(right, at, lead)
        return -1 if (*first, a) < (*second, b) else 1
    return len(left) - len(right)


def _digits_before(text: str, at: int) -> str:
    start = at
    while start > 0 and text[start - 1].isdigit():
        start -= 1
    return text[start:at]


def _number(text: str, at: int, lead: int) -> tuple[int, int]:
    number, end = lead, at
    while end < len(text) and text[end].isdigit():
        number = number * 10 + ord(text[end]) - ord("0")
        end += 1
    return number, end
