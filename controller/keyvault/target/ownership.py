"""PURE: which fields of a Secret are ours, whether we may write it, and what is written.

Server-side apply under one field manager: the API server itself remembers, field by field, what
is ours. So stale keys of ours go, and everybody else's keys, labels and annotations stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.keyvault.target.templates import RENDERED_FOR, Rendered
from sealer import encoding
from sealer.errors import SealerError
from sealer.keyvault.references import TlsEntry
from sealer.keyvault.resource import KIND, KeyVaultSecret
from sealer.keyvault.vaults import API_VERSION, GROUP

MANAGER = "sealer-keyvault"
MADE_BY = f"{GROUP}/made-by"
"""On a Secret without an owner reference (Orphan): the KeyVaultSecret that fills it."""
MERGED_BY = f"{GROUP}/merged-by"
"""On a foreign Secret (Merge): the KeyVaultSecret whose keys are in it."""
TLS_TYPE = "kubernetes.io/tls"
OPAQUE = "Opaque"
Manifest = dict[str, Any]


class TargetError(SealerError):
    """The target may not be written as asked; ``reason`` is the condition's."""

    def __init__(self, message: str, *, reason: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Ours:
    """The fields of a Secret that our field manager owns."""

    data: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    annotations: frozenset[str] = frozenset()


def ours(secret: Mapping[str, Any] | None) -> Ours:
    """Read ``managedFields``; also of a PartialObjectMetadata."""
    data: set[str] = set()
    labels: set[str] = set()
    annotations: set[str] = set()
    for entry in ((secret or {}).get("metadata") or {}).get("managedFields") or ():
        if entry.get("manager") != MANAGER:
            continue
        fields = entry.get("fieldsV1") or {}
        metadata = fields.get("f:metadata") or {}
        data |= _names(fields.get("f:data"))
        labels |= _names(metadata.get("f:labels"))
        annotations |= _names(metadata.get("f:annotations"))
    return Ours(frozenset(data), frozenset(labels), frozenset(annotations))


def _names(fields: Mapping[str, Any] | None) -> set[str]:
    return {key[2:] for key in fields or {} if key.startswith("f:")}


def our_data(secret: Mapping[str, Any] | None) -> dict[str, bytes]:
    """Our keys of the Secret with their values."""
    owned = ours(secret).data
    data = (secret or {}).get("data") or {}
    return {key: encoding.decode(item) for key, item in data.items() if key in owned}


def check(secret: KeyVaultSecret, live: Mapping[str, Any] | None) -> None:
    """Raise TargetError where the Secret that is there must be left alone."""
    name, creation = secret.target.name, secret.target.creation
    if live is None:
        if creation == "Merge":
            raise TargetError(
                f"there is no Secret {name} to merge into",
                reason="TargetNotFound",
                hint="make it, or let this make it: target.creation: Owner",
            )
        return
    metadata = live["metadata"]
    annotations = metadata.get("annotations") or {}
    owner = _controller(metadata)
    mine = owner is not None and owner[:2] == (KIND, secret.name)
    other = annotations.get(MERGED_BY) or annotations.get(MADE_BY)
    if other not in (None, secret.name) and ours(live).data:
        raise _filled(name, f"KeyVaultSecret {other}")
    if creation == "Merge":
        # All of us write under one field manager: an apply takes out what another's put there.
        if owner is not None and owner[0] == KIND and not mine:
            raise _filled(name, f"KeyVaultSecret {owner[1]}")
        before = secret.status.get("target") == name
        if ours(live).data and not (mine or before or other == secret.name):
            raise _filled(name, "a KeyVaultSecret that it does not name")
        return
    if mine or annotations.get(MADE_BY) == secret.name:
        return
    if secret.target.adopt == "IfUnowned" and owner is None:
        return
    raise TargetError(
        f"there is a Secret {name}, and it is not ours",
        reason="TargetNotOwned",
        hint="delete it, name another target, or say target.adopt: IfUnowned",
    )


def _filled(name: str, by: str) -> TargetError:
    return TargetError(
        f"the Secret {name} is filled by {by} already",
        reason="TargetNotOwned",
        hint="one KeyVaultSecret for each Secret: join the two, or name another target",
    )


def is_owned_by(live: Mapping[str, Any], secret: KeyVaultSecret) -> bool:
    """Whether this very KeyVaultSecret made the Secret, to go with it (Owner)."""
    return _controller(live["metadata"]) == (KIND, secret.name, secret.uid)


def _controller(metadata: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Kind, name and uid of the controlling owner; one with a dead uid and our name is ours."""
    for one in metadata.get("ownerReferences") or ():
        if one.get("controller"):
            group = str(one.get("apiVersion", "")).split("/")[0]
            kind = str(one.get("kind")) if group == GROUP else f"{group}/{one.get('kind')}"
            return kind, str(one.get("name")), str(one.get("uid"))
    return None


def manifest(
    secret: KeyVaultSecret, rendered: Rendered, live: Mapping[str, Any] | None
) -> Manifest:
    """The Secret as it is applied: only what is ours to say. Raises TargetError on its type."""
    merge = secret.target.creation == "Merge"
    template = secret.template.metadata
    labels = {**(template.get("labels") or {}), **secret.target.labels}
    annotations = {**(template.get("annotations") or {}), **secret.target.annotations}
    metadata: Manifest = {"name": secret.target.name, "namespace": secret.namespace}
    if secret.target.creation == "Owner":
        metadata["ownerReferences"] = [_reference(secret)]
    else:
        annotations[MERGED_BY if merge else MADE_BY] = secret.name
    if rendered.stamp:
        annotations[RENDERED_FOR] = rendered.stamp
    if labels:
        metadata["labels"] = labels
    if annotations:
        metadata["annotations"] = annotations
    applied: Manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    if not merge:
        applied["type"] = _type(secret, live)
        immutable = secret.target.immutable
        immutable = secret.template.immutable if immutable is None else immutable
        if immutable is not None:
            applied["immutable"] = immutable
    data = sorted(rendered.data.items())
    if data:
        applied["data"] = {key: encoding.encode(value) for key, value in data}
    return applied


def _type(secret: KeyVaultSecret, live: Mapping[str, Any] | None) -> str:
    wanted = secret.target.type or secret.template.type or ""
    if not wanted:
        tls = any(isinstance(entry, TlsEntry) for entry in secret.entries)
        wanted = TLS_TYPE if tls else OPAQUE
    there = (live or {}).get("type") or wanted
    if there != wanted:
        raise TargetError(
            f"the Secret {secret.target.name} has the type {there}, and a type cannot be changed",
            reason="TargetTypeRefused",
            hint=f"delete the Secret, or say target.type: {there}",
        )
    return wanted


def _reference(secret: KeyVaultSecret) -> Manifest:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": secret.name,
        "uid": secret.uid,
        "controller": True,
    }


def check_immutable(
    secret: KeyVaultSecret, live: Mapping[str, Any] | None, applied: Mapping[str, Any]
) -> None:
    """Raise TargetError where the Secret can never become what is applied."""
    if live is None or live.get("immutable") is not True:
        return
    there, data = live.get("data") or {}, applied.get("data") or {}
    foreign = {key: item for key, item in there.items() if key not in ours(live).data}
    fields = [
        one for one in live["metadata"].get("managedFields") or () if one["manager"] == MANAGER
    ]
    set_by_us = any("f:immutable" in (one.get("fieldsV1") or {}) for one in fields)
    if {**foreign, **data} == there and applied.get("immutable", not set_by_us):
        return
    merge = secret.target.creation == "Merge"
    again = "delete it: it is made again at once with what the vault holds"
    raise TargetError(
        f"the Secret {secret.target.name} is immutable, and would have to change",
        reason="TargetImmutable",
        hint="name another target, it is not ours to make again" if merge else again,
    )


def removal(live: Mapping[str, Any], keep: Mapping[str, Any]) -> Manifest | None:
    """A merge patch that takes out exactly what is ours and not in ``keep`` any more.

    Needed where an apply would empty a whole map: the API server then drops the map with the
    entries in it that no manager owns (structured-merge-diff ``Updater.prune``).
    """
    owned = ours(live)
    metadata, kept = live["metadata"], keep.get("metadata") or {}
    patch: Manifest = {}
    gone = dict.fromkeys(owned.data & (live.get("data") or {}).keys())
    if gone and not keep.get("data"):
        patch["data"] = gone
    for name, names in (("labels", owned.labels), ("annotations", owned.annotations)):
        present = names & (metadata.get(name) or {}).keys()
        if present and not kept.get(name):
            patch.setdefault("metadata", {})[name] = dict.fromkeys(present)
    if not patch:
        return None
    patch.setdefault("metadata", {})["resourceVersion"] = metadata["resourceVersion"]
    return patch
