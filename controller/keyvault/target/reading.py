"""PURE: one value of a vault in one format, read into what a manifest asks for.

Whoever writes to a vault writes these values: they are read in a worker process only.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from controller.keyvault.target import certificate, publickey, values
from controller.keyvault.target.values import BadValueError


@dataclass(frozen=True, slots=True)
class Reading:
    """What is wanted of a value."""

    format: str
    """``tls``, ``certificate``, ``key``, ``expand``, ``property`` or ``credential``."""
    argument: str
    """Of the format: which chain, which form, JSON or YAML, the path."""
    value: bytes = field(repr=False)
    decode: str = "None"


def read(wanted: Reading) -> dict[str, bytes]:
    """Return the values by key, a single one under the empty key; raises BadValueError."""
    value, argument = wanted.value, wanted.argument
    match wanted.format:
        case "tls":
            return certificate.parse(value).tls(argument)
        case "expand":
            return values.expand(value, argument)
        case "certificate":
            return {"": certificate.parse(value).form(argument)}
        case "credential":
            return {"": certificate.credential(value)}
        case "key":
            return {"": publickey.form(value, argument)}
        case "property":
            return {"": values.decode(values.property_of(value, argument), wanted.decode)}
    raise BadValueError("is wanted in a format that is not known")
