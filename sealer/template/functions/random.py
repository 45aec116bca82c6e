"""sprig's random strings and numbers, from the rendering's own source."""

from __future__ import annotations

import base64
import string
from typing import Final

from sealer.template import runes
from sealer.template.registry import CallError, Environment, Group
from sealer.template.values import wrapped

GROUP = Group()

_ASCII: Final = bytes(range(32, 127))
_LETTERS: Final = string.ascii_letters.encode()
_DIGITS: Final = string.digits.encode()


def _chosen(environment: Environment, alphabet: bytes, count: int) -> bytes:
    """Choose characters, each as likely as the other; none for a negative count."""
    if count <= 0:
        return b""
    environment.allocate(2 * count)
    # Bytes beyond the largest multiple of the alphabet would favour its first characters.
    usable = bytes(range(256 - 256 % len(alphabet), 256))
    table = bytes(alphabet[byte % len(alphabet)] for byte in range(256))
    chosen = b""
    while len(chosen) < count:
        wanted = min(count - len(chosen), 1 << 16)
        chosen += environment.random(wanted + wanted // 2 + 16).translate(table, usable)[:wanted]
        environment.spend(1 + wanted // 64)
    return chosen


def _register(name: str, alphabet: bytes) -> None:
    @GROUP.function(name, "func(int) string", takes_environment=True, deterministic=False)
    def chosen(environment: Environment, count: int) -> bytes:
        return _chosen(environment, alphabet, count)


_register("randAlphaNum", _LETTERS + _DIGITS)
_register("randAlpha", _LETTERS)
_register("randAscii", _ASCII)
_register("randNumeric", _DIGITS)


@GROUP.function(
    "randBytes", "func(int) (string, error)", takes_environment=True, deterministic=False
)
def rand_bytes(environment: Environment, count: int) -> bytes:
    if count < 0:
        raise CallError("makeslice: len out of range")
    environment.allocate(3 * count)
    return base64.b64encode(environment.random(count))


@GROUP.function("randInt", "func(int, int) int", takes_environment=True, deterministic=False)
def rand_int(environment: Environment, least: int, beyond: int) -> int:
    span = wrapped(beyond - least)
    if span <= 0:
        raise CallError("invalid argument to Intn")
    return wrapped(_below(environment, span) + least)


@GROUP.function("shuffle", "func(string) string", takes_environment=True, deterministic=False)
def shuffle(environment: Environment, text: bytes) -> bytes:
    chars = list(runes.decode(text))
    environment.allocate(12 * len(chars))
    environment.spend(len(chars) // 2)
    for last in range(len(chars) - 1, 0, -1):
        other = _below(environment, last + 1)
        chars[last], chars[other] = chars[other], chars[last]
    return runes.encode("".join(chars))


def _below(environment: Environment, limit: int) -> int:
    """Choose a number from 0 to below the limit, each as likely as the other."""
    size = (limit.bit_length() + 7) // 8
    usable = (1 << 8 * size) - (1 << 8 * size) % limit
    while True:
        number = int.from_bytes(environment.random(size), "big")
        if number < usable:
            return number % limit
