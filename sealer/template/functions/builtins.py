"""The functions that Go's text/template brings along (funcs.go), but slice, which is sprig's."""

from __future__ import annotations

import re
from typing import Final

from sealer.template import formats
from sealer.template.printf import sprint, sprintf, sprintln
from sealer.template.registry import CallError, Environment, Group
from sealer.template.values import (
    MISSING,
    Map,
    Object,
    Slice,
    Uint8,
    go_type,
    kind,
    truth,
    zero_of,
)

GROUP = Group()

_NUMBERS: Final = {
    **dict.fromkeys(("int", "int8", "int16", "int32", "int64"), "int"),
    **dict.fromkeys(("uint", "uint8", "uint16", "uint32", "uint64"), "uint"),
    "float64": "float",
    "bool": "bool",
    "string": "string",
}


@GROUP.function("and", "func(reflect.Value, ...reflect.Value) reflect.Value")
@GROUP.function("or", "func(reflect.Value, ...reflect.Value) reflect.Value")
def short_circuit(*arguments: object) -> object:
    """Stand for the two that the evaluator does itself, since they leave arguments out."""
    raise CallError("is not called as a function")


@GROUP.function("not", "func(reflect.Value) bool")
def negate(value: object) -> bool:
    return not truth(value)


@GROUP.function("len", "func(reflect.Value) (int, error)")
def length(value: object) -> int:
    if isinstance(value, bytes | Slice | Map):
        return len(value)
    raise CallError("the argument has no length")


@GROUP.function("call", "func(reflect.Value, ...reflect.Value) (reflect.Value, error)")
def call(function: object, *arguments: object) -> object:
    """Refuse: no value of a template is a function."""
    raise CallError("the argument is not a function")


@GROUP.function("index", "func(reflect.Value, ...reflect.Value) (reflect.Value, error)")
def index(item: object, *indexes: object) -> object:
    """Look up in maps, lists and strings, one after the other."""
    if item is MISSING or item is None:
        raise CallError("index of untyped nil")
    for each in indexes:
        item = _indexed(item, each)
    return item


def _indexed(item: object, key: object) -> object:
    if isinstance(item, Map):
        if not isinstance(key, bytes):
            raise CallError("the key should be a string")
        return item[key] if key in item else zero_of(item.elem)
    if not isinstance(item, bytes | Slice):
        raise CallError(f"can't index item of type {go_type(item)}")
    if not isinstance(key, int) or isinstance(key, bool):
        raise CallError("cannot index a list with such a value")
    if not 0 <= key < len(item):
        raise CallError("index out of range")
    return Uint8(item[key]) if isinstance(item, bytes) else item[key]


# Comparison.


@GROUP.function("eq", "func(reflect.Value, ...reflect.Value) (bool, error)")
def equal(first: object, *others: object) -> bool:
    """Tell whether the first equals any of the others."""
    if not others:
        raise CallError("missing argument for comparison")
    return any(_equal(first, other) for other in others)


@GROUP.function("ne", "func(reflect.Value, reflect.Value) (bool, error)")
def unequal(first: object, second: object) -> bool:
    return not _equal(first, second)


def _equal(first: object, second: object) -> bool:
    kinds = (_basic_kind(first), _basic_kind(second))
    if kinds[0] is None and kinds[1] is None:
        return _equal_composites(first, second)
    if kinds[0] == kinds[1] or set(kinds) == {"int", "uint"}:
        return first == second
    if _is_nothing(first) or _is_nothing(second):
        return False
    raise CallError("incompatible types for comparison")


def _is_nothing(value: object) -> bool:
    return value is MISSING or value is None


def _is_nil(value: object) -> bool:
    return _is_nothing(value) or (isinstance(value, Slice | Map) and value.is_nil)


def _equal_composites(first: object, second: object) -> bool:
    both_there = not _is_nothing(first) and not _is_nothing(second)
    if both_there and kind(first) != kind(second):
        raise CallError("non-comparable types")
    if _is_nil(first) or _is_nil(second):
        return _is_nil(first) == _is_nil(second)
    if isinstance(first, Object) and isinstance(second, Object):
        if first.kind == "ptr":
            return first is second
        return go_type(first) == go_type(second) and first.fields() == second.fields()
    raise CallError("non-comparable type")


