"""PURE: how long to wait after failures, and how often something may be done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

_MOST_DOUBLINGS = 30
"""Beyond these the longest wait was reached long ago; a float must not overflow."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """``first`` seconds, twice as long after each further failure, ``longest`` at most."""

    first: float
    longest: float
    spread: float = 0.0
    """By what part a wait is made longer or shorter at random."""

    def after(self, failures: int, random: Callable[[], float] | None = None) -> float:
        """Return the seconds to wait after so many failures in a row; 0 after none.

        ``random`` gives numbers from 0 to 1; without it nothing is spread.
        """
        if failures < 1:
            return 0.0
        doublings = min(failures - 1, _MOST_DOUBLINGS)
        seconds = min(self.longest, self.first * 2.0**doublings)
        if random is None:
            return seconds
        return min(self.longest, seconds * (1 + self.spread * (2 * random() - 1)))

    def __iter__(self) -> Iterator[float]:
        """Yield one wait after the other, without an end."""
        failures = 0
        while True:
            failures += 1
            yield self.after(failures)


class Bucket:
    """A token bucket: ``rate`` turns a second, ``burst`` of them at once after a rest."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._next = 0.0

    def delay(self) -> float:
        """Return the seconds until there is a turn; 0 or less where there is one now."""
        now = self._clock()
        self._next = max(self._next, now - (self._burst - 1) / self._rate)
        return self._next - now

    def take(self, turns: float = 1) -> None:
        """Count turns that are taken, in time or not."""
        self._next += turns / self._rate
