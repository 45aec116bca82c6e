"""How often a PFX asks for its key derivation to be repeated: read before any of it is done.

The file's author chooses the count, and a PFX of 2 kB may ask for an hour. Source: RFC 7292
(MacData, pkcs-12PbeParams), RFC 8018 (PBKDF2-params), RFC 7914 (scrypt-params): in each, the
INTEGER that follows the salt, an OCTET STRING. X.690 for the encoding, BER's indefinite lengths
included.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

MOST_ITERATIONS: Final = 1_000_000
_MOST_DEPTH: Final = 64
_MOST_ELEMENTS: Final = 100_000
_INTEGER, _OCTETS, _CONSTRUCTED = 0x02, 0x04, 0x20


def iterations(pfx: bytes) -> int:
    """Return the largest count that is written in clear; ValueError for what is no BER.

    What lies in an encrypted part is not seen.
    """
    walk = _Walk()
    walk.elements(pfx, 0)
    return walk.largest


class _NotBerError(ValueError):
    pass


class _Walk:
    def __init__(self) -> None:
        self.largest = 0
        self._left = _MOST_ELEMENTS

    def elements(self, data: bytes, depth: int) -> None:
        """Look at the elements that stand one after another in ``data``."""
        if depth > _MOST_DEPTH:
            raise _NotBerError("nested too deeply")
        before = 0
        for tag, content in _elements(data):
            self._left -= 1
            if self._left < 0:
                raise ValueError("too many elements")
            if tag == _INTEGER and before & ~_CONSTRUCTED == _OCTETS:
                self.largest = max(self.largest, int.from_bytes(content, "big"))
            self._within(tag, content, depth)
            before = tag

    def _within(self, tag: int, content: bytes, depth: int) -> None:
        if tag == _OCTETS | _CONSTRUCTED:
            content = b"".join(piece for _, piece in _elements(content))
        if tag & ~_CONSTRUCTED == _OCTETS:
            # PFX packs BER into OCTET STRINGs; others hold bytes that are no BER, or only begin so.
            with suppress(_NotBerError):
                self.elements(content, depth + 1)
        elif tag & _CONSTRUCTED:
            self.elements(content, depth + 1)


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element."""
    at = 0
    while at < len(data):
        tag, start, end, at = _bounds(data, at, 0)
        yield tag, data[start:end]


def _bounds(data: bytes, at: int, depth: int) -> tuple[int, int, int, int]:
    """Tag, start and end of the content, and where the next element begins."""
    if depth > _MOST_DEPTH or at + 2 > len(data) or data[at] & 0x1F == 0x1F:
        raise _NotBerError("not BER")
    tag, length, start = data[at], data[at + 1], at + 2
    if length == 0x80:
        end = start
        while data[end : end + 2] != b"\0\0":
            end = _bounds(data, end, depth + 1)[3]
        return tag, start, end, end + 2
    if length > 0x80:
        size = length - 0x80
        length = int.from_bytes(data[start : start + size], "big")
        start += size
    end = start + length
    if end > len(data):
        raise _NotBerError("not BER")
    return tag, start, end, end
