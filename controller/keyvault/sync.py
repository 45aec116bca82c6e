"""One KeyVaultSecret at a time: read, fetch, compute, write, say so.

What is remembered of each is small and can be lost: everything is found again in the cluster and
in the vault.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from controller.api.cluster import Manifest
from controller.api.errors import ClusterError
from controller.backoff import Backoff
from controller.conditions import Outcome, condition_of
from controller.events.recorder import Recorder
from controller.keyvault.access.admission import Admission
from controller.keyvault.attempts import Line
from controller.keyvault.cluster import Objects
from controller.keyvault.entry import VaultKey
from controller.keyvault.metrics import KeyVaultMetrics
from controller.keyvault.status import status
from controller.keyvault.status.memory import (
    Attempt,
    Key,
    Record,
    key_of,
    sync_now_of,
    trigger,
)
from controller.keyvault.status.outcomes import WaitingError, internal, outcome_of, refused
from controller.keyvault.status.report import Reports
from controller.keyvault.status.status import SYNCED
from controller.keyvault.target import ownership
from controller.keyvault.target.targets import Targets
from controller.keyvault.vaults import Vaults
from controller.workqueue import WorkQueue
from sealer.errors import SealerError
from sealer.keyvault.resource import KeyVaultSecret
from sealer.keyvault.vaults import CLUSTER_KEY_VAULT, KEY_VAULT

_LOG = logging.getLogger(__name__)
_BACKOFF = Backoff(1.0, 300.0)
_RETRY_SECONDS = 15.0


@dataclass
class Syncer:
    """Its methods run on the event loop."""

    objects: Objects
    targets: Targets
    vaults: Vaults
    recorder: Recorder
    metrics: KeyVaultMetrics
    queue: WorkQueue[Key]
    now: Callable[[], datetime]
    knows_all: Callable[[str], bool] = lambda namespace: True
    """Whether every KeyVaultSecret of a namespace was seen."""
    records: dict[Key, Record] = field(default_factory=dict)
    _of_vault: defaultdict[VaultKey, set[Key]] = field(default_factory=lambda: defaultdict(set))
    """Which KeyVaultSecrets name a vault."""
    _admission: Admission = field(init=False)
    _line: Line = field(init=False)
    _reports: Reports = field(init=False)

    def __post_init__(self) -> None:
        self._admission = Admission(self.objects, self.vaults)
        self._line = Line(self._admission, self.targets, self.queue.clock)
        self._reports = Reports(self.objects, self.recorder, self.metrics, self.now)

    # What happens in the cluster.

    def on_secret_resource(self, body: Manifest) -> None:
        """A KeyVaultSecret was seen, new or changed."""
        key = key_of(body)
        record = self.records.get(key)
        if record is not None and record.body["metadata"]["uid"] != body["metadata"]["uid"]:
            # Deleted and made anew while the watch was broken: nothing of the old one holds.
            self.on_resource_deleted(key)
            record = None
        if record is None:
            record = self.records[key] = Record(body, body.get("status") or {})
            record.synced_now = str(record.status.get("syncNow") or "")
            record.answered = sync_now_of(body)
            self._of_vault[_vault_of(body)].add(key)
            self.queue.add(key)
            return
        old, record.body = record.body, body
        self._of_vault[_vault_of(old)].discard(key)
        self._of_vault[_vault_of(body)].add(key)
        if trigger(old) != trigger(body):
            record.tries = 0
            self.queue.add(key, urgent=True)

    def on_resource_deleted(self, key: Key) -> None:
        """A KeyVaultSecret is gone: its Secret goes with it (Owner), stays, or loses our keys."""
        record = self.records.pop(key, None)
        if record is not None:
            self._of_vault[_vault_of(record.body)].discard(key)
            if record.secret is not None:
                self.targets.aim(key, record.secret, None)
        self.queue.forget(key)
        self._forget(key)
        self.queue.add(key)

    def _forget(self, key: Key) -> None:
        self.metrics.forget(key)
        self._admission.drop(key)

    def on_resources_listed(self, present: set[Key], namespace: str) -> None:
        """Every KeyVaultSecret there is was seen: others were deleted while nobody watched."""
        known = present | {(place, ownership.alias(name)) for place, name in present}
        for key in self.records.keys() | self.targets.mergers():
            if namespace in ("", key[0]) and key not in known:
                self.on_resource_deleted(key)

    def on_target(self, metadata: Mapping[str, Any], *, deleted: bool = False) -> None:
        """A Secret was changed or deleted by somebody: ours is put right at once."""
        target = (metadata["namespace"], metadata["name"])
        for merger in self.targets.note(metadata, deleted=deleted):
            if self.knows_all(merger[0]) and not self._is_known(merger):
                self.queue.add(merger)
        for key in self.targets.fillers(target):
            record = self.records[key]
            seen = None if deleted else ownership.ours({"metadata": metadata}, key[1])
            if self.queue.is_working(key):
                # It may be our own write: told apart when the work is done.
                record.touched, record.seen = True, seen
                continue
            if seen is not None and seen == record.written:
                continue
            self._repair(key, record)

    def _repair(self, key: Key, record: Record) -> None:
        """Put the Secret right: at once, or after a pause where somebody fights for it."""
        record.force = True
        if seconds := record.repairs.wait(self.queue.clock()):
            self.queue.later(key, seconds)
        else:
            self.queue.add(key, urgent=True)

    def _is_known(self, merger: Key) -> bool:
        """Whether there is a KeyVaultSecret of this alias."""
        return any((key[0], ownership.alias(key[1])) == merger for key in self.records)

    def on_targets_listed(self, present: Set[Key], namespace: str) -> None:
        """Every Secret there is was seen: what we wrote and is not there is made again."""
        for place in self.targets.places():
            if namespace in ("", place[0]) and place not in present:
                self.on_target({"namespace": place[0], "name": place[1]}, deleted=True)

    def on_dirty(self, users: Iterable[str]) -> None:
        """A vault's objects changed."""
        for user in users:
            namespace, _, name = user.partition("/")
            if (namespace, name) in self.records:
                self.queue.add((namespace, name))

    def on_vault(self, vault: VaultKey, everybody: bool) -> None:
        """A vault came, went or changed; or answers again, for those that failed."""
        for key in self._of_vault[vault]:
            record = self.records[key]
            if everybody or not record.is_good:
                record.tries = 0
                self.queue.add(key)

    async def on_polled(self, vault: VaultKey) -> None:
        """A vault was polled: a namespace may have lost the labels by which it is granted."""
        for key in await self._admission.changed(vault, self.records):
            self.queue.add(key)

    # The work.

    def lane(self, key: Key) -> tuple[str, ...]:
        """What its work waits on: a slow vault or a greedy namespace is nobody else's."""
        record = self.records.get(key)
        return (*_vault_of(record.body), key[0]) if record is not None else ("", *key)

    async def work(self) -> None:
        """Do what the queue hands out, all at once, until it closes."""
        async with asyncio.TaskGroup() as running:
            while (key := await self.queue.get()) is not None:
                running.create_task(self._work_on(key))

    async def _work_on(self, key: Key) -> None:
        try:
            await self.run(key)
        except Exception as error:  # noqa: BLE001 one object must not stop the others
            _log(key, error)
            self._again(key)
        finally:
            self.queue.done(key)

    async def run(self, key: Key) -> None:
        """Bring one KeyVaultSecret in line."""
        record = self.records.get(key)
        if record is None:
            self._forget(key)  # it may have been in work as it went
            if not self._is_known(key):
                await self.targets.unmerge_all(key)
            return
        attempt = Attempt()
        outcome = await self._try(key, record, attempt)
        if self.records.get(key) is not record:
            return  # gone meanwhile, or another of its name
        if outcome is not None:
            await self._end(key, record, outcome, attempt)
        if record.touched:
            await self._look_again(key, record)

    async def _try(self, key: Key, record: Record, attempt: Attempt) -> Outcome | None:
        """Return how it ended, None where there was nothing to do."""
        try:
            secret = self._read(key, record)
            if secret.deleting:
                return None
            if record.is_settled(secret):
                await self._recall(record, secret)
                if record.written is not None:
                    return SYNCED
                record.force = True
            await self._line.run(record, secret, attempt)
            return outcome_of(attempt.states or ())
        except WaitingError as error:
            return error.outcome
        except SealerError as error:
            return refused(error, attempt.states or ())
        except Exception as error:  # noqa: BLE001 a fault of ours must be seen where people look
            _log(key, error)
            return internal(error)

    def _read(self, key: Key, record: Record) -> KeyVaultSecret:
        """Return what it asks for; nothing is asked for one that is not understood."""
        try:
            secret = KeyVaultSecret.from_dict({**record.body, "status": record.status})
        except SealerError:
            self._admission.drop(key)
            raise
        if record.secret is not None and record.secret.target.name != secret.target.name:
            record.written = None
        self.targets.aim(key, record.secret, secret)
        record.secret = secret
        return secret

    async def _recall(self, record: Record, secret: KeyVaultSecret) -> None:
        """After a restart: is the Secret there as the status tells?"""
        if record.written is None:
            record.written = await self.targets.recall(secret, record.status)

    async def _look_again(self, key: Key, record: Record) -> None:
        """The Secret was touched meanwhile: by us, or by somebody after us?"""
        secret = record.secret
        while record.touched and secret is not None:
            record.touched = False
            if record.seen == record.written:
                continue
            # What was seen may be from before we wrote: only the Secret itself tells.
            if await self.targets.ours(secret) != record.written:
                self._repair(key, record)

    # How it ended.

    async def _end(self, key: Key, record: Record, outcome: Outcome, attempt: Attempt) -> None:
        """Remember how it went, come again when it is time, and tell."""
        tolerated = await self._note(key, record, outcome)
        interval = None
        if record.secret is not None and record.secret.refresh == "Periodic":
            interval = self._admission.interval(record.secret)
        if not await self._reports.tell(
            key, record, outcome, attempt, tolerated=tolerated, interval=interval
        ):
            self._again(key)
        turn = self._reports.next_turn(record)
        if turn is not None:
            self.queue.later(key, max(1.0, turn))

    async def _note(self, key: Key, record: Record, outcome: Outcome) -> bool:
        """Remember how it went; return whether a good Secret stays Ready in spite of it."""
        now, secret = self.now(), record.secret
        record.is_good = outcome.ok
        if outcome.ok and secret is not None:
            record.good_at, record.tries, record.force = now, 0, False
            record.done = (secret.generation, secret.sync_now)
            record.synced_now = secret.sync_now
            if secret.refresh != "Periodic":
                self._admission.drop(key)
            return True
        self._again(key)
        ready, metadata = condition_of(record.status, "Ready"), record.body["metadata"]
        was_good = ready.get("status") == "True" and record.status.get(
            "observedGeneration"
        ) == metadata.get("generation")
        if not was_good or secret is None or not outcome.reason.row.passing:
            return False
        with suppress(ClusterError):
            await self._recall(record, secret)
        if record.written is None or record.force or record.deleted:
            return False  # the Secret is not there as it was
        if record.good_at is None:
            record.good_at = now
        interval = self._admission.interval(secret) or 0.0
        return (now - record.good_at).total_seconds() < status.max_stale(interval)

    def _again(self, key: Key) -> None:
        record = self.records.get(key)
        if record is None:
            self.queue.later(key, _RETRY_SECONDS)
            return
        record.tries += 1
        self.queue.later(key, _BACKOFF.after(record.tries))


def _vault_of(body: Manifest) -> VaultKey:
    """The vault that a KeyVaultSecret names, also one that is not valid."""
    reference = (body.get("spec") or {}).get("vaultRef") or {}
    kind = reference.get("kind") or KEY_VAULT
    namespace = "" if kind == CLUSTER_KEY_VAULT else body["metadata"]["namespace"]
    return kind, namespace, str(reference.get("name"))


def _log(key: Key, error: Exception) -> None:
    # Its class and no more: what an exception quotes might be a value.
    extra = {"object": "/".join(key), "why": type(error).__name__}
    _LOG.error("KeyVaultSecret failed", extra=extra)
