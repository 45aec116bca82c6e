"""Places for work that costs, shared between lanes: whoever asks for much waits for himself.

A lane holds ``width`` places at most, fewer than there are: one is left for the others, however
much one lane asks for. Those that wait are let in one of each lane in turn.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


def cores() -> int:
    """How many threads compute at once."""
    return os.cpu_count() or 1


class Turns:
    """All methods run on the event loop."""

    def __init__(self, *, places: int | None = None, width: int | None = None) -> None:
        """Without figures: a lane has all cores, and there is one place more."""
        self._free = cores() + 1 if places is None else places
        self._width = cores() if width is None else width
        self._busy: Counter[Hashable] = Counter()
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def of(self, lane: Hashable) -> AsyncIterator[None]:
        """Hold a place of this lane."""
        await self._take(lane)
        try:
            yield
        finally:
            self._leave(lane)

    async def _take(self, lane: Hashable) -> None:
        # Whoever could be let in was: those that wait with a place free have full lanes.
        if self._free and self._busy[lane] < self._width:
            self._hold(lane)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(lane, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(lane)
            raise

    def _hold(self, lane: Hashable) -> None:
        self._free -= 1
        self._busy[lane] += 1

    def _leave(self, lane: Hashable) -> None:
        self._free += 1
        self._busy[lane] -= 1
        if not self._busy[lane]:
            del self._busy[lane]
        for waiting in tuple(self._waiting):
            if self._free and self._busy[waiting] < self._width:
                self._let_in(waiting)

    def _let_in(self, lane: Hashable) -> None:
        turns = self._waiting.pop(lane)
        while turns:
            turn = turns.popleft()
            if not turn.done():
                self._hold(lane)
                turn.set_result(None)
                break
        if turns:
            self._waiting[lane] = turns
