"""Requests to the API server at no more than a given rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class Pace:
    """Lets ``qps`` requests a second go, ``burst`` beyond that at once; 0 for no limit."""

    def __init__(
        self, qps: float, burst: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._qps, self._burst, self._clock = qps, max(burst, 1), clock
        self._next = 0.0

    async def wait(self) -> None:
        """Wait for one's turn."""
        if self._qps <= 0:
            return
        now = self._clock()
        self._next = max(self._next, now - (self._burst - 1) / self._qps)
        delay = self._next - now
        self._next += 1 / self._qps
        if delay > 0:
            await asyncio.sleep(delay)