def _basic_kind(value: object) -> str | None:
    return _NUMBERS.get(kind(value))


@GROUP.function("lt", "func(reflect.Value, reflect.Value) (bool, error)")
def less(first: object, second: object) -> bool:
    """Compare numbers of a kind, or strings by their bytes."""
    kinds = {_basic_kind(first), _basic_kind(second)}
    if None in kinds or kinds == {"bool"}:
        raise CallError("invalid type for comparison")
    if isinstance(first, bytes) and isinstance(second, bytes):
        return first < second
    if len(kinds) > 1 and kinds != {"int", "uint"}:
        raise CallError("incompatible types for comparison")
    if not isinstance(first, int | float) or not isinstance(second, int | float):
        raise CallError("incompatible types for comparison")
    return first < second


@GROUP.function("le", "func(reflect.Value, reflect.Value) (bool, error)")
def less_or_equal(first: object, second: object) -> bool:
    return less(first, second) or _equal(first, second)


@GROUP.function("gt", "func(reflect.Value, reflect.Value) (bool, error)")
def greater(first: object, second: object) -> bool:
    return not less_or_equal(first, second)


@GROUP.function("ge", "func(reflect.Value, reflect.Value) (bool, error)")
def greater_or_equal(first: object, second: object) -> bool:
    return not less(first, second)


# Printing and escaping.


@GROUP.function("print", "func(...interface {}) string", takes_environment=True)
def print_(environment: Environment, *arguments: object) -> bytes:
    return sprint(arguments, environment)


@GROUP.function("println", "func(...interface {}) string", takes_environment=True)
def println(environment: Environment, *arguments: object) -> bytes:
    return sprintln(arguments, environment)


@GROUP.function("printf", "func(string, ...interface {}) string", takes_environment=True)
def printf(environment: Environment, form: bytes, *arguments: object) -> bytes:
    return sprintf(form, arguments, environment)


def _text(arguments: tuple[object, ...], environment: Environment) -> bytes:
    if len(arguments) == 1 and isinstance(arguments[0], bytes):
        return arguments[0]
    shown = [b"<no value>" if _is_nothing(each) else each for each in arguments]
    return sprint(shown, environment)


_HTML: Final = (
    (b"&", b"&amp;"),
    (b"\0", "\ufffd".encode()),
    (b'"', b"&#34;"),
    (b"'", b"&#39;"),
    (b"<", b"&lt;"),
    (b">", b"&gt;"),
)


@GROUP.function("html", "func(...interface {}) string", takes_environment=True)
def html(environment: Environment, *arguments: object) -> bytes:
    text = _text(arguments, environment)
    for char, escaped in _HTML:
        text = text.replace(char, escaped)
    return text


_JS: Final = {
    "\\": r"\\",
    "'": r"\'",
    '"': r"\"",
    "<": r"\u003C",
    ">": r"\u003E",
    "&": r"\u0026",
    "=": r"\u003D",
}
_A_MATCH: Final = 32
"""Bytes that a replaced character takes on the way, at most."""
_JS_SPECIAL: Final = re.compile(r"""[\\'"<>&=\x00-\x1f]|[^\x00-\x7f]""")


@GROUP.function("js", "func(...interface {}) string", takes_environment=True)
def js(environment: Environment, *arguments: object) -> bytes:
    text = formats.runes(_text(arguments, environment))
    environment.allocate(_A_MATCH * len(text))
    return formats.unrunes(_JS_SPECIAL.sub(_js_character, text))


def _js_character(match: re.Match[str]) -> str:
    char = match[0]
    if char in _JS:
        return _JS[char]
    # A byte of no character Go prints as it stands.
    if char.isprintable() or "\ud800" <= char <= "\udfff":
        return char
    return f"\\u{ord(char):04X}"


_RESERVED: Final = re.compile(rb"[^A-Za-z0-9._~-]")


@GROUP.function("urlquery", "func(...interface {}) string", takes_environment=True)
def urlquery(environment: Environment, *arguments: object) -> bytes:
    text = _text(arguments, environment)
    environment.allocate(_A_MATCH * len(text))
    return _RESERVED.sub(lambda match: b"+" if match[0] == b" " else b"%%%02X" % match[0][0], text)
