"""How Go writes things: quoted strings, floats, file errors, base64 faults."""

from __future__ import annotations

import math
import struct

from sealer import encoding
from sealer.errors import ManifestError, NotYamlError

_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}
_MAX_FLOAT32 = 3.4028235677973366e38
_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


def quote(text: str) -> str:
    """``%q``: double quotes, what does not print escaped (strconv.Quote)."""
    return '"' + "".join(map(_quoted, text)) + '"'


def _quoted(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def float_text(value: float) -> str:
    """Write a float as YAML's becomes a string: ``strconv.FormatFloat(value, 'g', -1, 32)``.

    That is the shortest text that a 32-bit float reads back, with an exponent below 1e-4 and
    from 1e6 on.
    """
    if not math.isfinite(value) or abs(value) > _MAX_FLOAT32:
        return "NaN" if math.isnan(value) else f"{'+' if value > 0 else '-'}Inf"
    mantissa, exponent = _shortest(value)
    sign, digits = ("-" if mantissa[0] == "-" else ""), mantissa.lstrip("-").replace(".", "")
    digits = digits.rstrip("0") or "0"
    power = int(exponent)
    if -4 <= power < 6:
        return f"{float(f'{mantissa}e{exponent}'):.{max(0, len(digits) - 1 - power)}f}"
    point = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
    return f"{sign}{point}e{'-' if power < 0 else '+'}{abs(power):02d}"


def _shortest(value: float) -> tuple[str, str]:
    """Mantissa and exponent with the fewest digits that give the same 32-bit float."""
    wanted = struct.pack("f", value)
    texts = (f"{value:.{precision}e}" for precision in range(9))
    fitting = (text for text in texts if struct.pack("f", float(text)) == wanted)
    mantissa, _, exponent = next(fitting).partition("e")
    return mantissa, exponent


def file_error(verb: str, path: str, error: OSError) -> str:
    """``open x: no such file or directory`` (fs.PathError)."""
    return f"{verb} {path}: {(error.strerror or 'input/output error').lower()}"


def yaml_error(error: ManifestError) -> str:
    """``yaml: line 3: did not find expected key``; the line is the true one, which Go's is not."""
    problem = error.detail if isinstance(error, NotYamlError) else error.problem
    return f"yaml: line {(error.line or 0) + 1}: {problem}"


def decode_base64(text: str) -> bytes:
    """Decode as ``encoding/base64.StdEncoding``; ValueError with Go's words and offset."""
    try:
        return encoding.decode(text)
    except ValueError:
        offset = _fault(text.encode("utf-8", "surrogatepass"))
        raise ValueError(f"illegal base64 data at input byte {offset}") from None


def _fault(data: bytes) -> int:
    """Where Go's decoder stops; it reports the start of an unfinished group of four."""
    taken = 0  # characters of the current group
    at = 0
    while at < len(data):
        byte = data[at]
        at += 1
        if byte in _BASE64:
            taken = (taken + 1) % 4
        elif byte not in b"\r\n":
            return at - 1 if byte != ord("=") or taken < 2 else _padding_fault(data, at, taken)
    return at - taken


def _padding_fault(data: bytes, at: int, taken: int) -> int:
    """Go on behind the first ``=`` of a group that holds two or three characters."""
    at = _skip_newlines(data, at)
    if taken == 2:
        if at == len(data):
            return at
        if data[at] != ord("="):
            return at - 1
        at = _skip_newlines(data, at + 1)
    return at


def _skip_newlines(data: bytes, at: int) -> int:
    while at < len(data) and data[at] in b"\r\n":
        at += 1
    return at
