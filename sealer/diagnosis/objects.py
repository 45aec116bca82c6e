"""What a cluster says of one SealedSecret or KeyVaultSecret. PURE: manifests in, words out.

The rules are kstatus's: a generation that nobody has looked at is work to do, ``Stalled`` is for
a person, and everything else that is not ready is tried again. Bitnami's controller writes
``Synced`` alone, and tries again a few times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sealer.changes.noted import by_key
from sealer.diagnosis.cures import UNSEEN, cure_of
from sealer.sealed import FINGERPRINT_ANNOTATION

READY, FAILED, RETRIED, WAITING = "ready", "failed", "retried", "waiting"


@dataclass(frozen=True, slots=True)
class Ref:
    """Which object is meant."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Said:
    """One Event on the object."""

    at: str
    """RFC 3339."""
    type: str
    reason: str
    message: str
    count: int


@dataclass(frozen=True, slots=True)
class ObjectStatus:
    """An object's state in words."""

    ref: Ref
    state: str
    """``ready``, ``failed`` (a person must act), ``retried``, or ``waiting`` for a controller."""
    reason: str
    message: str
    since: str
    """RFC 3339, when it came into this state; empty where nobody said."""
    cure: str
    sealed_for: tuple[str, ...] = ()
    """Fingerprints of the certificates that it was sealed with, where its annotation tells."""
    conditions: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> ObjectStatus:
        """Read a manifest as the API server has it."""
        metadata = _mapping(manifest.get("metadata"))
        status = _mapping(manifest.get("status"))
        kind = str(manifest.get("kind") or "")
        ref = Ref(kind, str(metadata.get("namespace") or ""), str(metadata.get("name") or ""))
        conditions = tuple(one for one in status.get("conditions") or () if isinstance(one, dict))
        state, shown = _state(metadata, status, conditions)
        reason = str(shown.get("reason") or "")
        return cls(
            ref=ref,
            state=state,
            reason=reason,
            message=str(shown.get("message") or ""),
            since=str(shown.get("lastTransitionTime") or ""),
            cure=_cure(kind, state, reason),
            sealed_for=_sealed_for(manifest),
            conditions=conditions,
        )

    def to_dict(self, events: Iterable[Said] = ()) -> dict[str, Any]:
        """Return it for ``--format json``."""
        return {
            "kind": self.ref.kind,
            "namespace": self.ref.namespace,
            "name": self.ref.name,
            "state": self.state,
            "reason": self.reason,
            "message": self.message,
            "since": self.since,
            "cure": self.cure,
            "sealedFor": list(self.sealed_for),
            "events": [
                {"at": one.at, "type": one.type, "reason": one.reason, "message": one.message}
                for one in events
            ],
        }


def said(events: Sequence[Mapping[str, Any]]) -> list[Said]:
    """The Events of an object as values, oldest first."""
    found = [
        Said(
            at=str(one.get("lastTimestamp") or one.get("eventTime") or ""),
            type=str(one.get("type") or ""),
            reason=str(one.get("reason") or ""),
            message=str(one.get("message") or ""),
            count=int(one.get("count") or 1),
        )
        for one in events
    ]
    return sorted(found, key=lambda one: one.at)


def about_key(status: ObjectStatus, current: str) -> tuple[str, str]:
    """What is to say of the sealing key, and its cure; ``current`` is the cluster's fingerprint.

    Both are empty where the object does not tell what sealed it.
    """
    if not status.sealed_for or not current:
        return "", ""
    if set(status.sealed_for) == {current}:
        return f"sealed for {current[:16]}, the cluster's certificate", ""
    others = ", ".join(one[:16] for one in status.sealed_for if one != current)
    says = f"sealed for {others}; the cluster seals with {current[:16]} now"
    if status.state == READY:
        return says, "seal reencrypt FILE, before that key is retired"
    return says, "is this file of another cluster? Else restore that key (seal keys restore)"


def _state(
    metadata: Mapping[str, Any],
    status: Mapping[str, Any],
    conditions: Sequence[Mapping[str, Any]],
) -> tuple[str, Mapping[str, Any]]:
    by_type = {one.get("type"): one for one in conditions}
    main = by_type.get("Ready") or by_type.get("Synced") or {}
    if not main or _older(status, metadata):
        return WAITING, main
    if main.get("status") == "True":
        return READY, main
    stalled = by_type.get("Stalled") or {}
    # Without our conditions it is Bitnami's controller, which gives up after a few tries.
    if stalled.get("status") == "True" or "Ready" not in by_type:
        return FAILED, main
    return RETRIED, main


def _older(status: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    """Whether the status is of a generation before; -1 is what a controller never set."""
    seen, now = status.get("observedGeneration"), metadata.get("generation")
    return isinstance(seen, int) and isinstance(now, int) and 0 <= seen < now


def _cure(kind: str, state: str, reason: str) -> str:
    if state == READY:
        return ""
    return UNSEEN if state == WAITING else cure_of(kind, reason)


def _sealed_for(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    noted = _mapping(_mapping(manifest.get("metadata")).get("annotations"))
    text = noted.get(FINGERPRINT_ANNOTATION)
    keys = _mapping(_mapping(manifest.get("spec")).get("encryptedData"))
    if not isinstance(text, str) or not text:
        return ()
    return tuple(sorted(set(by_key(text, keys).values())))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
