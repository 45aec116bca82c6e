"""Who may use a worker next: lanes take turns, and none of them takes all workers."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """``places`` of workers; a lane has all but one of them in work at most."""

    def __init__(self, places: int) -> None:
        """Two ``places`` or more: one is always for the other lanes."""
        self._free = places
        self._width = places - 1
        self._busy: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, lane: str) -> AsyncIterator[None]:
        """Wait for a place, and have it until the end."""
        await self._wait(lane)
        try:
            yield
        finally:
            self._give_back(lane)

    async def _wait(self, lane: str) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(lane, deque()).append(turn)
        self._hand_out()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(lane)
            else:
                self._leave(lane, turn)
            raise

    def _hand_out(self) -> None:
        while self._free:
            lane = next((one for one in self._waiting if self._busy[one] < self._width), None)
            if lane is None:
                return
            turn = self._waiting[lane].popleft()
            # The lane is the last of all now.
            self._waiting.move_to_end(lane)
            if not self._waiting[lane]:
                del self._waiting[lane]
            self._free -= 1
            self._busy[lane] += 1
            turn.set_result(None)

    def _give_back(self, lane: str) -> None:
        self._free += 1
        self._busy[lane] -= 1
        if not self._busy[lane]:
            del self._busy[lane]
        self._hand_out()

    def _leave(self, lane: str, turn: asyncio.Future[None]) -> None:
        waiting = self._waiting[lane]
        waiting.remove(turn)
        if not waiting:
            del self._waiting[lane]
