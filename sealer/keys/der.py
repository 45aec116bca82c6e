"""The three parts of an X.509 certificate that sealing needs, read from its DER.

``cryptography.x509`` reads all of it and takes 40 ms to import, nearly half of a whole seal; this
reads validity and public key in microseconds and checks no more, since no chain is built from a
sealing certificate. A test holds it against pyca on every shape of certificate.
Source: RFC 5280, 4.1; X.690 for the encoding.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

_SEQUENCE, _INTEGER, _BIT_STRING, _OBJECT_IDENTIFIER, _VERSION = 0x30, 0x02, 0x03, 0x06, 0xA0
_RSA_ENCRYPTION = bytes.fromhex("2a864886f70d010101")  # 1.2.840.113549.1.1.1
_YEAR_DIGITS = {0x17: 2, 0x18: 4}  # UTCTime, GeneralizedTime


class CertificateParts(NamedTuple):
    """What a certificate says of its key."""

    not_before: datetime
    not_after: datetime
    rsa: tuple[int, int] | None
    """Modulus and public exponent; None for a key of another kind."""


def certificate_parts(der: bytes) -> CertificateParts:
    """Read a DER certificate; ValueError, with a constant text, where it is none."""
    whole = _Reader(der)
    certificate = whole.enter(_SEQUENCE)
    tbs = certificate.enter(_SEQUENCE)
    if tbs.peek() == _VERSION:
        tbs.skip()
    tbs.enter(_INTEGER)
    tbs.enter(_SEQUENCE)  # signature algorithm
    tbs.enter(_SEQUENCE)  # issuer
    validity = tbs.enter(_SEQUENCE)
    not_before, not_after = validity.time(), validity.time()
    tbs.enter(_SEQUENCE)  # subject
    numbers = _rsa_numbers(tbs.enter(_SEQUENCE))
    certificate.enter(_SEQUENCE)  # signature algorithm, again
    certificate.enter(_BIT_STRING)  # signature
    if whole.peek() >= 0 or certificate.peek() >= 0:
        raise ValueError("not a certificate")
    return CertificateParts(not_before, not_after, numbers)


def _rsa_numbers(key_info: _Reader) -> tuple[int, int] | None:
    """Read a SubjectPublicKeyInfo (RFC 8017, A.1.1)."""
    if key_info.enter(_SEQUENCE).enter(_OBJECT_IDENTIFIER).data != _RSA_ENCRYPTION:
        return None
    bits = key_info.enter(_BIT_STRING)
    numbers = _Reader(bits.data[1:]).enter(_SEQUENCE)  # the first byte counts unused bits: none
    modulus, exponent = numbers.enter(_INTEGER), numbers.enter(_INTEGER)
    return _signed(modulus.data), _signed(exponent.data)


def _signed(data: bytes) -> int:
    return int.from_bytes(data, "big", signed=True)


class _Reader:
    """Reads one DER element after another."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def peek(self) -> int:
        return self.data[self.at] if self.at < len(self.data) else -1

    def skip(self) -> bytes:
        """Return the next element, its header included."""
        start = self.at
        self._next()
        return self.data[start : self.at]

    def enter(self, tag: int) -> _Reader:
        """Return a reader of the next element's content."""
        if self.peek() != tag:
            raise ValueError("not a certificate")
        return _Reader(self._next())

    def time(self) -> datetime:
        digits = _YEAR_DIGITS.get(self.peek())
        text = self._next()
        if digits is None or len(text) != digits + 11 or not text.endswith(b"Z"):
            raise ValueError("not a certificate")
        year, rest = int(text[:digits]), text[digits:-1]
        if digits == 2:
            year += 1900 if year >= 50 else 2000
        month, day, hour, minute, second = (int(rest[at : at + 2]) for at in range(0, 10, 2))
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)

    def _next(self) -> bytes:
        head = self.data[self.at : self.at + 2]
        if len(head) < 2:
            raise ValueError("not a certificate")
        start, length = self.at + 2, head[1]
        if length >= 0x80:
            size = length - 0x80
            length = int.from_bytes(self.data[start : start + size], "big")
            start += size
        if start + length > len(self.data):
            raise ValueError("not a certificate")
        self.at = start + length
        return self.data[start : self.at]
