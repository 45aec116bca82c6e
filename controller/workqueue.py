"""A level-triggered queue: a key waits once, is in one worker's hands at most, and comes again.

As client-go's workqueue: what is added while in work is done once more afterwards; ``later`` adds
after a delay, and the earlier of two times counts.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """All methods run on the event loop; ``clock`` counts seconds, as the loop's does."""

    def __init__(self, *, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or asyncio.get_running_loop().time
        self._ready: deque[K] = deque()
        self._urgent: deque[K] = deque()
        self._waiting: set[K] = set()
        self._working: set[K] = set()
        self._again: dict[K, bool] = {}
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._serial = 0
        self._wake = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def delayed(self) -> int:
        """How many keys wait for their time."""
        return len(self._due)

    @property
    def idle(self) -> bool:
        """Whether nothing waits, but for its time, and nothing is in work."""
        return not self._waiting and not self._working

    def is_working(self, key: K) -> bool:
        """Whether a worker has it."""
        return key in self._working

    def add(self, key: K, *, urgent: bool = False) -> None:
        """Have it done soon; ``urgent`` before what a restart brought."""
        self._due.pop(key, None)
        if self._closed:
            return
        if key in self._working:
            self._again[key] = urgent or self._again.get(key, False)
            return
        if key in self._waiting:
            return
        self._waiting.add(key)
        (self._urgent if urgent else self._ready).append(key)
        self._wake.set()

    def later(self, key: K, seconds: float) -> None:
        """Have it done after a delay, unless it is done before."""
        due = self._clock() + seconds
        if key in self._waiting or self._due.get(key, due + 1) <= due:
            return
        self._due[key] = due
        self._serial += 1
        heapq.heappush(self._heap, (due, self._serial, key))
        self._wake.set()

    def forget(self, key: K) -> None:
        """Drop its delayed time."""
        self._due.pop(key, None)

    async def get(self) -> K | None:
        """Return the next key, None once closed and empty; call ``done`` with it."""
        while True:
            self._promote()
            if self._urgent or self._ready:
                key = (self._urgent or self._ready).popleft()
                self._waiting.discard(key)
                self._working.add(key)
                return key
            if self._closed:
                return None
            await self._sleep()

    def done(self, key: K) -> None:
        """The worker is through with it."""
        self._working.discard(key)
        if key in self._again:
            self.add(key, urgent=self._again.pop(key))
        elif self._closed:
            self._wake.set()

    def close(self, *, discard: bool = False) -> None:
        """Take no more; what waits is still handed out, unless it is to be discarded."""
        self._closed = True
        self._due.clear()
        if discard:
            self._ready.clear()
            self._urgent.clear()
            self._waiting.clear()
        self._wake.set()

    def _promote(self) -> None:
        now = self._clock()
        while self._heap and self._heap[0][0] <= now:
            due, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == due:
                self.add(key)

    async def _sleep(self) -> None:
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        timeout = max(0.0, self._heap[0][0] - self._clock()) if self._heap else None
        self._wake.clear()
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            return
