"""PURE: how long the objects of a KeyVaultSecret hold, what is told of that, and when it turns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from controller.conditions import Outcome, rfc3339_of
from controller.keyvault.lines import Stamps
from controller.keyvault.target.desired import ObjectState
from controller.keyvault.vault import Stamp
from controller.reasons import Reason
from sealer.keyvault.references import Ref


def stamps(states: Iterable[ObjectState], before: Stamps) -> dict[Ref, Stamp]:
    """Return the stamps of all but earlier versions.

    What cannot be read just now and is in the Secret holds as long as it did before.
    """
    known = {}
    for state in states:
        if state.is_past:
            continue
        if state.found is not None:
            known[state.ref] = state.found.stamp
        elif state.keys and state.ref in before:
            known[state.ref] = before[state.ref]
    return known


def expiring(known: Stamps, warn: float, now: float) -> Outcome | None:
    """What expires within ``warn`` seconds, has expired or is not valid yet; None if nothing."""
    words: list[str] = []
    reasons: set[Reason] = set()
    for ref, stamp in known.items():
        if stamp.expires is not None and stamp.expires <= now:
            reasons.add(Reason.EXPIRED)
            words.append(f"{ref} has expired")
        elif stamp.expires is not None and stamp.expires - warn <= now:
            reasons.add(Reason.EXPIRES_SOON)
            words.append(f"{ref} expires at {rfc3339_of(stamp.expires)}")
        if stamp.not_before is not None and stamp.not_before > now:
            reasons.add(Reason.NOT_YET_VALID)
            words.append(f"{ref} is not valid before {rfc3339_of(stamp.not_before)}")
    for reason in (Reason.EXPIRED, Reason.EXPIRES_SOON, Reason.NOT_YET_VALID):
        if reason in reasons:
            return Outcome(reason, "; ".join(words))
    return None


def next_turn(known: Stamps, warn: float, now: float) -> float | None:
    """Seconds until ``expiring`` tells something else, None where it never does."""
    return min((turn - now for turn in _turns(known, warn) if turn > now), default=None)


def _turns(known: Stamps, warn: float) -> Iterator[float]:
    for stamp in known.values():
        if stamp.not_before is not None:
            yield stamp.not_before
        if stamp.expires is not None:
            yield stamp.expires - warn
            yield stamp.expires


def ends(known: Stamps) -> dict[str, float]:
    """When objects expire, by name: a secret, a key and pinned versions may share one."""
    first: dict[str, float] = {}
    for ref, stamp in known.items():
        if stamp.expires is not None:
            first[ref.name] = min(stamp.expires, first.get(ref.name, stamp.expires))
    return first


def earliest(known: Stamps) -> str | None:
    """The first end of all, in RFC 3339."""
    first = min(ends(known).values(), default=None)
    return None if first is None else rfc3339_of(first)
