"""What should be, and what to do about what is: values in, a decision out.

``opened`` decrypts a SealedSecret, ``desired`` makes the Secret's manifest of it; ``plan`` compares
that with the Secret that is there. Nothing here renders a template or touches a cluster. Rules are
those of bitnami-labs/sealed-secrets ``pkg/controller/controller.go`` (unseal), with the deviations
of docs/adr/0070-0074.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from controller.sealed.desired import DEFAULT_TYPE, Manifest, Policy, RefusedError
from sealer import encoding
from sealer.sealed import (
    API_VERSION,
    KIND,
    MANAGED_ANNOTATION,
    OWNER_ANNOTATION,
    PATCH_ANNOTATION,
    SKIP_OWNER_ANNOTATION,
)


class UnmanagedError(RefusedError):
    """The Secret is somebody else's."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The SealedSecret whose Secret it is."""

    name: str
    uid: str

    def reference(self) -> dict[str, Any]:
        """The owner reference as the peer writes it."""
        return {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "name": self.name,
            "uid": self.uid,
            "controller": True,
        }


@dataclass(frozen=True, slots=True)
class Nothing:
    """All is as it should be."""


@dataclass(frozen=True, slots=True)
class Create:
    """There is no Secret: make this one."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Update:
    """Replace the Secret by this one; ``changes`` names what differs, never a value."""

    manifest: Manifest
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recreate:
    """Delete the Secret and make this one: it cannot be updated, and the admin allows it."""

    manifest: Manifest
    changes: tuple[str, ...]


Plan = Nothing | Create | Update | Recreate


def plan(
    wanted: Manifest, actual: Manifest | None, owner: Owner, policy: Policy, *, exact: bool
) -> Plan:
    """Decide what to do; raises UnmanagedError or RefusedError where nothing may be done.

    With ``exact`` (a SealedSecret that changed) the Secret becomes just what the template says,
    as the peer does it. Without (a check of what was synced) foreign labels and annotations may
    stay: other controllers put them there, and a fight over them helps nobody.
    """
    owned = _with_owner(wanted, owner)
    if actual is None:
        return Create(owned)
    metadata = actual["metadata"]
    if policy.custody.covers(actual):
        # Whatever its annotations say: they would let the author of a manifest choose the key.
        raise UnmanagedError(
            f'the Secret "{metadata["name"]}" is a sealing key, which no SealedSecret changes',
            hint="name the SealedSecret otherwise",
        )
    annotations = metadata.get("annotations") or {}
    managed = annotations.get(MANAGED_ANNOTATION) == "true"
    patch = annotations.get(PATCH_ANNOTATION) == "true"
    if not (managed or patch or is_owned(actual, owner)):
        raise UnmanagedError(
            f'Resource "{metadata["name"]}" already exists and is not managed by SealedSecret',
            hint=f'delete the Secret, or annotate it {MANAGED_ANNOTATION}: "true"',
        )
    if patch:
        target = _patched(owned, actual, keep_owner=not managed)
        changes = _changes(target, actual, exact=True)
    else:
        target = _replaced(owned, actual)
        changes = _changes(target, actual, exact=exact)
    if not changes:
        return Nothing()
    return _possible(target, actual, changes, policy)


def is_owned(actual: Manifest, owner: Owner) -> bool:
    """Whether this SealedSecret made the Secret: now, or under a UID that is gone.

    Argo CD and Flux replace objects; the new SealedSecret has the name and not the UID of the
    old, and nobody else can be meant: names are unique.
    """
    metadata = actual["metadata"]
    for reference in metadata.get("ownerReferences") or ():
        if reference.get("controller"):
            group = str(reference.get("apiVersion", "")).split("/")[0]
            kind, name = reference.get("kind"), reference.get("name")
            return (group, kind, name) == (API_VERSION.split("/")[0], KIND, owner.name)
    return (metadata.get("annotations") or {}).get(OWNER_ANNOTATION) == owner.name


def is_of_another(actual: Manifest, owner: Owner) -> bool:
    """Whether the Secret says to be made by an earlier SealedSecret of this name."""
    return any(
        (one.get("kind"), one.get("name")) == (KIND, owner.name) and one.get("uid") != owner.uid
        for one in actual["metadata"].get("ownerReferences") or ()
    )


def skips_owner(wanted: Manifest) -> bool:
    """Whether the Secret is to have no owner, and so outlives its SealedSecret."""
    annotations = wanted["metadata"].get("annotations") or {}
    return bool(annotations.get(SKIP_OWNER_ANNOTATION) == "true")


def _with_owner(wanted: Manifest, owner: Owner) -> dict[str, Any]:
    metadata = dict(wanted["metadata"])
    if skips_owner(wanted):
        annotations = dict(metadata["annotations"])
        annotations[OWNER_ANNOTATION] = owner.name
        metadata["annotations"] = annotations
        metadata.pop("ownerReferences", None)
    else:
        metadata["ownerReferences"] = [owner.reference()]
    return {**wanted, "metadata": metadata}


def _replaced(owned: Manifest, actual: Manifest) -> dict[str, Any]:
    """The Secret as the template says, on top of what only the API server knows."""
    metadata = {
        key: value
        for key, value in actual["metadata"].items()
        if key not in ("labels", "annotations", "ownerReferences", "managedFields")
    }
    metadata.update(
        (key, owned["metadata"][key])
        for key in ("labels", "annotations", "ownerReferences")
        if owned["metadata"].get(key)
    )
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": owned["type"],
        **({"immutable": True} if owned.get("immutable") or actual.get("immutable") else {}),
        "data": owned["data"],
    }


def _patched(owned: Manifest, actual: Manifest, *, keep_owner: bool) -> dict[str, Any]:
    """Laid over the Secret: keys, labels and annotations are added, none is taken away."""
    metadata = {key: value for key, value in actual["metadata"].items() if key != "managedFields"}
    for key in ("labels", "annotations"):
        overlay = {**(metadata.get(key) or {}), **(owned["metadata"].get(key) or {})}
        if key == "annotations" and keep_owner:
            overlay.pop(OWNER_ANNOTATION, None)
        if overlay:
            metadata[key] = overlay
    if not keep_owner and owned["metadata"].get("ownerReferences"):
        metadata["ownerReferences"] = owned["metadata"]["ownerReferences"]
    # The peer writes Opaque over the type where the template has none, which always fails.
    type_ = owned["type"] if owned["type"] != DEFAULT_TYPE else actual.get("type", DEFAULT_TYPE)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": type_,
        **({"immutable": True} if actual.get("immutable") else {}),
        "data": {**(actual.get("data") or {}), **owned["data"]},
    }


def _changes(target: Manifest, actual: Manifest, *, exact: bool) -> tuple[str, ...]:
    """Name what differs: ``data.password``, ``type``, ``metadata.labels``."""
    changes = [
        f"data.{key}"
        for key in sorted(target["data"].keys() | (actual.get("data") or {}).keys())
        if not _same_item(target["data"].get(key), (actual.get("data") or {}).get(key))
    ]
    if target["type"] != (actual.get("type") or DEFAULT_TYPE):
        changes.append("type")
    # Only a changed SealedSecret makes a Secret immutable; nothing can undo it.
    if exact and bool(target.get("immutable")) != bool(actual.get("immutable")):
        changes.append("immutable")
    for key in ("labels", "annotations"):
        mine = target["metadata"].get(key) or {}
        theirs = actual["metadata"].get(key) or {}
        if not exact:
            theirs = {name: value for name, value in theirs.items() if name in mine}
        if mine != theirs:
            changes.append(f"metadata.{key}")
    if not _same_owners(target, actual):
        changes.append("metadata.ownerReferences")
    return tuple(changes)


def _same_item(mine: str | None, theirs: str | None) -> bool:
    if mine == theirs:
        return True
    if mine is None or theirs is None:
        return False
    return encoding.decode(mine) == encoding.decode(theirs)


def _same_owners(target: Manifest, actual: Manifest) -> bool:
    def essence(manifest: Manifest) -> list[tuple[Any, ...]]:
        fields = ("apiVersion", "kind", "name", "uid", "controller")
        owners = manifest["metadata"].get("ownerReferences") or ()
        return [tuple(owner.get(field) for field in fields) for owner in owners]

    return essence(target) == essence(actual)


def _possible(
    target: dict[str, Any], actual: Manifest, changes: tuple[str, ...], policy: Policy
) -> Plan:
    frozen = bool(actual.get("immutable")) and any(
        change == "type" or change.startswith("data.") for change in changes
    )
    if not frozen and "type" not in changes:
        return Update(target, changes)
    if policy.recreate_immutable:
        fresh = {"labels", "annotations", "ownerReferences", "name", "namespace", "finalizers"}
        metadata = {key: value for key, value in target["metadata"].items() if key in fresh}
        return Recreate({**target, "metadata": metadata}, changes)
    hint = "delete the Secret, and it is made anew; or let --recreate-immutable do it"
    if frozen:
        raise RefusedError("the target Secret is immutable", hint=hint)
    was = actual.get("type") or DEFAULT_TYPE
    raise RefusedError(
        f"the type of a Secret cannot be changed, and it is {was}, not {target['type']}", hint=hint
    )
