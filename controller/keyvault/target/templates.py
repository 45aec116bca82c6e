"""PURE: what templates make of the raw data; what is random is made once, not at every poll."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.keyvault.target.desired import Desired
from controller.keyvault.target.values import BadValueError
from sealer import encoding, templating
from sealer.errors import ManyErrors, SealerError, TemplateError
from sealer.keyvault.resource import KeyVaultSecret
from sealer.keyvault.vaults import GROUP
from sealer.secret import MAX_BYTES

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


def render(secret: KeyVaultSecret, made: Desired, live: Mapping[str, Any] | None) -> Rendered:
    """Add the template's keys, drop what it omits; ManyErrors of TemplateError, BadValueError.

    Templates see what the vault gave and nothing of each other. As in a SealedSecret a raw key
    wins over a template of the same name, unless it is omitted; a key that is not there is an
    error, and never ``<no value>``. A password, salt or certificate made in a template stands
    until the KeyVaultSecret or an object of the vault has another version: else it would change
    at each poll.
    """
    templates = secret.template.data
    fed = {*secret.omit, *(key for key, text in templates.items() if text is None)}
    data = {key: value for key, value in made.data.items() if key not in fed}
    data = {**_rendered(templates, made), **data}
    random = {
        key
        for key in templating.nondeterministic(templates)
        if key in data and (key not in made.data or key in secret.omit)
    }
    stamp = _stamp(secret, made) if random else ""
    data |= _kept(random, stamp, stamp_key(secret), live)
    if sum(map(len, data.values())) > MAX_BYTES:
        raise BadValueError("all values together are more than a Secret can hold, 1 MiB")
    return Rendered(data, stamp)


def _rendered(templates: templating.Templates, made: Desired) -> dict[str, bytes]:
    """What the templates make of the raw data; what needs a key that was removed goes with it."""
    texts = {key: text for key, text in templates.items() if text is not None}
    if not texts:
        return {}
    from sealer.template import render as render_text

    data: dict[str, bytes] = {}
    errors: list[SealerError] = []
    for key, text in texts.items():
        try:
            data[key] = render_text(key, text, made.data, strict=True)
        except TemplateError as error:
            if not (made.gone and _lacks(key, text, made.data)):
                errors.append(error)
    if errors:
        raise ManyErrors(errors)
    return data


def _lacks(key: str, text: str, data: Mapping[str, bytes]) -> bool:
    from sealer.template import Template

    try:
        return not Template.parse(key, text).keys <= data.keys()
    except TemplateError:
        return False


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
