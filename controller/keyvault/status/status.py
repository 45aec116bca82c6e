"""PURE: the status of the three kinds, so that kstatus (Flux, kubectl wait) tells the truth.

What only a person can cure is Stalled; work that goes on is Reconciling; a vault's outage leaves
a Secret that is good Ready, with the reason told, for ``max_stale`` seconds: or else one outage
would turn every Flux Kustomization red.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from controller.conditions import Outcome
from controller.keyvault.lines import SYNCED as SYNCED_LINE
from controller.keyvault.lines import Stamps, Status, ref_of, ref_text
from controller.keyvault.target.desired import ObjectState
from controller.keyvault.vault import Stamp
from controller.reasons import Reason
from sealer import duration
from sealer.errors import ManyErrors, SealerError
from sealer.keyvault.references import Ref

MAX_MESSAGE = 2048
_KNOWN = ("Ready", "Reconciling", "Stalled", "Expiring", "Listing")


SYNCED = Outcome(Reason.SYNCED, "The Secret has what the vault holds.", ok=True)


def told(error: SealerError, reason: Reason) -> Outcome:
    """Put an error into words with its cure."""
    parts = error.errors if isinstance(error, ManyErrors) else (error,)
    return Outcome(reason, "; ".join(_with_place(one) for one in parts))


def _with_place(error: SealerError) -> str:
    from sealer.manifest import dotted

    path = getattr(error, "path", ())
    text = f"{dotted(path)} {error.message}" if path else error.message
    return f"{text} ({error.hint})" if error.hint else text


def max_stale(interval: float) -> float:
    """How long a good Secret stays Ready while its vault cannot be asked, in seconds."""
    return max(3 * interval, 3600.0)


def ready_conditions(outcome: Outcome, *, tolerated: bool) -> list[dict[str, Any]]:
    """Ready, and Reconciling or Stalled where they are true; without times."""
    state = "True" if outcome.ok or (tolerated and not outcome.final) else "False"
    conditions = [_condition("Ready", state, outcome)]
    if not outcome.ok:
        if outcome.final:
            conditions.append(_condition("Stalled", "True", outcome))
        elif state == "False":
            conditions.append(_condition("Reconciling", "True", outcome))
    return conditions


def _condition(kind: str, status: str, outcome: Outcome) -> dict[str, Any]:
    message = outcome.message[:MAX_MESSAGE]
    return {"type": kind, "status": status, "reason": outcome.reason.value, "message": message}


def expiry_condition(expiry: Outcome | None) -> list[dict[str, Any]]:
    """The condition Expiring, where it is true."""
    return [] if expiry is None else [_condition("Expiring", "True", expiry)]


def with_times(
    conditions: Iterable[dict[str, Any]], old: Status, generation: int, now: datetime
) -> list[dict[str, Any]]:
    """Add lastTransitionTime and observedGeneration; foreign conditions stay."""
    before = {one.get("type"): one for one in old.get("conditions") or ()}
    made = []
    for one in conditions:
        was = before.get(one["type"], {})
        turned = now_text(now)
        if was.get("status") == one["status"] and was.get("lastTransitionTime"):
            turned = was["lastTransitionTime"]
        made.append({**one, "lastTransitionTime": turned, "observedGeneration": generation})
    made.extend(one for kind, one in before.items() if kind not in _KNOWN)
    return made


def objects(states: Iterable[ObjectState], stamps: Stamps) -> list[dict[str, Any]]:
    """``status.objects``: names, versions, dates and keys; nothing of a value.

    ``stamps`` tell when what cannot be read just now begins and ends.
    """
    lines = []
    for state in states:
        line: dict[str, Any] = {"ref": ref_text(state.ref), "type": state.ref.type}
        if state.version:
            line["version"] = state.version
        if state.found is not None:
            stamp = state.found.stamp
            line["enabled"] = stamp.enabled
            if stamp.updated:
                line["updated"] = stamp_of(stamp.updated)
        elif state.state == "Disabled":
            line["enabled"] = False
        holds = state.found.stamp if state.found else stamps.get(state.ref, Stamp())
        if holds.not_before is not None:
            line["notBefore"] = stamp_of(holds.not_before)
        if holds.expires is not None:
            line["expires"] = stamp_of(holds.expires)
        if state.keys:
            line["keys"] = sorted(state.keys)
        line["state"] = state.state
        if state.message:
            line["message"] = state.message
        lines.append(line)
    return lines


def read_stamps(status: Status) -> dict[Ref, Stamp]:
    """When the objects of a status begin and end, but for earlier versions that came along."""
    found = {}
    for line in status.get("objects") or ():
        ref = ref_of(line)
        if not (ref.is_pinned and line.get("state") == SYNCED_LINE):
            dates = (_seconds(line.get(name)) for name in ("notBefore", "expires"))
            not_before, expires = dates
            found[ref] = Stamp(not_before=not_before, expires=expires)
    return found


def _seconds(text: object) -> float | None:
    return datetime.fromisoformat(str(text)).timestamp() if text else None


def condition(status: Status, kind: str) -> Mapping[str, Any]:
    """One condition, empty where it is not there."""
    found = (one for one in status.get("conditions") or () if one.get("type") == kind)
    return next(found, {})


def ready_reason(status: Status) -> str:
    """The reason of Ready, empty where nothing was told yet."""
    return str(condition(status, "Ready").get("reason", ""))


def is_same(old: Status, new: Status) -> bool:
    """Whether nothing but times of attempts differs."""
    passing = ("nextSyncTime", "lastPollTime")
    return _essence(old, passing) == _essence(new, passing)


def _essence(status: Status, passing: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in status.items() if key not in passing and value is not None}


def now_text(now: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp_of(seconds: float) -> str:
    """RFC 3339 of seconds since 1970."""
    return now_text(datetime.fromtimestamp(seconds, UTC))


def words(seconds: float) -> str:
    """A duration for people."""
    return duration.words(seconds)
