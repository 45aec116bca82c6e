"""The listing of one vault: made once for all who ask, and not asked for where it is denied."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from controller.keyvault.poll.governor import Share
from controller.keyvault.vault import DeniedError, Row, Vault
from controller.reasons import Reason
from sealer.keyvault.references import KEY, Ref

Rows = Mapping[str, Row]
"""The vault's objects by their names in lower case."""
PAGE = 25
_AGAIN_SECONDS = 240.0


class Listing:
    """``rows`` by lower-case name, None where this poll made no listing."""

    def __init__(self, vault: Vault, governor: Share, clock: Callable[[], float]) -> None:
        self._vault, self._governor, self._clock = vault, governor, clock
        self.rows: Rows | None = None
        self.count: int | None = None
        """How many objects the vault had when last listed."""
        self.denied: DeniedError | None = None
        """Why it cannot be listed, where single objects can be read."""
        self._denied_until = self._made = 0.0
        self._flight: asyncio.Task[Rows] | None = None

    @property
    def may_be_tried(self) -> bool:
        """Whether it is allowed, or was denied long enough ago."""
        return self.denied is None or self._clock() >= self._denied_until

    @property
    def age(self) -> float:
        """Seconds since it was made."""
        return self._clock() - self._made

    def forget(self) -> None:
        """This poll makes none, and an old one says nothing of today."""
        self.rows = None

    def row(self, ref: Ref) -> Row | None:
        """Return the row of an object; keys and versions have none."""
        if self.rows is None or ref.type == KEY or ref.is_pinned:
            return None
        return self.rows.get(ref.listed_name)

    async def make(self) -> Rows:
        """List, once for all who ask at the same time; raises VaultError.

        What it returns is that listing: ``rows`` may be forgotten before somebody's turn comes.
        """
        if self._flight is None:
            self._flight = asyncio.create_task(self._make())
            self._flight.add_done_callback(self._done)
        return await asyncio.shield(self._flight)

    async def make_anew(self) -> Rows:
        """List, and not as one that began before; raises VaultError."""
        if self._flight is not None:
            await asyncio.wait([self._flight])
        return await self.make()

    async def _make(self) -> Rows:
        began = self._clock()
        try:
            rows = await self._governor.ask(self._vault.list_secrets)
        except DeniedError as error:
            if error.reason != Reason.FIREWALL:
                self.denied, self._denied_until = error, self._clock() + _AGAIN_SECONDS
                self.rows = None
            raise
        self.denied = None
        self.rows = found = {row.name.lower(): row for row in rows}
        self.count, self._made = len(found), began
        self._governor.spend(len(found) // PAGE)
        return found

    def _done(self, task: asyncio.Task[Rows]) -> None:
        self._flight = None
        if not task.cancelled():
            task.exception()  # whoever asked may be gone
