"""One SealedSecret at a time: read, unseal, compare, write, say so. The unseal line of the design.

What is remembered of each is small and can be lost: everything is found again in the cluster.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping, Set
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from controller.api.cluster import MANAGER, Cluster, Manifest
from controller.api.errors import AlreadyExistsError, ClusterError, ConflictError, NotFoundError
from controller.drift.writer import last_writer
from controller.events.recorder import Recorder
from controller.keys.store import Keys, KeyStore
from controller.metrics import Metrics
from controller.sealed import target
from controller.sealed.desired import Policy, settle
from controller.sealed.memory import Case, Done, Key, Record, is_new, key_of, says_synced, trigger
from controller.sealed.opening import Opening
from controller.sealed.outcomes import Failure, delay, understand
from controller.sealed.plan import (
    Nothing,
    Owner,
    Recreate,
    Update,
    is_of_another,
    is_owned,
    plan,
    skips_owner,
)
from controller.sealed.report import QUIET_TRIES, Reports
from controller.sealed.status import SYNCED
from controller.sealed.waiting import Waiting
from controller.turns import Turns
from controller.work.workers import Workers
from controller.workqueue import WorkQueue
from sealer.errors import SealerError
from sealer.sealed import SealedSecret

_LOG = logging.getLogger(__name__)
# A foreign Secret that was deleted may come again at once: its owner goes first.
_FOREIGN_GRACE_SECONDS = 0.75


@dataclass
class Syncer:
    """Turns SealedSecrets into Secrets; its methods run on the event loop."""

    cluster: Cluster
    keys: KeyStore
    policy: Policy
    recorder: Recorder
    metrics: Metrics
    queue: WorkQueue[Key]
    executor: Executor
    now: Callable[[], datetime]
    drift: str = "revert"
    update_status: bool = True
    old_gc: bool = False
    jitter: Callable[[], float] = random.random
    turns: Turns = field(default_factory=Turns)
    """Of namespaces at the executor."""
    workers: Workers = field(default_factory=Workers)
    """Where templates are rendered."""
    owns: Callable[[str], bool] = lambda uid: True
    """Whether the SealedSecret of this UID is ours to work on, or another controller's."""
    _records: dict[Key, Record] = field(default_factory=dict)
    _bodies: Waiting = field(default_factory=Waiting)
    _forced: set[Key] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._reports = Reports(
            self.cluster, self.recorder, self.metrics, self.now, self.drift, self.update_status
        )
        self._opening = Opening(self.keys, self.policy, self.executor, self.turns, self.workers)

    # What happens in the cluster.

    def on_sealed(self, body: Manifest, *, listed: bool) -> None:
        """A SealedSecret was seen, new or changed."""
        key = key_of(body)
        record = self._records.setdefault(key, Record())
        if record.is_older(body):
            if listed:
                # Unless etcd was restored from a backup: then the newest there is counts.
                record.version = ""
                self._bodies.pop(key)
                self._force(key)
            return
        record.saw(body)
        record.mine = self.owns(record.uid)
        if not record.mine:
            return
        if record.trigger:
            self._reports.relabel(key, body, record)
        news = self._is_news(body, record)
        if news or key in self._bodies:
            self._bodies.put(key, body)
        if news:
            self.queue.add(key, urgent=not listed)

    async def on_sealed_deleted(self, body: Manifest) -> None:
        """A SealedSecret is gone; its Secret goes by the garbage collector, or by us if asked."""
        key, uid = key_of(body), body["metadata"]["uid"]
        record = self._records.get(key)
        if record is not None and record.uid != uid and record.is_older(body):
            # The next of its name is here already, and the Secret is that one's.
            return
        self._forget(key)
        if self.old_gc:
            try:
                owner = Owner(key[1], uid)
                await target.delete(self.cluster, key, owner=owner, custody=self.policy.custody)
            except ClusterError as error:
                _LOG.warning("cannot delete the Secret", extra={"object": "/".join(key)})
                _LOG.debug(error.message)

    def on_secret(self, metadata: Mapping[str, Any]) -> None:
        """A Secret was made or changed; only one with a SealedSecret's name concerns us."""
        key = (metadata["namespace"], metadata["name"])
        record = self._records.get(key)
        if record is None:
            return
        record.seen_version = metadata["resourceVersion"]
        # A run that is going on writes itself, and looks again at its end.
        if not self.queue.is_working(key):
            self._look_again(key, record)

    def on_secret_deleted(self, metadata: Mapping[str, Any]) -> None:
        """A Secret is gone: ours is made again at once, another's after a while."""
        key = (metadata["namespace"], metadata["name"])
        record = self._records.get(key)
        if record is None:
            return
        record.secret_version = record.seen_version = ""
        record.tries = 0
        self._forced.add(key)
        if is_owned({"metadata": metadata}, Owner(key[1], record.uid)):
            self.queue.add(key, urgent=True)
        else:
            self.queue.later(key, _FOREIGN_GRACE_SECONDS)

    def on_secrets_listed(self, present: Set[Key], namespace: str) -> None:
        """All Secrets of a namespace (empty: of all) were listed; those that went are made anew."""
        for key, record in self._records.items():
            if record.secret_version and key not in present and namespace in ("", key[0]):
                self._force(key)

    def on_keys(self, keys: Keys) -> None:
        """A key came or went: what failed may open now."""
        for key, record in self._records.items():
            if record.outcome is not None and not record.outcome.ok:
                self._force(key)

    def on_members(self) -> None:
        """Other controllers share the work now: what came is queued, what left is dropped.

        A run that goes on is finished; the next controller finds what it did.
        """
        for key, record in self._records.items():
            was, record.mine = record.mine, self.owns(record.uid)
            if record.mine and not was:
                self._force(key)
            elif was and not record.mine:
                self._drop(key)

    @property
    def known_keys(self) -> Set[Key]:
        """The SealedSecrets seen so far."""
        return self._records.keys()

    def opened_by(self) -> dict[str, int]:
        """How many SealedSecrets each key opened last, by its fingerprint."""
        counts: dict[str, int] = {}
        for record in self._records.values():
            if record.key:
                counts[record.key] = counts.get(record.key, 0) + 1
        return counts

    # The work.

    async def work(self) -> None:
        """Take keys from the queue until it is closed."""
        while (key := await self.queue.get()) is not None:
            try:
                await self.run(key)
            finally:
                self.queue.done(key)

    async def run(self, key: Key) -> None:
        """Bring one SealedSecret's Secret in line; whatever fails is told and tried again."""
        started = time.perf_counter()
        record = self._records.setdefault(key, Record())
        if record.uid and not self.owns(record.uid):
            self._drop(key)
            return
        body = await self._body(key, record)
        if body is None:
            return
        self.metrics.unseal_requests.inc()
        asked = trigger(body)
        if record.trigger != asked:
            record.trigger, record.tries = asked, 0
        record.status = body.get("status")
        looked = record.seen_version
        case = Case(key, body, record)
        result = await self._try(case)
        if result is None:
            self._force(key)
            return
        await self._end(case, result)
        ended = "success" if record.outcome and record.outcome.ok else "failure"
        self.metrics.reconcile_seconds.labels(ended).observe(time.perf_counter() - started)
        # Not without news: a run that fails before it looks would begin again at once, for ever.
        if record.seen_version != looked:
            self._look_again(key, record)

    async def _try(self, case: Case) -> Done | Failure | None:
        """Do it, and return how it went; None where it is another SealedSecret by now."""
        try:
            return await self._bring_in_line(case)
        except target.OutdatedError:
            return None
        except SealerError as error:
            return understand(error)
        except Exception:  # noqa: BLE001 a bug must not end the worker, nor print what it holds
            _LOG.error("internal error", extra={"object": case.name})
            return understand(ClusterError("internal error"))

    async def _body(self, key: Key, record: Record) -> Manifest | None:
        """The SealedSecret to work on, None where there is nothing to do."""
        body = self._bodies.pop(key)
        forced = key in self._forced
        self._forced.discard(key)
        if body is not None and not forced and not self._is_news(body, record):
            return None
        if body is None or record.is_older(body):
            try:
                body = await self.cluster.get_sealed(*key)
            except NotFoundError:
                self._forget(key)
                return None
            except ClusterError as error:
                self._later(key, record, understand(error))
                self._reports.unread(key, record, error)
                return None
            record.saw(body)
        return None if body["metadata"].get("deletionTimestamp") else body

    async def _bring_in_line(self, case: Case) -> Done:
        """Do what the plan says."""
        key, body, record = case.key, case.body, case.record
        started = time.perf_counter()
        sealed = SealedSecret.from_dict(body)
        wanted = await self._opening.desired(sealed, prefer=record.key)
        self.metrics.decrypt_seconds.observe(time.perf_counter() - started)
        record.key = wanted.key
        metadata = body["metadata"]
        owner = Owner(key[1], metadata["uid"])
        stamp = f"{metadata['uid']}/{metadata.get('generation', 0)}"
        if is_new(body) and not record.secret_version and not skips_owner(wanted.manifest):
            made = await self._make(settle(wanted, None, stamp), owner)
            if made is not None:
                record.secret_version = made["metadata"]["resourceVersion"]
                return Done(written=True)
        actual = await target.look(self.cluster, key)
        record.secret_version = actual["metadata"]["resourceVersion"] if actual else ""
        was_synced = self._was_synced(body, record, actual, owner)
        settled = settle(wanted, actual, stamp)
        decided = plan(settled, actual, owner, self.policy, exact=not was_synced)
        if isinstance(decided, Nothing):
            return Done()
        changes = decided.changes if isinstance(decided, (Update, Recreate)) else ()
        drift = changes if was_synced else ()
        if drift and self.drift != "revert":
            return Done(drift=drift)
        if drift and self._waits(key, record):
            return Done()
        await target.confirm(self.cluster, key, body)
        written = await target.apply(self.cluster, decided, actual)
        record.secret_version = written["metadata"]["resourceVersion"]
        if drift:
            writer = last_writer(actual, drift, ours=MANAGER)
            record.repairs.made(self.queue.clock(), writer)
        return Done(written=True, drift=drift)

    async def _make(self, wanted: Mapping[str, Any], owner: Owner) -> Manifest | None:
        """Make the Secret without looking first; None where there is one after all."""
        decided = plan(wanted, None, owner, self.policy, exact=True)
        try:
            return await target.apply(self.cluster, decided, None)
        except AlreadyExistsError:
            return None

    def _was_synced(
        self, body: Manifest, record: Record, actual: Manifest | None, owner: Owner
    ) -> bool:
        """Whether this very SealedSecret was in line once: what differs now is drift."""
        if record.synced == record.trigger:
            return True
        said = self.update_status and says_synced(body)
        return said and not (actual and is_of_another(actual, owner))

    async def _end(self, case: Case, result: Done | Failure) -> None:
        """Remember how it went, tell of it once, and come again when it is time."""
        key, record = case.key, case.record
        before = record.outcome
        if isinstance(result, Failure):
            self.metrics.unseal_errors.labels(result.metric, key[0]).inc()
            self._later(key, record, result)
            if not result.outcome.final and record.tries < QUIET_TRIES:
                return
            record.outcome, record.synced = result.outcome, ()
        else:
            record.synced = record.trigger
        try:
            await self._reports.tell(case, result, before)
        except ClusterError as error:
            if isinstance(result, Done):
                self._later(key, record, understand(error))
            elif isinstance(error, ConflictError) and record.tries <= QUIET_TRIES:
                # It was changed meanwhile: the status is about another one.
                self.queue.add(key)
            return
        if isinstance(result, Done):
            record.tries, record.outcome = 0, SYNCED

    def _later(self, key: Key, record: Record, failure: Failure) -> None:
        # Another class of trouble has a back-off of its own.
        final = failure.outcome.final
        record.tries = record.tries + 1 if record.final == final else 1
        record.final = final
        self._forced.add(key)
        self.queue.later(key, delay(failure, record.tries, self.jitter))

    # What is remembered.

    def _is_news(self, body: Manifest, record: Record) -> bool:
        return record.trigger != trigger(body) or (
            self.update_status and record.status != body.get("status")
        )

    def _look_again(self, key: Key, record: Record) -> None:
        """Have it checked where the Secret is not the one that was right."""
        known, seen = record.secret_version, record.seen_version
        if self.drift != "ignore" and known and seen and seen != known:
            self._forced.add(key)
            if not self._waits(key, record):
                self.queue.add(key, urgent=True)

    def _waits(self, key: Key, record: Record) -> bool:
        """Whether somebody fights for the Secret, so that it is looked at only later."""
        seconds = record.repairs.wait(self.queue.clock()) if self.drift == "revert" else 0.0
        if seconds:
            self._forced.add(key)
            self.queue.later(key, seconds)
        return seconds > 0

    def _force(self, key: Key) -> None:
        if key in self._records:
            self._records[key].tries = 0
        self._forced.add(key)
        self.queue.add(key)

    def _drop(self, key: Key) -> None:
        """Have nothing to do with it for now."""
        self._bodies.pop(key)
        self._forced.discard(key)
        self.queue.forget(key)

    def _forget(self, key: Key) -> None:
        record = self._records.pop(key, None)
        self._drop(key)
        if record is not None:
            self.metrics.forget(key, record.instance)
