"""The status of a SealedSecret: a value made of the last attempt, or nothing to write.

Bitnami's ``Synced`` stays the first condition: its printer columns and Argo CD read it.
``Ready``, ``Reconciling`` and ``Stalled`` are for kstatus, and so for Flux: work that goes on is
Reconciling, what only a person can cure is Stalled. Source: sigs.k8s.io/cli-utils ``kstatus``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from controller.conditions import (
    Condition,
    Outcome,
    Status,
    condition,
    condition_of,
    conditions,
    rfc3339,
    with_times,
)
from controller.reasons import Reason

MAX_MESSAGE = 4096


SYNCED = Outcome(Reason.SYNCED, ok=True)


def next_status(
    old: Status | None, outcome: Outcome, *, generation: int, now: datetime
) -> dict[str, Any] | None:
    """Return the status to write, or None where the one that is there says the same.

    ``now`` becomes lastUpdateTime, and lastTransitionTime of the conditions that turned.
    """
    wanted = _wanted(outcome)
    said = [_essence(one) for one in conditions(old) if one.get("type") in _OURS]
    if (old or {}).get("observedGeneration") == generation and said == [
        _essence(one) for one in wanted
    ]:
        return None
    more = {"lastUpdateTime": rfc3339(now)}
    return {
        "conditions": with_times(wanted, old, now, ours=_OURS, more=more),
        "observedGeneration": generation,
    }


_OURS = frozenset({"Synced", "Ready", "Reconciling", "Stalled"})


def _wanted(outcome: Outcome) -> list[Condition]:
    """The conditions in their order, without times."""
    kinds = [("Synced", outcome.ok), ("Ready", outcome.ok)]
    if not outcome.ok:
        kinds.append(("Stalled" if outcome.final else "Reconciling", True))
    return [
        condition(kind, is_true=is_true, outcome=outcome, longest=MAX_MESSAGE)
        for kind, is_true in kinds
    ]


def _essence(condition: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(condition.get(key) or "" for key in ("type", "status", "reason", "message"))


def is_synced(status: Status | None, generation: int) -> bool:
    """Whether the status says that this generation of the SealedSecret was synced."""
    synced = condition_of(status, "Synced").get("status") == "True"
    return synced and (status or {}).get("observedGeneration") == generation
