"""PURE: how an attempt ended, and the conditions of a status that say so; both halves use these."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from controller.reasons import Reason

Status = Mapping[str, Any]
Condition = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended."""

    reason: Reason
    message: str = ""
    """For people. Names places, never values."""
    ok: bool = False

    @property
    def final(self) -> bool:
        """Whether only a person can cure it."""
        return self.reason.row.final


def condition(kind: str, *, is_true: bool, outcome: Outcome, longest: int) -> Condition:
    """Return a condition without times, its message cut at ``longest`` characters."""
    made = {
        "type": kind,
        "status": "True" if is_true else "False",
        "reason": outcome.reason.value,
    }
    message = outcome.message[:longest]
    return {**made, "message": message} if message else made


def conditions(status: Status | None) -> Sequence[Mapping[str, Any]]:
    """The conditions of a status."""
    return (status or {}).get("conditions") or ()


def condition_of(status: Status | None, kind: str) -> Mapping[str, Any]:
    """One condition of a status, empty where it is not there."""
    return next((one for one in conditions(status) if one.get("type") == kind), {})


def with_times(
    wanted: Iterable[Condition],
    old: Status | None,
    now: datetime,
    *,
    ours: Collection[str],
    more: Mapping[str, Any],
) -> list[Condition]:
    """Return what is wanted with lastTransitionTime and ``more``, then others' conditions.

    The time is that of before where the condition has not turned; ``ours`` are the types that
    nobody else may have put there.
    """
    made = []
    for one in wanted:
        was, turned = condition_of(old, one["type"]), rfc3339(now)
        if was.get("status") == one["status"] and was.get("lastTransitionTime"):
            turned = was["lastTransitionTime"]
        made.append({**one, "lastTransitionTime": turned, **more})
    return made + [dict(one) for one in conditions(old) if one.get("type") not in ours]


def rfc3339(now: datetime) -> str:
    """A time in UTC, to the second."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_of(seconds: float) -> str:
    """The same of seconds since 1970."""
    return rfc3339(datetime.fromtimestamp(seconds, UTC))
