"""What is said of a SealedSecret: its status, its Events, its series, its lines in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.api.cluster import Cluster, Manifest
from controller.api.errors import ClusterError, ConflictError, NotFoundError
from controller.conditions import Outcome
from controller.drift.repairs import Repairs
from controller.events.recorder import Recorder
from controller.metrics import INSTANCE_LABEL, Metrics
from controller.reasons import Reason
from controller.sealed.memory import Case, Done, Key, Record, says_failed, says_synced
from controller.sealed.outcomes import Failure
from controller.sealed.status import SYNCED, next_status

_LOG = logging.getLogger(__name__)
# Trouble that is over by the third try was none: no status, no event.
QUIET_TRIES = 3


@dataclass(frozen=True, slots=True)
class Reports:
    """Says what is new and nothing twice; what it said is in the record."""

    cluster: Cluster
    recorder: Recorder
    metrics: Metrics
    now: Callable[[], datetime]
    drift: str
    update_status: bool

    async def tell(self, case: Case, result: Done | Failure, before: Outcome | None) -> None:
        """Tell how a run ended, if that is news; ``before`` is how the last one did.

        ClusterError's classes where the status cannot be written: nothing else is said then.
        """
        key, body, record = case.key, case.body, case.record
        outcome = result.outcome if isinstance(result, Failure) else SYNCED
        written = await self._status(key, body, record, outcome)
        if isinstance(result, Failure):
            if written or (before != outcome and not self.update_status):
                self._failed(key, body, result)
            return
        recovered = says_failed(body) or (before is not None and not before.ok)
        if result.drift:
            self._drifted(key, body, record, result.drift, restored=result.written)
        elif result.written or recovered or (written and not says_synced(body)):
            self._unsealed(key, body, recovered=recovered)

    async def _status(self, key: Key, body: Manifest, record: Record, outcome: Outcome) -> bool:
        """Write it where it says something new; return whether it did."""
        old = body.get("status")
        if not self.update_status:
            return False
        generation = body["metadata"].get("generation", 0)
        status = next_status(old, outcome, generation=generation, now=self.now())
        if status is None:
            self.show(key, body, record, old or {})
            return False
        try:
            version = body["metadata"]["resourceVersion"]
            answer = await self.cluster.patch_status(*key, status, version)
        except NotFoundError:
            return False
        except ClusterError as error:
            if not isinstance(error, ConflictError):
                self._unwritten(key, record, error)
            raise
        record.unwritten = 0
        record.status = answer.get("status")
        record.saw(answer)
        self.show(key, body, record, status)
        return True

    def _unwritten(self, key: Key, record: Record, error: ClusterError) -> None:
        self.metrics.unseal_errors.labels("status", key[0]).inc()
        record.unwritten += 1
        if record.unwritten == QUIET_TRIES:
            extra = {"object": "/".join(key), "why": error.message}
            _LOG.warning("cannot write the status", extra=extra)

    def show(self, key: Key, body: Manifest, record: Record, status: Mapping[str, Any]) -> None:
        """Show the conditions as a metric, under the instance that its label names now."""
        instance = (body["metadata"].get("labels") or {}).get(INSTANCE_LABEL, "")
        if instance != record.instance:
            self.metrics.forget(key, record.instance)
            record.instance = instance
        self.metrics.condition(key, instance, status)

    def relabel(self, key: Key, body: Manifest, record: Record) -> None:
        """Show what was shown under another instance, if its label changed."""
        instance = (body["metadata"].get("labels") or {}).get(INSTANCE_LABEL, "")
        if self.update_status and instance != record.instance:
            self.show(key, body, record, record.status or {})

    def _unsealed(self, key: Key, body: Manifest, *, recovered: bool) -> None:
        """The Secret was written, or is right again."""
        message = "SealedSecret unsealed successfully"
        self.recorder.record(body, Reason.UNSEALED, message, recovered=recovered)
        _LOG.info("unsealed", extra={"object": "/".join(key)})

    def _failed(self, key: Key, body: Manifest, failure: Failure) -> None:
        """A try failed in a way that is news."""
        cause = failure.outcome.reason
        self.recorder.record(body, failure.event, failure.told, cause=cause)
        _LOG.warning(failure.outcome.message, extra={"object": "/".join(key), "reason": cause})

    def unread(self, key: Key, record: Record, error: ClusterError) -> None:
        """The SealedSecret itself could not be read."""
        self.metrics.unseal_errors.labels("fetch", key[0]).inc()
        if record.tries == QUIET_TRIES:
            extra = {"object": "/".join(key), "why": error.message}
            _LOG.warning("cannot read the SealedSecret", extra=extra)

    def _drifted(
        self,
        key: Key,
        body: Manifest,
        record: Record,
        drift: tuple[str, ...],
        *,
        restored: bool,
    ) -> None:
        """The Secret was edited: ``drift`` names what, and it was restored or left."""
        if not restored and (
            self.drift == "ignore" or record.reported_version == record.secret_version
        ):
            return
        record.reported_version = record.secret_version
        self.metrics.drift.labels(key[0]).inc()
        what = ", ".join(drift)
        if restored and record.repairs.is_told:
            return
        if restored:
            message = f"Secret was edited and is restored: {what}{_fight(record.repairs)}"
            self.recorder.record(body, Reason.DRIFT_CORRECTED, message)
        else:
            message = f"Secret was edited and is left so: {what}"
            self.recorder.record(body, Reason.DRIFT_DETECTED, message)
        _LOG.warning("drift", extra={"object": "/".join(key), "what": what, "did": self.drift})


def _fight(repairs: Repairs) -> str:
    """Words for two owners that take turns; told once, with who the other is."""
    if not repairs.is_fight:
        return ""
    who = f" by {repairs.writer}" if repairs.writer else ""
    return f", again and again{who}; from now on with pauses, and not told of again"
