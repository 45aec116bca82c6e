"""The status of a SealedSecret: a value made of the last attempt, or nothing to write.

Bitnami's ``Synced`` stays the first condition: its printer columns and Argo CD read it.
``Ready``, ``Reconciling`` and ``Stalled`` are for kstatus, and so for Flux: work that goes on is
Reconciling, what only a person can cure is Stalled. Source: sigs.k8s.io/cli-utils ``kstatus``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from controller.conditions import Outcome
from controller.reasons import Reason

Status = Mapping[str, Any]
MAX_MESSAGE = 4096


SYNCED = Outcome(Reason.SYNCED, ok=True)


def next_status(
    old: Status | None, outcome: Outcome, *, generation: int, now: datetime
) -> dict[str, Any] | None:
    """Return the status to write, or None where the one that is there says the same.

    ``now`` becomes lastUpdateTime, and lastTransitionTime of the conditions that turned.
    """
    before = {one.get("type"): one for one in _conditions(old)}
    wanted = _wanted(outcome)
    said = [_essence(one) for one in _conditions(old) if one.get("type") in _OURS]
    if (old or {}).get("observedGeneration") == generation and said == [
        _essence(one) for one in wanted
    ]:
        return None
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    conditions = []
    for one in wanted:
        was = before.get(one["type"], {})
        turned = stamp
        if was.get("status") == one["status"] and was.get("lastTransitionTime"):
            turned = was["lastTransitionTime"]
        conditions.append({**one, "lastTransitionTime": turned, "lastUpdateTime": stamp})
    conditions.extend(dict(one) for one in _conditions(old) if one.get("type") not in _OURS)
    return {"conditions": conditions, "observedGeneration": generation}


_OURS = frozenset({"Synced", "Ready", "Reconciling", "Stalled"})


def _wanted(outcome: Outcome) -> list[dict[str, Any]]:
    """The conditions in their order, without times."""
    state = "True" if outcome.ok else "False"
    message = outcome.message[:MAX_MESSAGE]
    wanted = [
        _condition(type_, state, outcome.reason.value, message) for type_ in ("Synced", "Ready")
    ]
    if not outcome.ok:
        extra = "Stalled" if outcome.final else "Reconciling"
        wanted.append(_condition(extra, "True", outcome.reason.value, message))
    return wanted


def _condition(type_: str, status: str, reason: str, message: str) -> dict[str, Any]:
    condition = {"type": type_, "status": status, "reason": reason}
    return {**condition, "message": message} if message else condition


def _conditions(status: Status | None) -> Sequence[Mapping[str, Any]]:
    return (status or {}).get("conditions") or ()


def _essence(condition: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(condition.get(key) or "" for key in ("type", "status", "reason", "message"))


def is_synced(status: Status | None, generation: int) -> bool:
    """Whether the status says that this generation of the SealedSecret was synced."""
    synced = any(
        one.get("type") == "Synced" and one.get("status") == "True" for one in _conditions(status)
    )
    return synced and (status or {}).get("observedGeneration") == generation
