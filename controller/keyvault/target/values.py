"""A secret's text into a Secret's bytes: decoding, a property of JSON, its fields one by one.

An error here says what was expected, never what was there.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sealer.errors import ManifestError, SealerError
from sealer.manifest import read_documents


class BadValueError(SealerError):
    """The vault's value cannot be what the manifest says it is; only a new value cures it."""


class _Number(str):
    """A number of JSON, as it was written: a float would lose digits."""

    __slots__ = ()


def decode(value: bytes, decoding: str) -> bytes:
    """Undo ``None``, ``Base64``, ``Base64URL`` or ``Hex``; white space around it is passed over."""
    if decoding == "None":
        return value
    compact = b"".join(value.split())
    try:
        if decoding == "Hex":
            return binascii.unhexlify(compact)
        padded = compact.rstrip(b"=") + b"=" * (-len(compact.rstrip(b"=")) % 4)
        if decoding == "Base64URL":
            return base64.b64decode(padded, altchars=b"-_", validate=True)
        return base64.b64decode(padded, validate=True)
    except (binascii.Error, ValueError):
        raise BadValueError(f"is not {decoding}{_mark(value)}") from None


def property_of(value: bytes, path: str) -> bytes:
    """The value at a dotted path of a JSON text; a literal key that holds dots wins."""
    with _depth():
        found = _lookup(parse(value, "JSON"), path)
        if found is _ABSENT:
            raise BadValueError(f"has no property {path}")
        return text_of(found)


def expand(value: bytes, form: str) -> dict[str, bytes]:
    """The top-level fields of an object; strings as they are, other values as JSON text."""
    parsed = parse(value, form)
    if not isinstance(parsed, dict):
        raise BadValueError(f"is {form}, but not an object at its top level")
    with _depth():
        return {key: text_of(item) for key, item in parsed.items()}


def text_of(value: Any) -> bytes:
    """A string as it is, any other value as its JSON text."""
    if isinstance(value, str) and not isinstance(value, _Number):
        return _utf8(value)
    return _utf8(_json(value))


def parse(value: bytes, form: str) -> Any:
    """Read JSON or YAML; BadValueError."""
    try:
        with _depth():
            return _parsed(value.decode(), form)
    except BadValueError:
        raise
    except ManifestError as error:
        # Its words quote keys: the line is enough to find it.
        where = "" if error.line is None else f" in line {error.line + 1}"
        raise BadValueError(
            f"is not {form}, or not as Kubernetes reads it{where}{_mark(value)}",
            hint="quote keys such as n, on or 1.5, and have none twice",
        ) from None
    except json.JSONDecodeError as error:
        raise BadValueError(f"is not {form} in line {error.lineno}{_mark(value)}") from None
    except (SealerError, ValueError):
        raise BadValueError(f"is not {form}{_mark(value)}") from None


def _mark(value: bytes) -> str:
    """Name what no editor shows."""
    return ": it begins with a byte order mark" if value.startswith(codecs.BOM_UTF8) else ""


def _parsed(text: str, form: str) -> Any:
    if form == "YAML":
        documents = [one for one in read_documents(text, "value") if not one.is_empty]
        if len(documents) != 1:
            raise BadValueError("is not one YAML document")
        return documents[0].value
    return json.loads(text, parse_float=_Number, parse_int=_Number, parse_constant=_no_constant)


@contextmanager
def _depth() -> Iterator[None]:
    """Turn what the interpreter says of hundreds of levels into the value's fault."""
    try:
        yield
    except RecursionError:
        raise BadValueError("is nested too deeply") from None


_ABSENT = object()


def _lookup(value: Any, path: str) -> Any:
    if isinstance(value, dict):
        if path in value:
            return value[path]
        # The longest literal key first: "a.b" of {"a.b": {"c": 1}} before "a".
        for at in range(len(path) - 1, 0, -1):
            if path[at] == "." and path[:at] in value:
                found = _lookup(value[path[:at]], path[at + 1 :])
                if found is not _ABSENT:
                    return found
    if isinstance(value, list):
        step, _, rest = path.partition(".")
        if step.isascii() and step.isdigit() and len(step) < 10 and int(step) < len(value):
            item = value[int(step)]
            return _lookup(item, rest) if rest else item
    return _ABSENT


def _json(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        parts = (
            f"{json.dumps(key, ensure_ascii=False)}:{_json(one)}" for key, one in value.items()
        )
        return "{" + ",".join(parts) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_json(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise BadValueError("holds half of a surrogate pair") from None


def _no_constant(_: str) -> Any:
    raise ValueError
