"""How fast one vault may be asked: a token bucket with turns for all who wait, and silence
while it throttles.

Key Vault takes about 4,000 transactions in 10 s from everybody together; we take a twentieth.
https://learn.microsoft.com/azure/key-vault/general/service-limits
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from controller.backoff import Backoff, Bucket
from controller.keyvault.vault import ThrottledError

_T = TypeVar("_T")
RATE = 20.0
BURST = 200
_PAUSES = Backoff(10.0, 300.0)


class Governor:
    """One for each vault, whoever asks; ``clock`` counts seconds.

    Whoever must wait waits in a lane: a namespace's, or that of the polls. Turns go to the lanes
    in turn, so that who asks for much waits for himself.
    """

    def __init__(
        self, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._bucket = Bucket(RATE, BURST, clock)
        self._storms = 0
        """Times in a row that it throttled."""
        self.paused_until = 0.0
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._serving: asyncio.Task[None] | None = None

    async def wait(self, lane: str = "") -> None:
        """Wait for a turn; ThrottledError while the vault is to be left alone."""
        self._check()
        if not self._waiting and self._bucket.delay() <= 0:
            self._bucket.take()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(lane, deque()).append(turn)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        await turn
        self._check()

    def _check(self) -> None:
        now = self._clock()
        if now < self.paused_until:
            error = ThrottledError("the vault throttles: it is left alone for a while")
            error.retry_after = self.paused_until - now
            raise error

    async def _serve(self) -> None:
        """Give turns to those that wait, until nobody does."""
        while self._waiting:
            delay = self._bucket.delay()
            # While it is to be left alone nobody need wait to hear it.
            if delay > 0 and self._clock() >= self.paused_until:
                await self._sleep(delay)
            lane, turns = self._waiting.popitem(last=False)
            turn = turns.popleft()
            if turns:
                self._waiting[lane] = turns
            if not turn.done():
                if self._clock() >= self.paused_until:
                    self._bucket.take()
                turn.set_result(None)

    async def ask(self, call: Callable[[], Awaitable[_T]], *, lane: str = "") -> _T:
        """Ask the vault in one's turn; raises VaultError."""
        await self.wait(lane)
        try:
            answer = await call()
        except ThrottledError as error:
            self.throttled(error.retry_after)
            raise
        self._storms = 0
        return answer

    def spend(self, turns: int) -> None:
        """Turns that were taken without waiting: the further pages of a listing."""
        self._bucket.take(turns)

    def throttled(self, retry_after: float | None) -> None:
        """The vault said 429: it is left alone as long as it says, or twice as long each time."""
        now = self._clock()
        if now < self.paused_until:
            return  # another answer of the same storm
        self._storms += 1
        self.paused_until = now + (retry_after or _PAUSES.after(self._storms))

    def of(self, lane: str) -> Share:
        """The governor for one who asks in this lane unless it says otherwise."""
        return Share(self, lane)


@dataclass(frozen=True, slots=True)
class Share:
    """A governor as one poller has it: its own requests wait in a lane of its own."""

    governor: Governor
    lane: str

    async def ask(self, call: Callable[[], Awaitable[_T]], *, lane: str = "") -> _T:
        """Ask the vault in one's turn; raises VaultError."""
        return await self.governor.ask(call, lane=lane or self.lane)

    def spend(self, turns: int) -> None:
        """Turns that were taken without waiting: the further pages of a listing."""
        self.governor.spend(turns)

    @property
    def paused_until(self) -> float:
        """Until when the vault is left alone."""
        return self.governor.paused_until
