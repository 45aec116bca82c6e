"""PURE: the raw data and what templates made of it, into the Secret's data.

What is random is made once, not at every poll.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.keyvault.target.desired import Desired
from controller.keyvault.target.values import BadValueError
from sealer import encoding
from sealer.keyvault.resource import KeyVaultSecret
from sealer.keyvault.vaults import GROUP
from sealer.secret import MAX_BYTES
from sealer.templating import Made, data_of

RENDERED_FOR = f"{GROUP}/rendered-for"
"""On a Secret with random values: what they were rendered for."""


def stamp_key(secret: KeyVaultSecret) -> str:
    """The annotation, of its own where several may fill the Secret."""
    if secret.target.creation != "Merge":
        return RENDERED_FOR
    return f"{RENDERED_FOR}-{hashlib.sha256(secret.name.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class Rendered:
    """The Secret's data, and what its random values were rendered for (empty: there are none)."""

    data: Mapping[str, bytes] = field(repr=False)
    stamp: str = ""


def rendered(
    secret: KeyVaultSecret, made: Desired, templates: Made, live: Mapping[str, Any] | None
) -> Rendered:
    """Add what the templates made, drop what it omits; BadValueError.

    Templates see what the vault gave and nothing of each other. As in a SealedSecret a raw key
    wins over a template of the same name, unless it is omitted. A password, salt or certificate
    made in a template stands until the KeyVaultSecret or an object of the vault has another
    version: else it would change at each poll.
    """
    data = data_of(secret.template.data, made.data, templates.data, secret.omit)
    random = {
        key
        for key in templates.unstable
        if key in data and (key not in made.data or key in secret.omit)
    }
    stamp = _stamp(secret, made) if random else ""
    data |= _kept(random, stamp, stamp_key(secret), live)
    if sum(map(len, data.values())) > MAX_BYTES:
        raise BadValueError("all values together are more than a Secret can hold, 1 MiB")
    return Rendered(data, stamp)


def _kept(
    random: set[str], stamp: str, key: str, live: Mapping[str, Any] | None
) -> dict[str, bytes]:
    """Values that were rendered for the same before."""
    there = (live or {}).get("data") or {}
    notes = ((live or {}).get("metadata") or {}).get("annotations") or {}
    if not stamp or notes.get(key) != stamp:
        return {}
    return {one: encoding.decode(there[one]) for one in random if one in there}


def _stamp(secret: KeyVaultSecret, made: Desired) -> str:
    """Name the resource and the vault's versions; a version is an id, nothing of a value."""
    versions = sorted(f"{state.ref}:{state.version}" for state in made.states)
    digest = hashlib.sha256("\n".join(versions).encode()).hexdigest()[:16]
    return f"{secret.uid}.{secret.generation}.{digest}"
