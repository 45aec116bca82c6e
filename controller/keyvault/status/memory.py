"""What is remembered of a KeyVaultSecret between two runs; all of it can be lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from controller.api.cluster import Manifest
from controller.conditions import condition_of
from controller.drift.repairs import Repairs
from controller.keyvault.lines import Line, Lines, Stamps, Status, read_objects
from controller.keyvault.target import ownership
from controller.keyvault.target.desired import WAITING, Before, ObjectState
from sealer.keyvault.resource import SYNC_NOW, KeyVaultSecret
from sealer.keyvault.vaults import VaultResource

Key = tuple[str, str]
"""Namespace and name."""


@dataclass(slots=True)
class Record:
    """What is remembered of a KeyVaultSecret between two runs."""

    body: Manifest
    status: Mapping[str, Any] = field(default_factory=dict)
    secret: KeyVaultSecret | None = None
    good_at: datetime | None = None
    """When the Secret was last known to be what the vault holds."""
    written: ownership.Ours | None = None
    """Which fields of the target are ours, as last written; None where it is not there as told."""
    stamps: Stamps | None = None
    """How long the objects hold; None: as the status tells."""
    touched: bool = False
    """Whether the target was seen while this was in work, and not looked at since."""
    seen: ownership.Ours | None = None
    """Which fields of it were ours then; None where it was deleted."""
    done: tuple[int, str] | None = None
    """Generation and sync-now of the last success, for ``refresh``."""
    attempted: int = 0
    """The generation that was tried last: a new one does not wait for back-offs."""
    synced_now: str = ""
    answered: str = ""
    """The sync-now that was last taken as a word to the fuse; at first the one that is there."""
    labels: Mapping[str, str] | None = None
    """The namespace's labels that it was judged by; None where its vault selects by none."""
    tries: int = 0
    logged: str = ""
    """The reason that this process logged last."""
    is_good: bool = False
    """Whether the last attempt ended well."""
    force: bool = False
    repairs: Repairs = field(default_factory=Repairs)
    deleted: bool = False
    """Whether the Secret was deleted since an object is gone."""

    @property
    def done_before(self) -> tuple[int, str] | None:
        """Generation (0: not the one that was looked at last) and sync-now of the last success."""
        if self.done is not None or not self.status.get("lastSyncTime"):
            return self.done
        is_good = condition_of(self.status, "Ready").get("status") == "True"
        generation = int(self.status.get("observedGeneration") or 0) if is_good else 0
        return generation, str(self.status.get("syncNow") or "")

    def is_settled(self, secret: KeyVaultSecret) -> bool:
        """Whether ``refresh`` says that there is nothing to do."""
        done = self.done_before
        if self.force or secret.refresh == "Periodic" or done is None:
            return False
        if secret.refresh == "Once":
            return done[1] == secret.sync_now
        return done == (secret.generation, secret.sync_now)


@dataclass(slots=True)
class Attempt:
    """How far one run came."""

    states: tuple[ObjectState, ...] | None = None
    """How each object is; None where that is not known."""
    written: bool = False
    """Whether the Secret is as ``states`` say."""
    changed: bool = False
    """Whether anything changed in the cluster."""
    vault: Manifest | None = None
    """The vault that was asked, as the status names it."""


def key_of(body: Manifest) -> Key:
    """Namespace and name."""
    return body["metadata"]["namespace"], body["metadata"]["name"]


def sync_now_of(body: Manifest) -> str:
    """The annotation by which a person asks for a sync."""
    return str((body["metadata"].get("annotations") or {}).get(SYNC_NOW) or "")


def trigger(body: Manifest) -> tuple[Any, ...]:
    """What, when it changes, asks for a new run."""
    metadata = body["metadata"]
    return metadata.get("generation"), metadata.get("uid"), sync_now_of(body)


def vault_of(vault: VaultResource) -> Manifest:
    """``status.vault``: where the Secret's values come from; its URL as each spelling means it."""
    url = vault.url.lower().removesuffix("/").removesuffix(":443")
    return {"kind": vault.kind, "name": vault.name, "url": url}


def lines_of(told: Status, vault: VaultResource) -> Lines:
    """What the status tells of the vault's objects; nothing where they are another vault's.

    What one vault gave must not stand in for what another lacks: so of a new vault all must be
    there before anything is written. One vault under two resources is one vault.
    """
    there = told.get("vault") or vault_of(vault)
    return read_objects(told) if there.get("url") == vault_of(vault)["url"] else {}


def before_of(lines: Lines, live: Manifest | None, name: str) -> Before:
    """What the Secret has from us already."""
    return Before(
        data=ownership.our_data(live, name),
        keys={ref: line.keys for ref, line in lines.items() if line.keys},
        versions={ref: line.version for ref, line in lines.items()},
        removed=frozenset(ref for ref, line in lines.items() if line.is_removed),
    )


def unwritten(states: tuple[ObjectState, ...], lines: Lines) -> tuple[ObjectState, ...]:
    """The states where nothing was written: the Secret has the keys and versions of before.

    What the status says of these is what a restart takes for delivered.
    """
    told = [_as_before(state, lines.get(state.ref, Line())) for state in states]
    known = {state.ref for state in states}
    told += [
        ObjectState(ref, line.state, keys=line.keys, version=line.version)
        for ref, line in lines.items()
        if line.keys and ref not in known
    ]
    return tuple(told)


def _as_before(state: ObjectState, line: Line) -> ObjectState:
    if state.found is None or state.version == line.version:
        return replace(state, keys=line.keys, version=line.version)
    message = f"version {state.version} waits: the Secret was not written"
    return ObjectState(
        state.ref,
        WAITING,
        keys=line.keys,
        version=line.version,
        message=state.message or message,
        is_past=state.is_past,
    )
