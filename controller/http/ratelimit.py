"""Limits by time: what each peer may ask of us (GCRA), and what we ask of the API server."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_PEERS = 10_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass, and what its answer's headers say."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: float
    retry_after_seconds: float


class RateLimit:
    """``rate`` requests a second, ``burst`` more at once, for each key."""

    def __init__(self, rate: int, burst: int, *, clock: Callable[[], float]) -> None:
        self._interval = 1 / rate if rate > 0 else 0.0
        self._limit = burst + 1
        self._clock = clock
        self._arrivals: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str) -> Verdict:
        """Count one request."""
        now = self._clock()
        tolerance = self._interval * self._limit
        arrival = max(self._arrivals.get(key, now), now)
        allowed = self._interval == 0 or arrival + self._interval - now <= tolerance + 1e-9
        if allowed:
            arrival += self._interval
            self._note(key, arrival)
        left = tolerance - (arrival - now)
        return Verdict(
            allowed=allowed,
            limit=self._limit,
            remaining=max(0, int((left + 1e-9) / self._interval))
            if self._interval
            else self._limit,
            reset_seconds=arrival - now,
            retry_after_seconds=0.0 if allowed else arrival + self._interval - tolerance - now,
        )

    def charge(self, key: str, requests: int) -> None:
        """Count a request that came as so many more: it turned out to be dear."""
        if requests > 0:
            now = self._clock()
            arrival = max(self._arrivals.get(key, now), now)
            self._note(key, arrival + requests * self._interval)

    def _note(self, key: str, arrival: float) -> None:
        self._arrivals[key] = arrival
        self._arrivals.move_to_end(key)
        if len(self._arrivals) > _PEERS:
            self._arrivals.popitem(last=False)
