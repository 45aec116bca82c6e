"""What is told of a vault: its status, its metrics, and an Event where the reason turned."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.api.errors import ClusterError
from controller.conditions import Outcome
from controller.events.recorder import Recorder
from controller.keyvault.cluster import Objects
from controller.keyvault.entry import Entry, VaultKey
from controller.keyvault.poll.memory import Polled
from controller.keyvault.status import status
from controller.keyvault.status import vault as vault_status

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VaultReports:
    """Runs on the event loop."""

    objects: Objects
    recorder: Recorder
    now: Callable[[], datetime]
    on_told: Callable[[VaultKey, bool | None, int], None]

    async def tell(
        self,
        key: VaultKey,
        entry: Entry,
        said: Outcome,
        polled: Polled | None,
        extra: Mapping[str, Any],
    ) -> bool:
        """Tell how it is, with ``extra`` in its status; whether the API server took that.

        ``polled`` is None where the vault was not asked.
        """
        generation = int(entry.body["metadata"].get("generation") or 0)
        new = vault_status.made(said, polled, extra, entry.status, generation, self.now())
        before = said.reason if entry.untold else status.ready_reason(entry.status)
        entry.outcome = said
        self.on_told(key, said.ok, polled.fuse if polled else 0)
        if said.reason != before and not (said.ok and not before):
            recovered = said.ok and bool(before)
            self.recorder.record(entry.body, said.reason, said.message, recovered=recovered)
        _log(key, entry, said, before)
        if status.is_same(entry.status, new) and "lastPollTime" not in new:
            return True
        old, entry.status, entry.untold = entry.status, new, False
        try:
            await self.objects.patch_status(*key, new)
        except ClusterError as error:
            _LOG.warning("cannot write a vault's status", extra={"why": error.message})
            entry.status, entry.untold = old, True
            return False
        return True


def _log(key: VaultKey, entry: Entry, said: Outcome, before: str) -> None:
    """Each failure once, also one that a controller before this one told of; each recovery."""
    logged, entry.logged = entry.logged, said.reason
    extra = {"object": "/".join(filter(None, key)), "reason": said.reason}
    if not said.ok and said.reason != logged:
        _LOG.warning(said.message, extra=extra)
    elif said.ok and before and said.reason != before:
        _LOG.info("the vault answers again", extra=extra)
