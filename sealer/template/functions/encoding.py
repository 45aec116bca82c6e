"""sprig's encodings: base64, base32, JSON, checksums."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable
from typing import Final

from sealer.template import json
from sealer.template.registry import CallError, Environment, Group

GROUP = Group()

_BASE64: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_BASE32: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


class CorruptError(Exception):
    """The text is not in the encoding, from a byte on."""

    def __init__(self, at: int) -> None:
        super().__init__("corrupt")
        self.at = at


@GROUP.function("b64enc", "func(string) string")
def b64enc(text: bytes) -> bytes:
    return base64.b64encode(text)


@GROUP.function("b64dec", "func(string) string", takes_environment=True)
def b64dec(environment: Environment, text: bytes) -> bytes:
    environment.spend(len(text) // 16)
    try:
        return decode_base64(text)
    except CorruptError as error:
        return b"illegal base64 data at input byte %d" % error.at


def decode_base64(text: bytes) -> bytes:
    """Decode as Go's StdEncoding, which passes over line ends; CorruptError says where it fails."""
    if not text.translate(None, bytes(_BASE64)):
        if len(text) % 4 == 0:
            return base64.b64decode(text)
        raise CorruptError(len(text) - len(text) % 4)
    return _decode_base64_slowly(text)


def _decode_base64_slowly(text: bytes) -> bytes:
    digits = bytearray()
    for at, byte in enumerate(text):
        if byte in b"\r\n":
            continue
        if byte == 0x3D:
            _check_padding(text, at, len(digits) % 4)
            return base64.b64decode(bytes(digits) + b"=" * (-len(digits) % 4))
        if byte not in _BASE64:
            raise CorruptError(at)
        digits.append(byte)
    if len(digits) % 4:
        raise CorruptError(len(text) - len(digits) % 4)
    return base64.b64decode(bytes(digits))


def _check_padding(text: bytes, at: int, place: int) -> None:
    """Check the rest of the text, from the first padding at this place of four characters on."""
    if place < 2:
        raise CorruptError(at)
    following = _after_line_ends(text, at + 1)
    if place == 2:
        if following == len(text):
            raise CorruptError(len(text))
        if text[following] != 0x3D:
            raise CorruptError(following - 1)
        following = _after_line_ends(text, following + 1)
    if following < len(text):
        raise CorruptError(following)


def _after_line_ends(text: bytes, at: int) -> int:
    while at < len(text) and text[at] in b"\r\n":
        at += 1
    return at


@GROUP.function("b32enc", "func(string) string")
def b32enc(text: bytes) -> bytes:
    return base64.b32encode(text)


@GROUP.function("b32dec", "func(string) string", takes_environment=True)
def b32dec(environment: Environment, text: bytes) -> bytes:
    environment.spend(len(text) // 16)
    try:
        return _decode_base32(text.translate(None, b"\r\n"))
    except CorruptError as error:
        return b"illegal base32 data at input byte %d" % error.at


def _decode_base32(text: bytes) -> bytes:
    digits = bytearray()
    for at, byte in enumerate(text):
        place = at % 8
        left = len(text) - at - 1
        if byte == 0x3D and place >= 2 and left < 8:
            if left + place < 7:
                raise CorruptError(len(text))
            for index in range(min(7 - place, left)):
                if text[at + 1 + index] != 0x3D:
                    raise CorruptError(at + index)
            if place in (3, 6):
                raise CorruptError(at)
            return base64.b32decode(bytes(digits) + b"=" * (-len(digits) % 8))
        if byte not in _BASE32:
            raise CorruptError(at)
        digits.append(byte)
    if len(digits) % 8:
        raise CorruptError(len(text) - len(digits) % 8)
    return base64.b32decode(bytes(digits))


@GROUP.function("fromJson", "func(string) interface {}", takes_environment=True)
def from_json(environment: Environment, text: bytes) -> object:
    try:
        return must_from_json(environment, text)
    except json.NotJsonError as error:
        return error.partial


@GROUP.function("mustFromJson", "func(string) (interface {}, error)", takes_environment=True)
def must_from_json_or_error(environment: Environment, text: bytes) -> object:
    try:
        return must_from_json(environment, text)
    except json.NotJsonError:
        raise CallError("the text is not JSON") from None


def must_from_json(environment: Environment, text: bytes) -> object:
    """Read JSON; every comma or bracket may be an object of some 100 bytes."""
    environment.allocate(100 * (text.count(b",") + text.count(b"[") + text.count(b"{")))
    return json.loads(text)


def _register_writer(name: str, *, indent: bool, html: bool) -> None:
    def write(environment: Environment, value: object) -> bytes:
        return json.dumps(environment, value, indent=indent, html=html)

    def lenient(environment: Environment, value: object) -> bytes:
        try:
            return write(environment, value)
        except json.NotJsonError:
            if name == "toRawJson":  # the one of them that panics
                raise CallError("the value has no JSON") from None
            return b""

    def strict(environment: Environment, value: object) -> bytes:
        try:
            return write(environment, value)
        except json.NotJsonError:
            raise CallError("the value has no JSON") from None

    must = f"must{name[0].upper()}{name[1:]}"
    GROUP.function(name, "func(interface {}) string", takes_environment=True)(lenient)
    GROUP.function(must, "func(interface {}) (string, error)", takes_environment=True)(strict)


_register_writer("toJson", indent=False, html=True)
_register_writer("toPrettyJson", indent=True, html=True)
_register_writer("toRawJson", indent=False, html=False)


def _register_sum(name: str, digest: Callable[[bytes], str]) -> None:
    @GROUP.function(name, "func(string) string")
    def checksum(text: bytes) -> bytes:
        return digest(text).encode()


_register_sum("sha1sum", lambda text: hashlib.sha1(text, usedforsecurity=False).hexdigest())
_register_sum("sha256sum", lambda text: hashlib.sha256(text).hexdigest())
_register_sum("sha512sum", lambda text: hashlib.sha512(text).hexdigest())
_register_sum("adler32sum", lambda text: str(zlib.adler32(text)))
