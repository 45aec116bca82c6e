"""One poller at work for the vault resources that share it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from controller.keyvault.entry import VaultKey
from controller.keyvault.poll.poller import Poller
from controller.keyvault.vault import Vault
from sealer.keyvault.vaults import VaultResource


@dataclass(slots=True)
class Running:
    """A poller with its task."""

    poller: Poller
    vault: Vault
    task: asyncio.Task[None] | None = None
    vaults: set[VaultKey] = field(default_factory=set)
    """The resources that share it."""
    polled: datetime | None = None
    """When the last poll ended."""
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    """Set where a poll is due earlier than was said when it went to sleep."""

    def tune(self, resources: Iterable[VaultResource]) -> None:
        """Poll as often as the most demanding of them wants."""
        known = list(resources)
        if not known:
            return
        interval, mode = self.poller.interval, self.poller.mode
        self.poller.interval = min(one.interval for one in known)
        modes = {one.mode for one in known}
        self.poller.mode = modes.pop() if len(modes) == 1 else "Auto"
        if self.poller.interval < interval or self.poller.mode != mode:
            self.woken.set()

    async def rest(self, seconds: float, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Sleep until the next poll is due."""
        self.woken.clear()
        asleep = asyncio.ensure_future(sleep(seconds))
        woken = asyncio.create_task(self.woken.wait())
        try:
            await asyncio.wait({asleep, woken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asleep.cancel()
            woken.cancel()

    async def end(self) -> None:
        """Stop polling, unless it is its own poll that finds out, and let go of the vault."""
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()
        await self.vault.close()
