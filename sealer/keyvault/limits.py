"""How long the fields of our kinds may be; the CRDs say the same, and a test compares the two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sealer.errors import ManifestError
from sealer.fields import Path
from sealer.keyvault.vaults import CLUSTER_KEY_VAULT, KEY_VAULT

Limit = tuple[int, int | None]
"""The least and the greatest length of a text, list or mapping."""

_NAME, _ID, _SPACE = (1, 253), (0, 64), (1, 63)
_AUTH: dict[str, Limit] = {
    "workloadIdentity.serviceAccountName": _NAME,
    "workloadIdentity.clientId": _ID,
    "workloadIdentity.tenantId": _ID,
    "servicePrincipal.tenantId": _ID,
    "servicePrincipal.clientId": (1, 64),
    **{
        f"servicePrincipal.{ref}.{name}": _NAME
        for ref in ("secretRef", "certificateRef")
        for name in ("name", "key")
    },
}
_WIDE: dict[str, Limit] = {
    **_AUTH,
    "managedIdentity.clientId": _ID,
    "workloadIdentity.namespace": _SPACE,
    "servicePrincipal.secretRef.namespace": _SPACE,
    "servicePrincipal.certificateRef.namespace": _SPACE,
}
LIMITS: Mapping[str, Mapping[str, Limit]] = {
    KEY_VAULT: {"url": (0, 512), **{f"auth.{path}": limit for path, limit in _AUTH.items()}},
    CLUSTER_KEY_VAULT: {
        "url": (0, 512),
        **{f"auth.{path}": limit for path, limit in _WIDE.items()},
        "allow": (0, 256),
        "allow[].namespaces": (1, None),
        "allow[].namespaces[]": _SPACE,
        "allow[].objects": (1, None),
        "allow[].objects[]": _NAME,
    },
    "KeyVaultSecret": {
        "vaultRef.name": _NAME,
        "data": (1, 256),
        "data[].key": _NAME,
        "data[].from.secret": (1, 127),
        "data[].from.certificate": (1, 127),
        "data[].from.key": (1, 127),
        "data[].from.property": (1, 1024),
        "data[].tls.certificate": (1, 127),
        "data[].expand.secret": (1, 127),
        "data[].find.name": _NAME,
        "data[].find.regex": (1, 1024),
        "data[].find.tags": (0, 15),
        "data[].find.rename": (0, 16),
        "data[].find.rename[].regex": (1, 1024),
        "data[].find.rename[].to": (0, 1024),
        "target.name": _NAME,
        "target.type": (0, 253),
        "template.type": (0, 253),
        "template.omit": (0, 256),
        "template.omit[]": _NAME,
    },
}


def outside(kind: str, spec: Any) -> Iterator[ManifestError]:
    """Yield what of ``spec`` an API server refuses for its length, or for being no text."""
    yield from _outside(spec, LIMITS.get(kind, {}), "", ("spec",))


def _outside(
    value: Any, limits: Mapping[str, Limit], place: str, path: Path
) -> Iterator[ManifestError]:
    least, most = limits.get(place, (0, None))
    if isinstance(value, (str, list, dict)) and len(value) < least:
        yield ManifestError("is empty", path=path)
    elif isinstance(value, (str, list, dict)) and most is not None and len(value) > most:
        what = "characters" if isinstance(value, str) else "entries"
        yield ManifestError(f"has {len(value)} {what}; {most} at most", path=path)
    if isinstance(value, dict):
        for key, item in value.items():
            below = f"{place}.{key}".lstrip(".")
            if place.endswith(".matchLabels") and not isinstance(item, str):
                yield ManifestError("must be text", path=(*path, key), hint="quote it")
            yield from _outside(item, limits, below, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _outside(item, limits, f"{place}[]", (*path, index))
