"""PURE: the status of the three kinds, so that kstatus (Flux, kubectl wait) tells the truth.

What only a person can cure is Stalled; work that goes on is Reconciling; a vault's outage leaves
a Secret that is good Ready, with the reason told, for ``max_stale`` seconds: or else one outage
would turn every Flux Kustomization red.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from controller import conditions
from controller.conditions import Condition, Outcome, condition, condition_of, rfc3339_of
from controller.keyvault.lines import SYNCED as SYNCED_LINE
from controller.keyvault.lines import Stamps, Status, ref_of, ref_text
from controller.keyvault.target.desired import ObjectState
from controller.keyvault.vault import Stamp, VaultError
from controller.reasons import Reason
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


def ready_conditions(outcome: Outcome, *, tolerated: bool) -> list[Condition]:
    """Ready, and Reconciling or Stalled where they are true; without times."""
    is_ready = outcome.ok or (tolerated and not outcome.final)
    kinds = [("Ready", is_ready)]
    if not outcome.ok and outcome.final:
        kinds.append(("Stalled", True))
    elif not is_ready:
        kinds.append(("Reconciling", True))
    return [_condition(kind, outcome, is_true=is_true) for kind, is_true in kinds]


def _condition(kind: str, outcome: Outcome, *, is_true: bool = True) -> Condition:
    return condition(kind, is_true=is_true, outcome=outcome, longest=MAX_MESSAGE)


def listing_condition(error: VaultError | None) -> Condition:
    """Listing: whether the vault may be listed, or why not."""
    if error is None:
        return _condition("Listing", Outcome(Reason.LISTED))
    return _condition("Listing", told(error, error.reason), is_true=False)


def expiry_condition(expiry: Outcome | None) -> list[Condition]:
    """The condition Expiring, where it is true."""
    return [] if expiry is None else [_condition("Expiring", expiry)]


def with_times(
    wanted: Iterable[Condition], old: Status, generation: int, now: datetime
) -> list[Condition]:
    """Add lastTransitionTime and observedGeneration; foreign conditions stay."""
    more = {"observedGeneration": generation}
    return conditions.with_times(wanted, old, now, ours=_KNOWN, more=more)


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
                line["updated"] = rfc3339_of(stamp.updated)
        elif state.state == "Disabled":
            line["enabled"] = False
        holds = state.found.stamp if state.found else stamps.get(state.ref, Stamp())
        if holds.not_before is not None:
            line["notBefore"] = rfc3339_of(holds.not_before)
        if holds.expires is not None:
            line["expires"] = rfc3339_of(holds.expires)
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


def ready_reason(status: Status) -> str:
    """The reason of Ready, empty where nothing was told yet."""
    return str(condition_of(status, "Ready").get("reason", ""))


def is_same(old: Status, new: Status) -> bool:
    """Whether nothing but times of attempts differs."""
    passing = ("nextSyncTime", "lastPollTime")
    return _essence(old, passing) == _essence(new, passing)


def _essence(status: Status, passing: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in status.items() if key not in passing and value is not None}
