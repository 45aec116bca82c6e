"""A level-triggered queue: a key waits once, is in one worker's hands at most, and comes again.

As client-go's workqueue: what is added while in work is done once more afterwards; ``later`` adds
after a delay, and the earlier of two times counts. With lanes, keys of one lane can hold up only
each other: so many of them are in work at once at most.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
_SPARE = 64


class WorkQueue(Generic[K]):
    """All methods run on the event loop; ``clock`` counts seconds, as the loop's does.

    ``lane`` says on what a key waits while in work; without a ``width`` there is no bound.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] | None = None,
        lane: Callable[[K], Hashable] = lambda key: None,
        width: int | None = None,
    ) -> None:
        self.clock = clock or asyncio.get_running_loop().time
        self._lane, self._width = lane, width
        self._busy: Counter[Hashable] = Counter()
        self._aside: dict[Hashable, tuple[dict[K, None], dict[K, None]]] = {}
        """What waits for a place in its lane: the urgent, the rest."""
        self._aside_in: dict[K, Hashable] = {}
        self._ready: OrderedDict[K, None] = OrderedDict()
        self._urgent: OrderedDict[K, None] = OrderedDict()
        self._waiting: set[K] = set()
        self._working: dict[K, Hashable] = {}
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
        if key in self._aside_in and self._aside_in[key] != self._lane(key):
            self._forget_aside(key)
            self._waiting.discard(key)
        if key in self._waiting:
            if urgent:
                self._hurry(key)
            return
        self._waiting.add(key)
        (self._urgent if urgent else self._ready)[key] = None
        self._wake.set()

    def _hurry(self, key: K) -> None:
        """Put what waits with the rest behind what is urgent."""
        if key in self._ready:
            del self._ready[key]
            self._urgent[key] = None
        elif key in self._aside_in:
            hurried, rest = self._aside[self._aside_in[key]]
            if key in rest:
                del rest[key]
                hurried[key] = None

    def later(self, key: K, seconds: float) -> None:
        """Have it done after a delay, unless it is done before."""
        due = self.clock() + seconds
        if key in self._waiting or self._due.get(key, due + 1) <= due:
            return
        if len(self._heap) > 2 * len(self._due) + _SPARE:
            # What was put off and then done before its time would stay for years.
            self._heap = [one for one in self._heap if self._due.get(one[2]) == one[0]]
            heapq.heapify(self._heap)
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
            self.promote()
            key = self._take()
            if key is not None:
                return key
            if self._closed and not self._waiting:
                return None
            await self._sleep()

    def done(self, key: K) -> None:
        """The worker is through with it."""
        lane = self._working.pop(key)
        self._busy[lane] -= 1
        if not self._busy[lane]:
            del self._busy[lane]
        self._let_in(lane)
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
            self._aside.clear()
            self._aside_in.clear()
        self._wake.set()

    def _take(self) -> K | None:
        while self._urgent or self._ready:
            is_urgent = bool(self._urgent)
            key, _ = (self._urgent if is_urgent else self._ready).popitem(last=False)
            lane = self._lane(key)
            if self._width is not None and self._busy[lane] >= self._width:
                urgent, rest = self._aside.setdefault(lane, ({}, {}))
                (urgent if is_urgent else rest)[key] = None
                self._aside_in[key] = lane
                continue
            self._busy[lane] += 1
            self._waiting.discard(key)
            self._working[key] = lane
            return key
        return None

    def _let_in(self, lane: Hashable) -> None:
        """There is a place in a lane: for what is urgent first."""
        urgent, rest = self._aside.get(lane, ({}, {}))
        if not urgent and not rest:
            return
        key = next(iter(urgent or rest))
        place = self._urgent if urgent else self._ready
        # Behind what waits of other lanes: a few full lanes would share all workers for ever.
        place[key] = None
        self._forget_aside(key)
        self._wake.set()

    def _forget_aside(self, key: K) -> None:
        lane = self._aside_in.pop(key)
        urgent, rest = self._aside[lane]
        urgent.pop(key, None)
        rest.pop(key, None)
        if not urgent and not rest:
            del self._aside[lane]

    def promote(self) -> None:
        """Have done what was put off until now."""
        now = self.clock()
        while self._heap and self._heap[0][0] <= now:
            due, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == due:
                self.add(key)

    async def _sleep(self) -> None:
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        timeout = max(0.0, self._heap[0][0] - self.clock()) if self._heap else None
        self._wake.clear()
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            return
