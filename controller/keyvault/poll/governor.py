"""How fast one vault may be asked: a token bucket, and silence while it throttles.

Key Vault takes about 4,000 transactions in 10 s from everybody together; we take a twentieth.
https://learn.microsoft.com/azure/key-vault/general/service-limits
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from controller.keyvault.vault import ThrottledError

_T = TypeVar("_T")
RATE = 20.0
BURST = 200
_FIRST_PAUSE = 10.0
_LONGEST_PAUSE = 300.0


class Governor:
    """One for each vault and identity; ``clock`` counts seconds."""

    def __init__(
        self, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._next = 0.0
        self._pause = 0.0
        self.paused_until = 0.0

    async def wait(self) -> None:
        """Wait for a turn; ThrottledError at once while the vault is to be left alone."""
        now = self._clock()
        if now < self.paused_until:
            error = ThrottledError("the vault throttles: it is left alone for a while")
            error.retry_after = self.paused_until - now
            raise error
        self._next = max(self._next, now - (BURST - 1) / RATE)
        delay = self._next - now
        self._next += 1 / RATE
        if delay > 0:
            await self._sleep(delay)

    async def ask(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Ask the vault in one's turn; raises VaultError."""
        await self.wait()
        try:
            answer = await call()
        except ThrottledError as error:
            self.throttled(error.retry_after)
            raise
        self._pause = 0.0
        return answer

    def spend(self, turns: int) -> None:
        """Turns that were taken without waiting: the further pages of a listing."""
        self._next += turns / RATE

    def throttled(self, retry_after: float | None) -> None:
        """The vault said 429: it is left alone as long as it says, or twice as long each time."""
        now = self._clock()
        if now < self.paused_until:
            return  # another answer of the same storm
        self._pause = min(_LONGEST_PAUSE, max(_FIRST_PAUSE, self._pause * 2))
        self.paused_until = now + (retry_after or self._pause)
