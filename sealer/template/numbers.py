"""Floats as text, by Go's strconv.FormatFloat."""

from __future__ import annotations

import math
import re
from typing import Final

_PARTS = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?")
_MANTISSA_BITS: Final = 52


def shortest(number: float) -> tuple[str, str, int]:
    """Return sign, digits and point of the shortest text that reads back the same.

    The number is 0.DIGITS times 10 to the power of the point, as in Go's decimal.
    """
    match = _PARTS.fullmatch(repr(number))
    if not match:
        raise ValueError("not a finite number")
    sign, whole, fraction = match[1], match[2], match[3] or ""
    digits = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    if not digits:
        return sign, "0", 1
    return sign, digits, len(whole) - leading + int(match[4] or 0)


def format_float(number: float, verb: str, precision: int = -1) -> str:
    """Format with b, e, E, f, g, G, x or X; precision -1 means as many digits as needed."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"
    if verb == "b":
        return _binary(number)
    if verb in "xX":
        text = _hexadecimal(number, precision)
        return text.upper() if verb == "X" else text
    if precision >= 0:
        # Python's are C's, and so are Go's but for a precision of 0 in %g, which both take as 1.
        return f"{number:.{precision}{verb}}"
    sign, digits, point = shortest(number)
    if verb == "f":
        return sign + _plain(digits, point)
    if verb in "gG" and -4 <= point - 1 < 6:
        return sign + _plain(digits, point)
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    exponent = point - 1 if digits != "0" else 0
    text = f"{sign}{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    return text.upper() if verb in "EG" else text


def _plain(digits: str, point: int) -> str:
    if point <= 0:
        return "0." + "0" * -point + digits
    whole = digits[:point].ljust(point, "0")
    return f"{whole}.{digits[point:]}" if len(digits) > point else whole


def _binary(number: float) -> str:
    mantissa, exponent = math.frexp(abs(number))
    whole = int(mantissa * 2 ** (_MANTISSA_BITS + 1))
    power = exponent - _MANTISSA_BITS - 1
    if power < -1074 or not whole:  # a denormal number
        whole, power = int(abs(number) * 2.0**1000 * 2.0**74), -1074
    return f"{'-' if math.copysign(1, number) < 0 else ''}{whole}p{power:+d}"


def _hexadecimal(number: float, precision: int) -> str:
    sign = "-" if math.copysign(1, number) < 0 else ""
    if number == 0:
        zeros = f".{'0' * precision}" if precision > 0 else ""
        return f"{sign}0x0{zeros}p+00"
    mantissa, exponent = math.frexp(abs(number))
    whole, exponent = int(mantissa * 2 ** (_MANTISSA_BITS + 1)), exponent - 1
    if 0 <= precision < 13:
        shift = _MANTISSA_BITS - 4 * precision
        half, rest = 1 << (shift - 1), whole & ((1 << shift) - 1)
        whole >>= shift
        whole += rest > half or (rest == half and whole & 1)
        if whole >> (4 * precision + 1):
            whole, exponent = whole >> 1, exponent + 1
        whole <<= shift
    digits = f"{whole & ((1 << _MANTISSA_BITS) - 1):013x}"
    digits = digits.rstrip("0") if precision < 0 else digits[:precision].ljust(precision, "0")
    point = f".{digits}" if digits else ""
    return f"{sign}0x1{point}p{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
