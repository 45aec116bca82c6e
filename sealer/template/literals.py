"""Go's literals: quoted strings, characters, numbers (strconv's rules)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_ESCAPE = re.compile(
    r"\\(?:(?P<simple>[abfnrtv\\'\"])|x(?P<hex>[0-9a-fA-F]{2})|(?P<octal>[0-7]{3})"
    r"|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8}))"
)
_SIMPLE: Final = dict(zip("abfnrtv\\'\"", "\a\b\f\n\r\t\v\\'\"", strict=True))
# No nested repeats: a long text would cost memory with each.
_INTEGER = re.compile(
    r"[+-]?(?:0[xX](?P<hex>[0-9a-fA-F_]+)|0[bB](?P<bin>[01_]+)|0[oO](?P<oct>[0-7_]+)"
    r"|0(?P<old>[0-7_]+)|(?P<dec>0|[1-9][0-9_]*))"
)
_BASES: Final = {"hex": 16, "bin": 2, "oct": 8, "old": 8, "dec": 10}
_DECIMAL = re.compile(
    r"[+-]?(?:[0-9][0-9_]*(?:\.(?:[0-9][0-9_]*)?)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)?"
)
_HEX_FLOAT = re.compile(
    r"[+-]?0[xX](?:[0-9a-fA-F_]+(?:\.[0-9a-fA-F_]*)?|\.[0-9a-fA-F_]+)[pP][+-]?[0-9][0-9_]*"
)
_STRAY_UNDERSCORE = re.compile(r"(?<![0-9a-fA-FxXoObB])_|_(?![0-9a-fA-F])")
_MAX_DIGITS: Final = 4000
"""Python reads no more into an int; no integer of Go's is a tenth as long."""


class LiteralError(ValueError):
    """Not a literal of Go; the message says what is wrong without the text."""


def unquote(quoted: str) -> bytes:
    """Return what a string literal in double quotes or backticks stands for."""
    inner = quoted[1:-1]
    if quoted[0] == "`":
        return inner.replace("\r", "").encode()
    if "\\" not in inner:
        return inner.encode()
    made = bytearray()
    at = 0
    while at < len(inner):
        slash = inner.find("\\", at)
        if slash < 0:
            slash = len(inner)
        made += inner[at:slash].encode()
        at = slash
        if at < len(inner):
            escape, at = _escape(inner, at, "'")
            made += escape if isinstance(escape, bytes) else chr(escape).encode()
    return bytes(made)


def unquote_character(quoted: str) -> int:
    """Return the code point of a character literal in single quotes."""
    inner = quoted[1:-1]
    if inner.startswith("\\"):
        escape, end = _escape(inner, 0, '"')
        code = escape[0] if isinstance(escape, bytes) else escape
    elif inner:
        code, end = ord(inner[0]), 1
    else:
        raise LiteralError("invalid syntax")
    if end != len(inner):
        raise LiteralError("malformed character constant")
    return code


def _escape(text: str, at: int, foreign_quote: str) -> tuple[int | bytes, int]:
    r"""Return a code point, or the byte of \x and \ooo, and where the escape ends."""
    match = _ESCAPE.match(text, at)
    if not match or match["simple"] == foreign_quote:
        raise LiteralError("invalid syntax")
    if match["simple"]:
        return ord(_SIMPLE[match["simple"]]), match.end()
    if match["hex"]:
        return bytes([int(match["hex"], 16)]), match.end()
    if match["octal"]:
        value = int(match["octal"], 8)
        if value > 255:
            raise LiteralError("invalid syntax")
        return bytes([value]), match.end()
    code = int(match["short"] or match["long"], 16)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise LiteralError("invalid syntax")
    return code, match.end()


@dataclass(frozen=True, slots=True)
class Constant:
    """A number as Go's ideal constants are: everything it can stand for."""

    integer: int | None
    unsigned: int | None
    real: float
    is_real: bool
    """Whether its text makes it a float64 where no type is asked for."""


def number(text: str) -> Constant:
    """Read a number; LiteralError for what Go refuses, and for imaginary numbers."""
    if text.endswith("i"):
        raise LiteralError("imaginary numbers are not supported")
    value = parse_integer(text)
    if value is not None:
        # strconv.ParseUint takes no sign; -0 is mended afterwards.
        unsigned = value if 0 <= value < 1 << 64 and (text[0] not in "+-" or not value) else None
        signed = value if -(1 << 63) <= value < 1 << 63 else None
        if signed is not None or unsigned is not None:
            return Constant(signed, unsigned, float(value), _looks_real(text))
    real = parse_float(text)
    if real is None:
        raise LiteralError("illegal number syntax")
    if not set(text) & set(".eEpP"):
        raise LiteralError("integer overflow")
    whole = int(real) if real == real // 1 else None
    return Constant(
        whole if whole is not None and -(1 << 63) <= whole < 1 << 63 else None,
        whole if whole is not None and 0 <= whole < 1 << 64 else None,
        real,
        _looks_real(text),
    )


def _looks_real(text: str) -> bool:
    """Whether Go takes a number for a float64; a sign before a hexadecimal one misleads it."""
    marks = set(text)
    is_hex = len(text) > 2 and text[:2] in ("0x", "0X") and not marks & set("pP")
    return not is_hex and bool(marks & set(".eEpP"))


def character(quoted: str) -> Constant:
    """Read a character constant: an int."""
    code = unquote_character(quoted)
    return Constant(code, code, float(code), is_real=False)


def parse_integer(text: str) -> int | None:
    """Read as ``strconv.ParseInt(text, 0, ...)`` of unlimited size; None for another text."""
    match = _INTEGER.fullmatch(text)
    if not match or match.lastgroup is None:
        return None
    digits = match[match.lastgroup]
    if _STRAY_UNDERSCORE.search(text) or digits.endswith("_"):
        return None
    digits = digits.replace("_", "").lstrip("0") or "0"
    value = int(digits[:_MAX_DIGITS], _BASES[match.lastgroup])
    return -value if text[0] == "-" else value


def parse_float(text: str) -> float | None:
    """Read as ``strconv.ParseFloat`` reads numbers; None for another text or too large a one."""
    if _STRAY_UNDERSCORE.search(text):
        return None
    if _HEX_FLOAT.fullmatch(text):
        try:
            return float.fromhex(text.replace("_", ""))
        except OverflowError:
            return None
    if not _DECIMAL.fullmatch(text):
        return None
    value = float(text.replace("_", ""))
    return None if value in (float("inf"), float("-inf")) else value
