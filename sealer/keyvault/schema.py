"""What an API server takes in the specs of our kinds: the CRDs' own schemas, read and not retold.

``schemas.json`` is made of ``crds/`` by ``make docs``. What the schemas say in CEL (exactly one of
several fields, floors of durations) is what ``from_dict`` of each kind says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from sealer.errors import ManifestError
from sealer.fields import Path, type_name

Schema = Mapping[str, Any]

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
}
_WORDS = {"object": "a mapping", "array": "a list", "string": "a string"}
_LENGTHS = (
    (str, "minLength", "maxLength", "characters"),
    (list, "minItems", "maxItems", "entries"),
    (dict, "minProperties", "maxProperties", "entries"),
)


@cache
def schemas() -> Mapping[str, Schema]:
    """The schema of each kind's spec."""
    text = resources.files("sealer.keyvault").joinpath("schemas.json").read_text(encoding="utf-8")
    found: dict[str, Schema] = json.loads(text)
    return found


def refused(kind: str, spec: Any) -> Iterator[ManifestError]:
    """Yield what of ``spec`` an API server refuses or drops, each with its path.

    Unknown fields come with the field that may be meant. A kind that is none of ours has no faults.
    """
    if kind in schemas():
        yield from _value(spec, schemas()[kind], ("spec",))


def _value(value: Any, schema: Schema, path: Path) -> Iterator[ManifestError]:
    # An API server prunes null where the schema does not ask for it.
    if value is None:
        return
    kind = schema.get("type", "object")
    wrong = not isinstance(value, _TYPES[kind]) or (kind == "integer" and isinstance(value, bool))
    if wrong:
        hint = "quote it" if kind == "string" and isinstance(value, (bool, int, float)) else None
        what = f"must be {_WORDS.get(kind, f'of type {kind}')}, not {type_name(value)}"
        yield ManifestError(what, path=path, hint=hint)
        return
    yield from _limits(value, schema, path)
    if isinstance(value, dict):
        yield from _fields(value, schema, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _value(item, schema.get("items", {}), (*path, index))


def _limits(value: Any, schema: Schema, path: Path) -> Iterator[ManifestError]:
    for kind, least, most, what in _LENGTHS:
        if isinstance(value, kind):
            if len(value) < schema.get(least, 0):
                yield ManifestError("is empty", path=path)
                return
            if len(value) > schema.get(most, len(value)):
                problem = f"has {len(value)} {what}; {schema[most]} at most"
                yield ManifestError(problem, path=path)
                return
    if isinstance(value, str):
        words = schema.get("enum")
        if words is not None and value not in words:
            yield ManifestError(f"must be one of {', '.join(words)}", path=path)
        elif "pattern" in schema and not _matches(schema["pattern"], value):
            problem = f"must match {schema['pattern']}" if value else "is empty"
            yield ManifestError(problem, path=path)
    elif isinstance(value, int):
        least, most = schema.get("minimum", value), schema.get("maximum", value)
        if not least <= value <= most:
            yield ManifestError(f"must be a number from {least} to {most}", path=path)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # RE2 ends at the end; Python's "$" also before a line's.
    return re.compile(re.sub(r"\$$", r"\\Z", pattern), re.ASCII)


def _matches(pattern: str, value: str) -> bool:
    return _compiled(pattern).search(value) is not None


def _fields(value: Mapping[str, Any], schema: Schema, path: Path) -> Iterator[ManifestError]:
    known = schema.get("properties", {})
    others = schema.get("additionalProperties")
    for name in schema.get("required", ()):
        if value.get(name) is None:
            yield ManifestError("is missing", path=(*path, name))
    for name, item in value.items():
        if name in known:
            yield from _value(item, known[name], (*path, name))
        elif isinstance(others, Mapping):
            yield from _value(item, others, (*path, name))
        else:
            near = _nearest(name, known)
            hint = f"did you mean {near}?" if near else None
            yield ManifestError("is no field of this kind", path=(*path, name), hint=hint)


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    import difflib

    lower = {one.lower(): one for one in known}
    found = difflib.get_close_matches(str(name).lower(), lower, n=1)
    return lower[found[0]] if found else ""
