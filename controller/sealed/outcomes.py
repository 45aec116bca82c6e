"""What an error means for a SealedSecret: its outcome, its event, and when to try again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from controller.api.errors import ClusterError, ConflictError, InvalidError, UnavailableError
from controller.backoff import Backoff
from controller.conditions import Outcome
from controller.reasons import Reason
from controller.sealed.desired import RefusedError
from controller.sealed.plan import UnmanagedError
from sealer.errors import (
    ManifestError,
    ManyErrors,
    NoKeyError,
    SealerError,
    TemplateError,
    UnsealError,
)

_LONGEST = 300.0
_FINAL, _PASSING = Backoff(5.0, _LONGEST, spread=0.2), Backoff(0.05, _LONGEST, spread=0.2)


@dataclass(frozen=True, slots=True)
class Failure:
    """An error, understood."""

    outcome: Outcome
    told: str
    """The message of the Event."""
    retry_after: float | None = None

    @property
    def metric(self) -> str:
        """The peer's word: fetch, unmanaged, unseal or update."""
        return self.outcome.reason.row.counted

    @property
    def event(self) -> Reason:
        """The reason of the Event."""
        return Reason.UNSEAL_FAILED if self.metric == "unseal" else Reason.UPDATE_FAILED


def understand(error: SealerError) -> Failure:
    """Sort an error by its class; the text is for people only."""
    reason, text = _reason(error), _with_hint(error)
    if not isinstance(error, _WRITING):
        message = unseal_message(error)
        return Failure(Outcome(reason, message), f"Failed to unseal: {message}")
    failed = f"failed update: {text}"
    if reason.row.final:
        return Failure(Outcome(reason, failed), text)
    return Failure(Outcome(reason, text), failed, getattr(error, "retry_after", None))


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


_WRITING = (RefusedError, ClusterError)
_OF_WRITING: tuple[tuple[type[SealerError], Reason], ...] = (
    (UnmanagedError, Reason.UNMANAGED),
    (RefusedError, Reason.REFUSED),
    (InvalidError, Reason.INVALID),
    (ConflictError, Reason.CONFLICT),
    (UnavailableError, Reason.UNAVAILABLE),
    (ClusterError, Reason.CLUSTER_ERROR),
)
_OF_OPENING: tuple[tuple[type[SealerError], Reason], ...] = (
    (NoKeyError, Reason.NO_KEY),
    (UnsealError, Reason.DAMAGED),
    (TemplateError, Reason.TEMPLATE_FAILED),
    (ManifestError, Reason.MALFORMED),
)


def _reason(error: SealerError) -> Reason:
    found = (error,) if isinstance(error, _WRITING) else tuple(parts(error))
    table = _OF_WRITING if isinstance(error, _WRITING) else _OF_OPENING
    for class_, reason in table:
        if any(isinstance(one, class_) for one in found):
            return reason
    return Reason.UNSEAL_ERROR


def delay(failure: Failure, tries: int, random: Callable[[], float]) -> float:
    """Return the seconds until the next try: doubling, spread by a fifth, five minutes at most.

    ``tries`` counts the failures in a row, from 1; ``random`` gives numbers from 0 to 1.
    """
    if failure.outcome.reason is Reason.CONFLICT and tries <= 3:
        return 0.0
    backoff = _FINAL if failure.outcome.final else _PASSING
    return min(_LONGEST, max(backoff.after(tries, random), failure.retry_after or 0.0))
