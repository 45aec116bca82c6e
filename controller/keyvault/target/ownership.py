"""PURE: which fields of a Secret are ours, whether we may write it, and what is written.

Server-side apply under a field manager for each KeyVaultSecret: the API server itself remembers,
field by field, what is whose. So stale keys of ours go, everybody else's keys, labels and
annotations stay, and several KeyVaultSecrets may fill one Secret.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controller.keyvault.target.templates import Rendered, stamp_key
from controller.reasons import Reason
from sealer import encoding
from sealer.errors import SealerError
from sealer.keyvault.references import TlsEntry
from sealer.keyvault.resource import KIND, KeyVaultSecret
from sealer.keyvault.vaults import API_VERSION, GROUP

MANAGER = "sealer-keyvault."
"""How our field managers begin; the KeyVaultSecret's name follows."""
_LONGEST_NAME = 128 - len(MANAGER)
"""A field manager has 128 characters at most."""
MADE_BY = f"{GROUP}/made-by"
"""On a Secret without an owner reference (Orphan): the KeyVaultSecret that fills it."""
ADOPT = f"{GROUP}/adopt"
"""On a Secret of others, "true": a KeyVaultSecret may take it over. Whoever may write a
KeyVaultSecret does not thereby have a say in the Secrets that others made."""
TLS_TYPE = "kubernetes.io/tls"
OPAQUE = "Opaque"
Manifest = dict[str, Any]


