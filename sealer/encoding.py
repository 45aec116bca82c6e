"""Base64 as Go's ``encoding/base64.StdEncoding`` reads and writes it."""

from __future__ import annotations

import binascii


def encode(value: bytes) -> str:
    """Write standard base64, padded, on one line."""
    return binascii.b2a_base64(value, newline=False).decode("ascii")


def decode(text: str) -> bytes:
    """Read standard base64, padded; CR and LF anywhere are passed over, all else is refused.

    Raises ValueError with a constant text: what failed to decode may be a secret.
    """
    compact = text.replace("\r", "").replace("\n", "")
    # Asked first: an UnicodeEncodeError would carry the text along; and
    # Python takes a superfluous "=" behind whole groups.
    if not compact.isascii() or len(compact) % 4:
        raise ValueError("not valid base64")
    try:
        return binascii.a2b_base64(compact, strict_mode=True)
    except binascii.Error:
        raise ValueError("not valid base64") from None


def counted(number: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def printable(text: str) -> str:
    """Text in which every character is one to be seen; others as Python escapes them.

    Names may hold line ends and control characters: they must make no line of their own, and a
    terminal must not act on them.
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in text
    )
