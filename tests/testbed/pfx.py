"""PFX files that ask for more work than anybody should do for them."""

from __future__ import annotations

import base64

_DATA = bytes.fromhex("06092a864886f70d010701")
_SHA_256 = bytes.fromhex("0609608648016503040201") + b"\5\0"
_SEQUENCE, _INTEGER, _OCTETS, _CONTEXT_0 = 0x30, 0x02, 0x04, 0xA0


def element(tag: int, *parts: bytes) -> bytes:
    """One element of DER."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    width = (size.bit_length() + 7) // 8
    return bytes([tag, 0x80 + width]) + size.to_bytes(width, "big") + content


def number(value: int) -> bytes:
    """An INTEGER."""
    return element(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def costly_pfx(iterations: int, *, salt: bytes = b"saltsalt") -> bytes:
    """A PFX whose MAC is to be checked with so many iterations, before all else (RFC 7292, 4)."""
    safe = element(_OCTETS, element(_SEQUENCE))
    content = element(_SEQUENCE, _DATA, element(_CONTEXT_0, safe))
    digest = element(_SEQUENCE, element(_SEQUENCE, _SHA_256), element(_OCTETS, bytes(32)))
    mac = element(_SEQUENCE, digest, element(_OCTETS, salt), number(iterations))
    return element(_SEQUENCE, number(3), content, mac)


def in_base64(pfx: bytes) -> bytes:
    """As a vault holds it."""
    return base64.b64encode(pfx)
