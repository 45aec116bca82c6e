"""The Secret that a SealedSecret asks for, or why it may not have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealer.errors import SealerError
from sealer.keys.custody import Custody
from sealer.keys.ring import KeyRing
from sealer.sealed import RENDERED_ANNOTATION, SealedSecret
from sealer.secret import TOKEN_TYPES
from sealer.templating import Made, has_templates
from sealer.unsealing import Opened, open_sealed, secret_of

DEFAULT_TYPE = "Opaque"
Manifest = Mapping[str, Any]


MAX_ITEMS = 2000
"""Each costs an RSA operation; etcd holds no more of what a key of 4096 bits has sealed."""
PATIENCE = 8
"""Items that fail before the rest is not tried: each costs an RSA operation for every key."""


class RefusedError(SealerError):
    """A Secret that must not be made or changed as asked; only a changed manifest cures it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the admin allows."""

    custody: Custody
    """Where sealing keys are: no SealedSecret makes or changes one."""
    accept_deprecated_data: bool = True
    allow_token_types: bool = False
    recreate_immutable: bool = False


@dataclass(frozen=True, slots=True)
class Desired:
    """What a SealedSecret asks for."""

    manifest: Manifest
    """The Secret, without owner."""
    unstable: frozenset[str] = frozenset()
    """Keys whose template gives another value each time it is rendered."""
    key: str = ""
    """Fingerprint of the sealing key that opened it."""


def opened(sealed: SealedSecret, ring: KeyRing, policy: Policy, *, prefer: str = "") -> Opened:
    """Decrypt what a SealedSecret holds; the tree's errors tell why nothing opens.

    ``prefer`` is the fingerprint of the key to try first.
    """
    if sealed.legacy_data and not sealed.encrypted_data and not policy.accept_deprecated_data:
        raise RefusedError("the deprecated field spec.data is switched off", hint="seal it anew")
    if len(sealed.encrypted_data) > MAX_ITEMS:
        raise RefusedError(
            f"a SealedSecret of more than {MAX_ITEMS} items is not opened", hint="make it several"
        )
    return open_sealed(sealed, ring, prefer=prefer, patience=PATIENCE)


def needs_rendering(sealed: SealedSecret, opened: Opened) -> bool:
    """Whether templates are to be rendered before ``desired`` can tell."""
    return opened.whole is None and has_templates(sealed.template.data)


def desired(sealed: SealedSecret, opened: Opened, made: Made, policy: Policy) -> Desired:
    """Return what should be, of the values and what templates made of them."""
    secret = opened.whole or secret_of(sealed, opened.values, made.data)
    manifest = _plain(secret.to_dict())
    # An absent type and Opaque are the same to the API server; saying it spares comparing.
    manifest.setdefault("type", DEFAULT_TYPE)
    refuse(manifest, policy)
    unstable = made.unstable - sealed.encrypted_data.keys()
    return Desired(manifest, unstable, opened.pair.fingerprint if opened.pair else "")


def settle(wanted: Desired, actual: Manifest | None, generation: str) -> Manifest:
    """Return the Secret with what was rendered once for this generation and is not to change.

    ``generation`` is the SealedSecret's UID and generation; the Secret carries the one that its
    unstable values were rendered for. They stand until the SealedSecret changes or the Secret is
    gone (bitnami/sealed-secrets issue 1343).
    """
    if not wanted.unstable:
        return wanted.manifest
    metadata = wanted.manifest["metadata"]
    annotations = {**(metadata.get("annotations") or {}), RENDERED_ANNOTATION: generation}
    manifest = {**wanted.manifest, "metadata": {**metadata, "annotations": annotations}}
    was = ((actual or {}).get("metadata", {}).get("annotations") or {}).get(RENDERED_ANNOTATION)
    if actual is None or was != generation:
        return manifest
    there = actual.get("data") or {}
    kept = {key: there[key] for key in wanted.unstable if key in there}
    return {**manifest, "data": {**manifest["data"], **kept}}


def refuse(manifest: Manifest, policy: Policy) -> None:
    """Raise RefusedError for Secrets that would hand out rights their author may not have."""
    if manifest["type"] in TOKEN_TYPES and not policy.allow_token_types:
        # Kubernetes fills or honours such Secrets: whoever may write a SealedSecret in a
        # namespace would get the token of any service account in it (as in CVE-2026-42876).
        raise RefusedError(
            f"Secrets of type {manifest['type']} are refused",
            hint="an admin can allow them with --allow-service-account-tokens",
        )
    if policy.custody.covers(manifest):
        # It would become a sealing key, with a private half that its author knows.
        raise RefusedError(
            "a SealedSecret cannot make a sealing key, nor take its label or a name like one",
            hint="name it otherwise; restore keys with seal keys restore",
        )


def _plain(manifest: dict[str, Any]) -> dict[str, Any]:
    """The Secret with the metadata that a template may give: labels and annotations.

    A finalizer that nobody takes off would keep the Secret and its namespace for ever.
    """
    kept = ("name", "namespace", "labels", "annotations")
    metadata = {key: value for key, value in manifest["metadata"].items() if key in kept}
    return {**manifest, "metadata": metadata}
