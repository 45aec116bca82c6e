"""PURE: what a Flux object says that it applied: an object's labels are its author's word alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from controller.notify.batch import Batch
from controller.notify.notice import Notice

_GROUPS = {"SealedSecret": "bitnami.com"}
_KEY_VAULT = "keyvault.sealer.dev"


# Set when the revision that was tried could not be built: nothing of it is in the cluster.
_NOTHING_APPLIED = frozenset({"BuildFailed", "ArtifactFailed"})


@dataclass(frozen=True, slots=True)
class Applied:
    """The revision, and the objects and namespaces of others that it is over."""

    revision: str = ""
    inventory: frozenset[str] = frozenset()
    """``namespace_name_group_kind``, as kustomize-controller writes them."""
    namespaces: frozenset[str] = frozenset()

    @classmethod
    def read(cls, owner: Mapping[str, Any]) -> Applied:
        """Read a Kustomization or HelmRelease."""
        status, spec = owner.get("status") or {}, owner.get("spec") or {}
        entries = (status.get("inventory") or {}).get("entries") or ()
        # A Kustomization's target namespace is not its alone, and it has an inventory.
        target = spec.get("targetNamespace") if owner.get("kind") == "HelmRelease" else None
        return cls(
            revision=_revision(status),
            inventory=frozenset(str(entry.get("id")) for entry in entries),
            namespaces=frozenset([str(target)] if target else ()),
        )

    def has(self, notice: Notice) -> bool:
        """Whether it applied the object, or may be taken to have."""
        group = _GROUPS.get(notice.kind, _KEY_VAULT)
        identifier = f"{notice.namespace}_{notice.name}_{group}_{notice.kind}"
        return notice.namespace in self.namespaces or identifier in self.inventory


def _revision(status: Mapping[str, Any]) -> str:
    """The revision that the objects in the cluster are of.

    kustomize-controller notes ``lastAttemptedRevision`` before it applies, and
    ``lastAppliedRevision`` only once all is healthy (its ``kustomization_controller.go``): what
    breaks a SealedSecret is the first, and with ``wait: true`` never becomes the second.
    """
    attempted, applied = (
        str(status.get(field) or "") for field in ("lastAttemptedRevision", "lastAppliedRevision")
    )
    conditions = status.get("conditions") or ()
    unbuilt = any(
        one.get("type") == "Ready" and one.get("reason") in _NOTHING_APPLIED for one in conditions
    )
    return applied if unbuilt else attempted or applied


def believed(batch: Batch, applied: Applied, *, only: bool = False) -> Batch:
    """The batch, with its owner where that may speak of it: nobody else's alerts are to be forged.

    An owner of the same namespace may, and one that applied the objects. ``only`` keeps the notices
    of which the owner may speak, and the owner; without it one that is doubtful takes the owner
    off all: they come from one namespace.
    """
    owner = batch.owner
    if owner is None or owner.namespace == batch.namespace:
        return batch
    true = tuple(notice for notice in batch.notices if applied.has(notice))
    if len(true) == len(batch.notices):
        return batch
    if only and true:
        return replace(batch, notices=true, more=0)
    return replace(batch, owner=None)
