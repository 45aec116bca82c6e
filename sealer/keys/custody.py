"""PURE: which Secrets are sealing keys, and which of those a manifest has filled.

Whoever may write a SealedSecret or a KeyVaultSecret knows, or chooses, what is in its Secret. So
none of the two may touch a Secret that is a sealing key, or would be taken for one; and a key that
one of them filled is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealer.keys.record import RECORD_NAME
from sealer.sealed import (
    API_VERSION,
    MANAGED_ANNOTATION,
    OWNER_ANNOTATION,
    PATCH_ANNOTATION,
    RENDERED_ANNOTATION,
)

KEY_LABEL = "sealedsecrets.bitnami.com/sealed-secrets-key"
"""The label of Secrets that hold a sealing key; ACTIVE is its value while others may seal to it."""
ACTIVE = "active"

# The group of the Key Vault half's kinds. Who runs without it does not load it.
_KEY_VAULT = "keyvault.sealer.dev"
_FILLER = "sealer-keyvault."
"""How the field managers of KeyVaultSecrets begin."""
_OWNERS = frozenset({API_VERSION.split("/")[0], _KEY_VAULT})
_WRITTEN = frozenset({OWNER_ANNOTATION, RENDERED_ANNOTATION})
_INVITES = frozenset({MANAGED_ANNOTATION, PATCH_ANNOTATION})


@dataclass(frozen=True, slots=True)
class Custody:
    """Where a controller keeps its sealing keys."""

    namespace: str = ""
    prefix: str = "sealed-secrets-key"
    """How the names of its key Secrets begin; keys made before 0.9 are called so, unlabelled."""

    def covers(self, secret: Mapping[str, Any]) -> bool:
        """Whether it is a sealing key, of any controller, or has the name of one of ours.

        What a controller remembers of its keys is kept as they are.

        The label counts whatever its value is: a retired key can be put back. The name counts
        whatever the type is. Also of a manifest that is only to be made.
        """
        metadata = secret["metadata"]
        if KEY_LABEL in (metadata.get("labels") or {}):
            return True
        is_here = metadata.get("namespace") == self.namespace
        return is_here and str(metadata.get("name") or "").startswith((self.prefix, RECORD_NAME))


def filled_by_manifest(secret: Mapping[str, Any]) -> bool:
    """Whether a SealedSecret or KeyVaultSecret made or changed it, or is invited to.

    Other owners are other tools: who may bring sealing keys with those is for the admin to say.
    """
    metadata = secret["metadata"]
    owners = metadata.get("ownerReferences") or ()
    if any(str(one.get("apiVersion", "")).split("/")[0] in _OWNERS for one in owners):
        return True
    fields = metadata.get("managedFields") or ()
    if any(str(one.get("manager", "")).startswith(_FILLER) for one in fields):
        return True
    notes = metadata.get("annotations") or {}
    return any(
        name in _WRITTEN
        or name.startswith(f"{_KEY_VAULT}/")
        or (name in _INVITES and value == "true")
        for name, value in notes.items()
    )
