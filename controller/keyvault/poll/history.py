"""The versions that an object had before: listed when it changes, and not again until then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

from controller.keyvault.vault import Found, VersionRow
from sealer.keyvault.references import Ref


class Histories:
    """``ask`` lists the versions of an object by name, in a lane; raises VaultError."""

    def __init__(self, ask: Callable[[str, str], Awaitable[list[VersionRow]]]) -> None:
        self._ask = ask
        self._listed: dict[Ref, tuple[str, tuple[VersionRow, ...]]] = {}
        self._locks: dict[Ref, asyncio.Lock] = {}

    async def before(self, ref: Ref, current: Found, count: int, lane: str) -> tuple[Ref, ...]:
        """Return the ``count`` newest enabled versions before the current one, newest first."""
        async with self._locks.setdefault(ref, asyncio.Lock()):
            known = self._listed.get(ref)
            if known is None or known[0] != current.version:
                rows = await self._ask(ref.name, lane)
                known = self._listed[ref] = (current.version, tuple(rows))
        older = [
            row
            for row in known[1]
            # Listings come in the order of ids. One that was made meanwhile is for the next poll.
            if row.version != current.version
            and row.stamp.enabled
            and row.stamp.created <= current.stamp.created
        ]
        older.sort(key=lambda row: (-row.stamp.created, row.version))
        return tuple(Ref(ref.type, ref.name, row.version) for row in older[:count])

    def keep_only(self, refs: Collection[Ref]) -> None:
        """Forget what nobody wants any more."""
        self._listed = {ref: known for ref, known in self._listed.items() if ref in refs}
        self._locks = {ref: lock for ref, lock in self._locks.items() if ref in refs}
