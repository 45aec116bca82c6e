"""How sprig makes a string of a value."""

from __future__ import annotations

from sealer.template.printf import sprint
from sealer.template.registry import Environment
from sealer.template.values import Slice


def strval(environment: Environment, value: object) -> bytes:
    """Print as ``%v`` does, but a list of bytes is a string."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, Slice) and value.elem == "uint8":
        return bytes(int(each) for each in value if isinstance(each, int))
    return sprint([value], environment)


def strings(environment: Environment, value: object) -> list[bytes]:
    """Make strings of a list's members but nil, or of a single value."""
    if isinstance(value, Slice):
        return [strval(environment, each) for each in value if each is not None]
    return [] if value is None else [strval(environment, value)]