class TargetError(SealerError):
    """The target may not be written as asked; ``reason`` is the condition's."""

    def __init__(self, message: str, *, reason: Reason, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Ours:
    """The fields of a Secret that a KeyVaultSecret's field manager owns."""

    data: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    annotations: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    """Of owner references, each field by its path."""


def alias(name: str) -> str:
    """A KeyVaultSecret's name as its field manager has it: one that is too long is cut."""
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 17]}.{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def manager(name: str) -> str:
    """The field manager of a KeyVaultSecret."""
    return MANAGER + alias(name)


def ours(secret: Mapping[str, Any] | None, name: str) -> Ours:
    """Read ``managedFields`` of the KeyVaultSecret ``name``; also of a PartialObjectMetadata."""
    found = Ours()
    for who, fields in _fields(secret):
        if who != manager(name):
            continue
        metadata = fields.get("f:metadata") or {}
        found = Ours(
            found.data | _names(fields.get("f:data")),
            found.labels | _names(metadata.get("f:labels")),
            found.annotations | _names(metadata.get("f:annotations")),
            found.owners | set(_paths(metadata.get("f:ownerReferences"))),
        )
    return found


def mergers(secret: Mapping[str, Any] | None) -> set[str]:
    """Return the aliases of those that merged fields into it; a maker applied its type, too."""
    makers = {who for who, fields in _fields(secret) if "f:type" in fields}
    ours = {who for who, _ in _fields(secret) if who.startswith(MANAGER)}
    return {who.removeprefix(MANAGER) for who in ours - makers}


def _fields(secret: Mapping[str, Any] | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each field manager with its fields."""
    for entry in ((secret or {}).get("metadata") or {}).get("managedFields") or ():
        yield str(entry.get("manager")), entry.get("fieldsV1") or {}


def _names(fields: Mapping[str, Any] | None) -> set[str]:
    return {key[2:] for key in fields or {} if key.startswith("f:")}


def _paths(fields: Mapping[str, Any] | None) -> Iterator[str]:
    for key, below in (fields or {}).items():
        yield key
        yield from (f"{key}/{path}" for path in _paths(below))


def our_data(secret: Mapping[str, Any] | None, name: str) -> dict[str, bytes]:
    """Our keys of the Secret with their values."""
    owned = ours(secret, name).data
    data = (secret or {}).get("data") or {}
    return {key: encoding.decode(item) for key, item in data.items() if key in owned}


def check(secret: KeyVaultSecret, live: Mapping[str, Any] | None) -> None:
    """Raise TargetError where the Secret that is there must be left alone."""
    name, creation = secret.target.name, secret.target.creation
    if live is None:
        if creation == "Merge":
            raise TargetError(
                f"there is no Secret {name} to merge into",
                reason=Reason.TARGET_NOT_FOUND,
                hint="make it, or let this make it: target.creation: Owner",
            )
        return
    if creation == "Merge":
        return
    metadata = live["metadata"]
    owner, maker = _controller(metadata), (metadata.get("annotations") or {}).get(MADE_BY)
    if owner is not None and owner[:2] == (KIND, secret.name):
        return
    if owner is None and maker in (None, secret.name):
        # Marks may be lost to a backup tool; what we applied, the API server remembers.
        known = secret.status.get("target") == name and ours(live, secret.name) != Ours()
        if known or maker or (secret.target.adopt == "IfUnowned" and _may_be_adopted(live)):
            return
    filler = owner[1] if owner is not None and owner[0] == KIND else maker
    raise TargetError(
        f"the Secret {name} is made by KeyVaultSecret {filler}"
        if filler
        else f"there is a Secret {name}, and it is not ours",
        reason=Reason.TARGET_NOT_OWNED,
        hint="add to it: target.creation: Merge; or name another target"
        if filler
        else _how_to_adopt(secret, owned=owner is not None),
    )


def _may_be_adopted(live: Mapping[str, Any]) -> bool:
    return (live["metadata"].get("annotations") or {}).get(ADOPT) == "true"


def _how_to_adopt(secret: KeyVaultSecret, *, owned: bool) -> str:
    if owned:
        return "delete it, or name another target"
    said = "" if secret.target.adopt == "IfUnowned" else "say target.adopt: IfUnowned and "
    return f'to take it over, {said}annotate it {ADOPT}: "true"; or name another target'


def check_keys(secret: KeyVaultSecret, live: Mapping[str, Any] | None, applied: Manifest) -> None:
    """Raise TargetError for what another KeyVaultSecret filled before: who comes later yields."""
    mine = manager(secret.name)
    wanted = Ours(
        frozenset(applied.get("data") or {}),
        frozenset(applied["metadata"].get("labels") or {}),
        frozenset(applied["metadata"].get("annotations") or {}),
    )
    for who, _ in _fields(live):
        if not who.startswith(MANAGER) or who == mine:
            continue
        other = who.removeprefix(MANAGER)
        theirs, held = ours(live, other), ours(live, secret.name)
        pairs = (
            ("key", wanted.data & theirs.data - held.data),
            ("label", wanted.labels & theirs.labels - held.labels),
            ("annotation", wanted.annotations & theirs.annotations - held.annotations),
        )
        for what, names in pairs:
            if names:
                raise TargetError(
                    f"the {what} {', '.join(sorted(names))} of the Secret {secret.target.name} "
                    f"is filled by KeyVaultSecret {other}",
                    reason=Reason.KEY_CONFLICT,
                    hint="rename one of them",
                )
    if secret.target.creation == "Merge" and live is not None:
        _check_foreign_keys(secret, live, wanted)


def _check_foreign_keys(secret: KeyVaultSecret, live: Mapping[str, Any], wanted: Ours) -> None:
    """Raise TargetError for keys that the Secret has from others: a Merge adds, and no more."""
    foreign = wanted.data & (live.get("data") or {}).keys() - ours(live, secret.name).data
    if foreign and not _may_be_adopted(live):
        raise TargetError(
            f"the Secret {secret.target.name} has the key {', '.join(sorted(foreign))} already, "
            "and it is not ours",
            reason=Reason.KEY_CONFLICT,
            hint=f'rename it, remove it there, or annotate the Secret {ADOPT}: "true"',
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
    elif not merge:
        annotations[MADE_BY] = secret.name
    if rendered.stamp:
        annotations[stamp_key(secret)] = rendered.stamp
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
            reason=Reason.TARGET_TYPE_REFUSED,
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
    owned, mine = ours(live, secret.name).data, manager(secret.name)
    foreign = {key: item for key, item in there.items() if key not in owned}
    set_by_us = any("f:immutable" in fields for who, fields in _fields(live) if who == mine)
    if {**foreign, **data} == there and applied.get("immutable", not set_by_us):
        return
    merge = secret.target.creation == "Merge"
    again = "delete it: it is made again at once with what the vault holds"
    raise TargetError(
        f"the Secret {secret.target.name} is immutable, and would have to change",
        reason=Reason.TARGET_IMMUTABLE,
        hint="name another target, it is not ours to make again" if merge else again,
    )


def removal(live: Mapping[str, Any], keep: Mapping[str, Any], name: str) -> Manifest | None:
    """A merge patch that takes out exactly what is ours and not in ``keep`` any more.

    Needed where an apply would empty a whole map: the API server then drops the map with the
    entries in it that no manager owns (structured-merge-diff ``Updater.prune``).
    """
    owned = ours(live, name)
    metadata, kept = live["metadata"], keep.get("metadata") or {}
    patch: Manifest = {}
    gone = dict.fromkeys(owned.data & (live.get("data") or {}).keys())
    if gone and not keep.get("data"):
        patch["data"] = gone
    for kind, names in (("labels", owned.labels), ("annotations", owned.annotations)):
        present = names & (metadata.get(kind) or {}).keys()
        if present and not kept.get(kind):
            patch.setdefault("metadata", {})[kind] = dict.fromkeys(present)
    if not patch:
        return None
    patch.setdefault("metadata", {})["resourceVersion"] = metadata["resourceVersion"]
    return patch
