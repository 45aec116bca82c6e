"""What is told of a KeyVaultSecret: its status, its metrics, and events where a reason turned."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.api.cluster import Manifest
from controller.api.errors import ClusterError
from controller.conditions import Outcome, condition_of, rfc3339
from controller.events.recorder import Recorder
from controller.keyvault.cluster import Objects
from controller.keyvault.lines import read_objects
from controller.keyvault.metrics import KeyVaultMetrics
from controller.keyvault.status import expiry, status
from controller.keyvault.status.memory import Attempt, Key, Record, unwritten
from controller.reasons import Reason
from sealer.keyvault.resource import DEFAULT_WARN, KIND

_LOG = logging.getLogger(__name__)


@dataclass
class Reports:
    """Runs on the event loop."""

    objects: Objects
    recorder: Recorder
    metrics: KeyVaultMetrics
    now: Callable[[], datetime]

    async def tell(
        self,
        key: Key,
        record: Record,
        outcome: Outcome,
        attempt: Attempt,
        *,
        tolerated: bool,
        interval: float | None,
    ) -> bool:
        """Tell how an attempt ended; return whether the API server took the status.

        ``interval`` is the seconds until the vault is looked at next, None where nobody knows.
        """
        now = self.now()
        states, secret, old = attempt.states, record.secret, record.status
        stamps = status.read_stamps(old) if record.stamps is None else record.stamps
        has = states
        if states is not None and not attempt.written:
            has = unwritten(states, read_objects(old))
        if has is not None:
            stamps = expiry.stamps(has, stamps)
        record.stamps = stamps
        expiring = expiry.expiring(stamps, _warn(record), now.timestamp())
        self._show(key, record, outcome, expiring)
        generation = int(record.body["metadata"].get("generation") or 0)
        conditions = status.ready_conditions(outcome, tolerated=tolerated)
        conditions += status.expiry_condition(expiring)
        new: Manifest = {
            **{name: old.get(name) for name in ("objects", "expires", "lastSyncTime", "syncNow")},
            "observedGeneration": generation,
            "conditions": status.with_times(conditions, old, generation, now),
        }
        if has is not None:
            new["objects"] = status.objects(has, stamps)
            new["expires"] = expiry.earliest(stamps)
        new["vault"] = attempt.vault if attempt.written else old.get("vault")
        if secret is not None:
            # One that could not be written yet leaves the Secret of before as it is.
            new["target"] = secret.target.name if outcome.ok else old.get("target")
            later = None if interval is None else now + timedelta(seconds=interval)
            new["nextSyncTime"] = later and rfc3339(later)
        if outcome.ok and (attempt.changed or not old.get("lastSyncTime")):
            new["lastSyncTime"] = rfc3339(now)
        if record.synced_now:
            new["syncNow"] = record.synced_now
        if outcome.ok and record.synced_now != (old.get("syncNow") or ""):
            new["lastSyncTime"] = rfc3339(now)
        return await self._write(key, record, new)

    async def _write(self, key: Key, record: Record, new: Manifest) -> bool:
        old = record.status
        if status.is_same(old, new):
            return True
        record.status = new
        try:
            await self.objects.patch_status(KIND, *key, new)
        except ClusterError as error:
            record.status = old
            _LOG.warning("cannot write status", extra={"why": error.message})
            return False
        return True

    def next_turn(self, record: Record) -> float | None:
        """Seconds until what is told of ends turns, None where it never does."""
        return expiry.next_turn(record.stamps or {}, _warn(record), self.now().timestamp())

    def _show(self, key: Key, record: Record, outcome: Outcome, expiring: Outcome | None) -> None:
        """Metrics always, an event when the reason turned."""
        self.metrics.show(key, ready=outcome.ok, ends=expiry.ends(record.stamps or {}))
        before = status.ready_reason(record.status)
        if outcome.reason != before:
            known = Reason.of(before)
            recovered = outcome.ok and known is not None and known.is_warning
            self.recorder.record(record.body, outcome.reason, outcome.message, recovered=recovered)
        _log(key, record, outcome)
        was = condition_of(record.status, "Expiring").get("reason")
        if expiring is not None and expiring.reason != was:
            self.recorder.record(record.body, expiring.reason, expiring.message)


def _log(key: Key, record: Record, outcome: Outcome) -> None:
    """Each failure and each recovery once, also what a controller before this one told of."""
    logged, record.logged = record.logged, outcome.reason
    extra = {"object": "/".join(key), "reason": outcome.reason}
    if not outcome.ok and outcome.reason != logged:
        _LOG.warning(outcome.message, extra=extra)
    elif outcome.ok and logged and outcome.reason != logged:
        _LOG.info("the Secret has what the vault holds", extra=extra)


def _warn(record: Record) -> float:
    return record.secret.warn if record.secret else DEFAULT_WARN
