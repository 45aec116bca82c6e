"""Requests to the API server at no more than a given rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from controller.backoff import Bucket


class Pace:
    """Lets ``qps`` requests a second go, ``burst`` beyond that at once; 0 for no limit."""

    def __init__(
        self, qps: float, burst: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bucket = Bucket(qps, max(burst, 1), clock) if qps > 0 else None

    async def wait(self) -> None:
        """Wait for one's turn."""
        if self._bucket is None:
            return
        delay = self._bucket.delay()
        self._bucket.take()
        if delay > 0:
            await asyncio.sleep(delay)
