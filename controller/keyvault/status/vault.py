"""PURE: the status of a KeyVault or ClusterKeyVault."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from controller.conditions import Outcome
from controller.keyvault.lines import Status
from controller.keyvault.poll.memory import Polled
from controller.keyvault.status import status
from controller.reasons import Reason


def said_of(outcome: Polled) -> Outcome:
    """How a poll ended, as Ready tells it."""
    if outcome.error is not None:
        return status.told(outcome.error, outcome.error.reason)
    if outcome.fuse:
        message = f"{outcome.fuse} objects vanished at once: nothing is deleted because of it"
        return Outcome(Reason.FUSE, message, ok=True)
    return Outcome(Reason.READY, "The vault answers.", ok=True)


def made(
    said: Outcome,
    outcome: Polled | None,
    extra: Mapping[str, Any],
    old: Status,
    generation: int,
    now: datetime,
) -> dict[str, Any]:
    """The whole status; ``outcome`` is None where the vault was not asked."""
    conditions = status.ready_conditions(said, tolerated=False)
    if outcome is not None and outcome.error is None:
        conditions.append(status.listing_condition(outcome.listing))
    return {
        "observedGeneration": generation,
        "conditions": status.with_times(conditions, old, generation, now),
        "throttledUntil": None,
        **extra,
    }
