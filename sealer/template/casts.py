"""Numbers out of whatever a template holds, as strconv and spf13/cast read them for sprig.

What cannot be read is 0, never an error: that is how sprig calls these.
"""

from __future__ import annotations

import math
import re
from typing import Final

from sealer.template.times import Month, Weekday
from sealer.template.values import (
    Int8,
    Int16,
    Int32,
    Int64,
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    wrapped,
)

MIN_INT: Final = -(1 << 63)
MAX_INT: Final = (1 << 63) - 1
_LONGEST: Final = 4096
"""Bytes of a number; a longer one, which is no number that anybody means, reads as 0."""

_SIZED: Final = frozenset({Int8, Int16, Int32, Int64, Uint, Uint8, Uint16, Uint32, Uint64})
# Possessive: a long text would cost memory for every digit that could be given back.
_GO_INTEGER: Final = re.compile(
    rb"[+-]?(?:0[bB](?P<two>(?:_?[01])++)|0[oO](?P<oct>(?:_?[0-7])++)|0[xX](?P<hex>(?:_?[0-9a-fA-F])++)"
    rb"|0(?P<zero>(?:_?[0-7])*+)|(?P<ten>[1-9](?:_?[0-9])*+))"
)
_BASES: Final = {"two": 2, "oct": 8, "hex": 16, "zero": 8, "ten": 10}
_DECIMAL_FLOAT: Final = re.compile(
    rb"[+-]?(?=\.?[0-9])(?:[0-9](?:_?[0-9])*+)?(?:\.(?:[0-9](?:_?[0-9])*+)?)?"
    rb"(?:[eE][+-]?[0-9](?:_?[0-9])*+)?"
)
_HEX_FLOAT: Final = re.compile(
    rb"[+-]?0[xX](?=_?\.?[0-9a-fA-F])(?:_?[0-9a-fA-F])*+(?:\.(?:[0-9a-fA-F](?:_?[0-9a-fA-F])*+)?)?"
    rb"[pP][+-]?[0-9](?:_?[0-9])*+"
)
_SPECIAL_FLOAT: Final = re.compile(rb"[+-]?inf(?:inity)?|nan", re.IGNORECASE)


def parse_int(text: bytes, base: int = 10) -> tuple[int, bool]:
    """Read as strconv.ParseInt: the number, and whether all was well.

    Base 0 takes Go's prefixes and underscores. A number beyond 64 bits is the nearest one.
    """
    if base == 0:
        if len(text) > _LONGEST:
            return 0, False
        match = _GO_INTEGER.fullmatch(text)
        if not match or match.lastgroup is None:
            return 0, False
        base, digits = _BASES[match.lastgroup], match[match.lastgroup].replace(b"_", b"")
    else:
        digits = text[1:] if text[:1] in (b"+", b"-") else text
        if not digits or digits.translate(None, b"0123456789"[:base]):
            return 0, False
    digits = digits.lstrip(b"0")
    # The length first: reading very long numbers takes time that grows with its square.
    number = 1 << 64 if len(digits) > 64 else int(digits or b"0", base)
    if text.startswith(b"-"):
        number = -number
    bounded = min(max(number, MIN_INT), MAX_INT)
    return bounded, bounded == number


def parse_float(text: bytes) -> tuple[float, bool]:
    """Read as strconv.ParseFloat: the number, and whether all was well."""
    if len(text) > _LONGEST:
        return 0.0, False
    if _SPECIAL_FLOAT.fullmatch(text):
        return float(text), True
    try:
        if _DECIMAL_FLOAT.fullmatch(text):
            number = float(text.replace(b"_", b""))
        elif _HEX_FLOAT.fullmatch(text):
            number = float.fromhex(text.replace(b"_", b"").decode("ascii"))
        else:
            return 0.0, False
    except OverflowError:
        return math.inf, False
    return number, not math.isinf(number)


def to_int(value: object) -> int:
    """Make a 64-bit integer of a value: a number, a string with one in it, a bool; else 0."""
    known = type(value)
    if known is int or known is bool or known in _SIZED:
        return wrapped(int(value))  # type: ignore[call-overload]
    if isinstance(value, bytes):
        number, good = parse_int(_without_zero_decimals(value), 0)
        return number if good else 0
    if isinstance(value, float):
        return _truncated(value)
    if isinstance(value, Month | Weekday):
        return int(value)
    return 0


def to_float(value: object) -> float:
    """Make a float64 of a value: a number, a string with one in it, a bool; else 0."""
    known = type(value)
    if known is int or known is bool or known in _SIZED or isinstance(value, Month | Weekday):
        return float(value)  # type: ignore[arg-type]
    if isinstance(value, float):
        return value
    if isinstance(value, bytes):
        number, good = parse_float(value)
        return number if good else 0.0
    return 0.0


def _truncated(number: float) -> int:
    """Convert as Go does on amd64, where all that does not fit is the least integer."""
    if -9.223372036854775808e18 <= number < 9.223372036854775808e18:
        return int(number)
    return MIN_INT


def _without_zero_decimals(text: bytes) -> bytes:
    """Cut ``.0``, ``.00`` and so on off the end."""
    stripped = text.rstrip(b"0")
    return stripped[:-1] if stripped.endswith(b".") and len(stripped) < len(text) else text
