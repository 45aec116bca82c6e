"""One HTTP answer, who asks for it, and what can go wrong on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from sealer.errors import SealerError

TIMEOUT_SECONDS = 30


class ClusterError(SealerError):
    """The API server or the controller does not answer, or says no."""


class UnreachableError(ClusterError):
    """No answer at all; ``reason`` is what the network said."""

    def __init__(self, message: str, *, hint: str, reason: BaseException) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class NotDecryptableError(SealerError):
    """The controller cannot open the SealedSecret; it does not say which item."""


class Transport(Protocol):
    """One HTTP request to the controller's endpoint; ClusterError when nobody answers."""

    def request(self, method: str, path: str, body: bytes | None) -> Answer:
        """Send it; any status is an answer."""

    @property
    def place(self) -> str:
        """Whom it asks, as that is remembered: the same text for the same controller."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes = field(repr=False)
    retry_after: float | None = None


def seconds_of(header: str | None) -> float | None:
    try:
        return float(header) if header else None
    except ValueError:
        return None
