"""JSON as Go's encoding/json reads and writes it: numbers are floats, <, > and & are escaped."""

from __future__ import annotations

import base64
import json
import math
import re
from typing import Any, Final

from sealer.template import runes
from sealer.template.numbers import format_float
from sealer.template.printf import MAX_DEPTH
from sealer.template.registry import CallError, Environment
from sealer.template.semver import Version
from sealer.template.times import Time
from sealer.template.values import Map, Object, Slice, kind

_ALWAYS: Final = {
    **{chr(code): f"\\u{code:04x}" for code in range(32)},
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    '"': '\\"',
    "\\": "\\\\",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
_FOR_HTML: Final = _ALWAYS | {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
_SPECIAL: Final = re.compile('[\x00-\x1f"\\\\\u2028\u2029<>&\udc80-\udcff]')


class NotJsonError(Exception):
    """The value or text has no JSON; the partial value is what Go returns beside its error."""

    def __init__(self, partial: object = None) -> None:
        super().__init__("no JSON")
        self.partial = partial


def loads(text: bytes) -> object:
    """Read JSON text; NotJsonError for another."""
    failed = []

    def number(digits: str) -> float | None:
        value = float(digits)
        if math.isinf(value):
            failed.append(True)
            return None
        return value

    try:
        tree = json.loads(
            runes.decode(text), parse_float=number, parse_int=number, parse_constant=_refuse
        )
        value = _go_value(tree)
    except ValueError:
        raise NotJsonError from None
    except RecursionError:
        raise CallError("the JSON is nested too deeply") from None
    if failed:
        raise NotJsonError(value)
    return value


def _refuse(_: str) -> None:
    raise ValueError("not a number of JSON")


def _go_value(tree: Any) -> object:
    if isinstance(tree, str):
        return runes.encode(tree)
    # Loops, as comprehensions would take a stack frame more for each level.
    if isinstance(tree, list):
        items = Slice()
        for each in tree:
            items.append(_go_value(each))
        return items
    if isinstance(tree, dict):
        members = Map()
        for key, value in tree.items():
            members[runes.encode(key)] = _go_value(value)
        return members
    return tree


def dumps(
    environment: Environment, value: object, *, indent: bool = False, html: bool = True
) -> bytes:
    """Write JSON, keys in order; NotJsonError for a value that has none, such as NaN."""
    writer = _Writer(environment, indent=indent, html=html)
    writer.write(value, 0)
    return "".join(writer.out).encode()


class _Writer:
    def __init__(self, environment: Environment, *, indent: bool, html: bool) -> None:
        self.environment = environment
        self.indent = indent
        self.html = html
        self.out: list[str] = []

    def write(self, value: object, depth: int) -> None:
        self.environment.spend(1)
        if depth > MAX_DEPTH:
            raise CallError("values are nested too deeply")
        if isinstance(value, Slice):
            self._write_list(value, depth)
        elif isinstance(value, Map):
            keys = sorted(value)
            if value.is_nil:
                self.out.append("null")
            else:
                self._write_pairs([(key, value[key]) for key in keys], depth)
        elif isinstance(value, Object) and not isinstance(value, int):
            self._write_object(value, depth)
        else:
            self.out.append(self._scalar(value))

    def _scalar(self, value: object) -> str:
        if value is None:
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return str(int(value))
        if isinstance(value, float):
            return _number(value)
        if isinstance(value, bytes):
            return self._string(value)
        raise NotJsonError

    def _string(self, text: bytes) -> str:
        self.environment.allocate(len(text))
        escapes = _FOR_HTML if self.html else _ALWAYS

        def escaped(match: re.Match[str]) -> str:
            char = match[0]
            return "\\ufffd" if "\udc80" <= char <= "\udcff" else escapes.get(char, char)

        return f'"{_SPECIAL.sub(escaped, text.decode("utf-8", "surrogateescape"))}"'

    def _write_list(self, items: Slice, depth: int) -> None:
        if items.is_nil:
            self.out.append("null")
        elif items.elem == "uint8":
            raw = bytes(int(each) for each in items if isinstance(each, int))
            self.out.append(f'"{base64.b64encode(raw).decode()}"')
        elif not items:
            self.out.append("[]")
        else:
            self._write_members("[", "]", [("", each) for each in items], depth)

    def _write_pairs(self, pairs: list[tuple[bytes, object]], depth: int) -> None:
        if not pairs:
            self.out.append("{}")
            return
        colon = ": " if self.indent else ":"
        members = [(self._string(key) + colon, value) for key, value in pairs]
        self._write_members("{", "}", members, depth)

    def _write_members(
        self, start: str, end: str, members: list[tuple[str, object]], depth: int
    ) -> None:
        line = "\n" + "  " * (depth + 1) if self.indent else ""
        self.out.append(start)
        for index, (name, value) in enumerate(members):
            self.out.append(f"{',' if index else ''}{line}{name}")
            self.write(value, depth + 1)
        self.out.append(f"{line[:-2]}{end}")

    def _write_object(self, value: Object, depth: int) -> None:
        if isinstance(value, Time):
            self.out.append(self._string(_time_text(value)))
        elif isinstance(value, Version):
            self.out.append(self._string(value.text()))
        elif kind(value) in ("struct", "ptr"):
            exported = [
                (name.encode(), field) for name, field in value.fields() if name[:1].isupper()
            ]
            self._write_pairs(exported, depth)
        else:
            raise NotJsonError


def _time_text(time: Time) -> bytes:
    from sealer.template.layouts import formatted

    if not 0 <= time.civil().year <= 9999:
        raise NotJsonError
    return formatted(time, b"2006-01-02T15:04:05.999999999Z07:00")


def _number(number: float) -> str:
    if not math.isfinite(number):
        raise NotJsonError
    if number == 0 or 1e-6 <= abs(number) < 1e21:
        return format_float(number, "f")
    return re.sub(r"e-0(\d)$", r"e-\1", format_float(number, "e"))
