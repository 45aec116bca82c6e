"""Single values as text under printf's flags: padding, integers, floats, strings (Go's fmt)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sealer.template.numbers import format_float

_ESCAPES: Final = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
}
_LAST_RUNE: Final = 0x10FFFF


@dataclass(frozen=True, slots=True)
class Flags:
    """What stands between the percent sign and the verb."""

    plus: bool = False
    minus: bool = False
    sharp: bool = False
    space: bool = False
    zero: bool = False
    plus_v: bool = False
    sharp_v: bool = False
    width: int | None = None
    precision: int | None = None

    def for_verb(self, verb: str) -> Flags:
        """Return the flags as %v reads them: # and + ask for another notation."""
        if verb not in "vw" or not (self.plus or self.sharp):
            return self
        return replace(self, plus_v=self.plus, sharp_v=self.sharp, plus=False, sharp=False)


PLAIN: Final = Flags()


def runes(text: bytes) -> str:
    """Decode as Go does: a byte that is not UTF-8 is a character by itself (U+DC80...U+DCFF)."""
    return text.decode("utf-8", "surrogateescape")


def unrunes(text: str) -> bytes:
    """Undo ``runes``."""
    return text.encode("utf-8", "surrogateescape")


def pad(flags: Flags, text: bytes, *, zeros: bool = True) -> bytes:
    """Fill up to the width, with zeros where they are asked for and allowed."""
    missing = (flags.width or 0) - (len(text) if text.isascii() else len(runes(text)))
    if missing <= 0:
        return text
    if flags.minus:
        return text + b" " * missing
    return (b"0" if flags.zero and zeros else b" ") * missing + text


def integer(flags: Flags, value: int, verb: str) -> bytes:
    """Format with d, b, o, O, x or X."""
    digits = format(abs(value), {"d": "d", "O": "o"}.get(verb, verb))
    if flags.precision is not None:
        if flags.precision == 0 and value == 0:
            return b" " * (flags.width or 0)
        digits = digits.rjust(flags.precision, "0")
    elif flags.zero and not flags.minus and flags.width:
        signed = value < 0 or flags.plus or flags.space
        digits = digits.rjust(flags.width - signed, "0")
    if flags.sharp:
        if verb in "oO" and not digits.startswith("0"):
            digits = "0" + digits
        digits = {"b": "0b", "x": "0x", "X": "0X"}.get(verb, "") + digits
    if verb == "O":
        digits = "0o" + digits
    sign = "-" if value < 0 else "+" if flags.plus else " " if flags.space else ""
    return pad(flags, (sign + digits).encode(), zeros=False)


def real(flags: Flags, value: float, verb: str) -> bytes:
    """Format with b, e, E, f, F, g, G, x or X."""
    verb = "f" if verb == "F" else verb
    default = 6 if verb in "efE" else -1
    precision = default if flags.precision is None else flags.precision
    text = format_float(value, verb, precision)
    signed = text if text[0] in "+-" else f"+{text}"
    if flags.space and signed[0] == "+" and not flags.plus:
        signed = f" {signed[1:]}"
    if signed[1] in "IN":
        bare = signed[1] == "N" or signed[0] == "+"
        if signed[1] == "N" and (flags.space or flags.plus):
            bare = False
        shown = signed[1:] if signed[1] == "N" and bare else signed
        return pad(flags, shown.encode(), zeros=False)
    if flags.sharp and verb != "b":
        signed = _with_point(signed, verb, precision)
    if not flags.plus and signed[0] == "+":
        return pad(flags, signed[1:].encode())
    if flags.zero and not flags.minus and (flags.width or 0) > len(signed):
        signed = signed[0] + signed[1:].rjust((flags.width or 0) - 1, "0")
    return pad(flags, signed.encode())


def _with_point(signed: str, verb: str, precision: int) -> str:
    """Give a float a decimal point and the zeros that %g cuts off (the # flag)."""
    marks = "pP" if verb in "xX" else "eE"
    cut = next((i for i, char in enumerate(signed) if char in marks), len(signed))
    number, tail = signed[:cut], signed[cut:]
    wanted = 0
    if verb in "gGx":
        wanted = 6 if precision == -1 else precision
    seen = number[1:].replace(".", "").replace("x", "x", 1)
    wanted -= len(seen.lstrip("0"))
    if "." not in number:
        wanted -= number[1:] == "0"
        number += "."
    return number + "0" * max(wanted, 0) + tail


def string(flags: Flags, value: bytes, verb: str) -> bytes:
    """Format with s, q, x or X."""
    if verb in "xX":
        return _hexadecimal(flags, value, verb)
    if flags.precision is not None:
        value = unrunes(runes(value)[: flags.precision])
    return pad(flags, _quoted_with(flags, value) if verb == "q" else value)


def _quoted_with(flags: Flags, value: bytes) -> bytes:
    if flags.sharp and _can_backquote(value):
        return b"`" + value + b"`"
    return quoted(value, ascii_only=flags.plus)


def _can_backquote(value: bytes) -> bool:
    return all(
        char == "\t" or not (char < " " or char in "`\x7f\ufeff" or "\ud800" <= char <= "\udfff")
        for char in runes(value)
    )


def _hexadecimal(flags: Flags, value: bytes, verb: str) -> bytes:
    if flags.precision is not None:
        value = value[: flags.precision]
    prefix = f"0{verb}" if flags.sharp else ""
    if not value:
        prefix = ""
    octets = [format(octet, f"02{verb}") for octet in value]
    text = f" {prefix}".join(octets) if flags.space else "".join(octets)
    return pad(flags, f"{prefix}{text}".encode())


def quoted(value: bytes, *, ascii_only: bool = False) -> bytes:
    """Quote as strconv.Quote does, or QuoteToASCII."""
    shown = (_escaped(char, '"', ascii_only=ascii_only) for char in runes(value))
    return b'"%s"' % "".join(shown).encode()


def _escaped(char: str, quote: str, *, ascii_only: bool) -> str:
    if char == quote:
        return f"\\{char}"
    if char in _ESCAPES:
        return _ESCAPES[char]
    code = ord(char)
    if char == " " or (char.isprintable() and (char.isascii() or not ascii_only)):
        return char
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _rune(code: int) -> str:
    """Return the character, U+FFFD for a number that is none."""
    return chr(code) if 0 <= code <= _LAST_RUNE and not 0xD800 <= code < 0xE000 else "\ufffd"


def character(flags: Flags, code: int) -> bytes:
    """Format with c."""
    return pad(flags, _rune(code).encode())


def quoted_character(flags: Flags, code: int) -> bytes:
    """Format with q."""
    shown = _escaped(_rune(code), "'", ascii_only=flags.plus)
    return pad(flags, f"'{shown}'".encode())


def code_point(flags: Flags, code: int) -> bytes:
    """Format with U."""
    text = f"U+{code & ((1 << 64) - 1):0{max(flags.precision or 0, 4)}X}"
    if flags.sharp and 0 <= code <= _LAST_RUNE and (chr(code).isprintable()):
        text += f" '{chr(code)}'"
    return pad(flags, text.encode(), zeros=False)
