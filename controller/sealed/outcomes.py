"""What an error means for a SealedSecret: its outcome, its event, and when to try again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from controller.api.errors import ClusterError, ConflictError, InvalidError, UnavailableError
from controller.events import event as events
from controller.sealed.desired import RefusedError
from controller.sealed.plan import UnmanagedError
from controller.sealed.status import Outcome
from sealer.errors import (
    ManifestError,
    ManyErrors,
    NoKeyError,
    SealerError,
    TemplateError,
    UnsealError,
)

MAX_DELAY = 300.0
_FIRST_DELAYS = {True: 5.0, False: 0.05}
_JITTER = 0.2


@dataclass(frozen=True, slots=True)
class Failure:
    """An error, understood."""

    outcome: Outcome
    event: str
    """The reason of the Event."""
    told: str
    """The message of the Event."""
    metric: str
    """The peer's word: fetch, status, unmanaged, unseal or update."""
    retry_after: float | None = None


def understand(error: SealerError) -> Failure:
    """Sort an error by its class; the text is for people only."""
    if isinstance(error, UnmanagedError):
        return _update(error, "Unmanaged", "unmanaged")
    if isinstance(error, RefusedError):
        return _update(error, "Refused", "update")
    if isinstance(error, InvalidError):
        return _update(error, "Invalid", "update")
    if isinstance(error, ClusterError):
        reason = "Conflict" if isinstance(error, ConflictError) else "ClusterError"
        if isinstance(error, UnavailableError):
            reason = "Unavailable"
        outcome = Outcome(reason, _with_hint(error))
        told = f"failed update: {_with_hint(error)}"
        return Failure(outcome, events.UPDATE_FAILED, told, "fetch", error.retry_after)
    message = unseal_message(error)
    outcome = Outcome(_reason(error), message, final=True)
    return Failure(outcome, events.UNSEAL_FAILED, f"Failed to unseal: {message}", "unseal")


def _update(error: SealerError, reason: str, metric: str) -> Failure:
    outcome = Outcome(reason, f"failed update: {_with_hint(error)}", final=True)
    return Failure(outcome, events.UPDATE_FAILED, _with_hint(error), metric)


def _with_hint(error: SealerError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message


def unseal_message(error: SealerError) -> str:
    """Write failures as the peer does: each message once, with the keys it is about."""
    grouped: dict[str, list[str]] = {}
    for one in parts(error):
        text = "no key could decrypt secret" if isinstance(one, NoKeyError) else one.message
        keys = grouped.setdefault(text, [])
        key = getattr(one, "key", None)
        if key is not None:
            keys.append(key)
    return "; ".join(
        f"{text} ({', '.join(keys)})" if keys else text for text, keys in grouped.items()
    )


def parts(error: SealerError) -> Iterable[SealerError]:
    """The single errors of one."""
    if not isinstance(error, ManyErrors):
        return (error,)
    return tuple(one for each in error.errors for one in parts(each))


def _reason(error: SealerError) -> str:
    found = list(parts(error))
    for class_, reason in (
        (NoKeyError, "NoKey"),
        (UnsealError, "Damaged"),
        (TemplateError, "TemplateFailed"),
        (ManifestError, "Malformed"),
    ):
        if any(isinstance(one, class_) for one in found):
            return reason
    return "UnsealFailed"


def delay(failure: Failure, tries: int, random: Callable[[], float]) -> float:
    """Return the seconds until the next try: doubling, spread by a fifth, five minutes at most.

    ``tries`` counts the failures in a row, from 1; ``random`` gives numbers from 0 to 1.
    """
    if failure.outcome.reason == "Conflict" and tries <= 3:
        return 0.0
    first = _FIRST_DELAYS[failure.outcome.final]
    seconds = min(MAX_DELAY, first * 2.0 ** min(tries - 1, 16))
    spread = seconds * (1 + _JITTER * (2 * random() - 1))
    return min(MAX_DELAY, max(spread, failure.retry_after or 0.0))
