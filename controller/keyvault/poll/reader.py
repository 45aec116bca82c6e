"""Reads objects of one vault, each once for all who ask; values stay for a few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from controller.keyvault.poll.governor import Share
from controller.keyvault.poll.memory import Memory
from controller.keyvault.target.desired import Lost, Result
from controller.keyvault.target.values import BadValueError
from controller.keyvault.vault import DisabledError, Found, MissingError, Vault, VaultError
from controller.turns import Turns
from sealer.keyvault.references import Ref

RACY_SECONDS = 2.0
LINGER_SECONDS = 10.0
_PARALLEL, _MOST = 16, 12
ROOM = 4 * 2**20
"""Bytes of values that wait for others who want them."""
MAX_OBJECTS, MAX_BYTES = 1000, 2 * 2**20
"""Of one KeyVaultSecret: a Secret holds 1 MiB."""


def _batched(refs: Iterable[Ref]) -> Iterator[tuple[Ref, ...]]:
    """So many as are read at once: what is too much is seen before all of it is there."""
    rest = iter(refs)
    while some := tuple(islice(rest, 2 * _PARALLEL)):
        yield some


async def gathered(
    refs: Iterable[Ref], fetch: Callable[[Ref], Awaitable[Result]]
) -> dict[Ref, Result]:
    """Fetch each for one KeyVaultSecret; BadValueError once they are more than it may have."""
    results: dict[Ref, Result] = {}
    size = 0
    for some in _batched(dict.fromkeys(refs)):
        found = await asyncio.gather(*map(fetch, some))
        size += sum(len(one.value) for one in found if isinstance(one, Found))
        if size > MAX_BYTES:
            raise BadValueError(f"its values together are more than {MAX_BYTES >> 20} MiB")
        results.update(zip(some, found, strict=True))
    return results


class Reader:
    """``clock`` counts seconds, ``wall`` those since 1970; what it finds goes to ``memory``."""

    def __init__(
        self,
        vault: Vault,
        governor: Share,
        memory: Memory,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._vault, self._governor, self._memory = vault, governor, memory
        self._clock, self._wall = clock, wall
        self._values: dict[Ref, Found] = {}
        self._meanwhile: set[Ref] = set()
        """What was read since the poll's look began."""
        self._until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._flights: dict[Ref, asyncio.Task[Result]] = {}
        self._parallel = Turns(places=_PARALLEL, width=_MOST)
        self.held = 0
        """Bytes of the values that are kept."""

    def begin(self) -> None:
        """A poll begins: forget all values."""
        self._clear()

    def _clear(self) -> None:
        self._values.clear()
        self.held = 0

    def forget(self, refs: Iterable[Ref]) -> None:
        """Forget what was read of these."""
        for ref in refs:
            self._drop(ref)

    def _drop(self, ref: Ref) -> None:
        found = self._values.pop(ref, None)
        self.held -= len(found.value) if found else 0

    def value(self, ref: Ref) -> Found | None:
        """Return what was read in this poll; what nobody asked for in a while is gone."""
        if self._clock() > self._until:
            self._clear()
        found = self._values.get(ref)
        if found is not None:
            self._until = self._clock() + LINGER_SECONDS
        return found

    async def read(self, ref: Ref, lane: str = "") -> Result:
        """GET it, once for all who ask at the same time, in the turn of the first one's lane."""
        flight = self._flights.get(ref)
        if flight is None:
            flight = asyncio.create_task(self._get(ref, lane))
            self._flights[ref] = flight
            flight.add_done_callback(lambda _: self._flights.pop(ref, None))
        return await asyncio.shield(flight)

    async def look(self, refs: Iterable[Ref]) -> list[Result]:
        """GET each for a poll, which needs no values: those are kept as far as there is room."""
        results: list[Result] = []
        self._meanwhile.clear()
        for some in _batched(refs):
            read = await asyncio.gather(*map(self._look, some))
            results += (replace(one, value=b"") if isinstance(one, Found) else one for one in read)
        return results

    async def _look(self, ref: Ref) -> Result:
        """As ``read``, but for what somebody else read while the look was at others."""
        found = self._values.get(ref) if ref in self._meanwhile else None
        return await self.read(ref) if found is None else found

    def _keep(self, ref: Ref, found: Found) -> None:
        self._drop(ref)
        self._values[ref] = found
        self._meanwhile.add(ref)
        self.held += len(found.value)
        while self.held > ROOM:
            self._drop(next(iter(self._values)))
        self._until = self._clock() + LINGER_SECONDS
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._expire)

    def _expire(self) -> None:
        """Values nobody asks for any more do not wait in memory for the next poll."""
        self._timer = None
        if self._clock() > self._until:
            self._clear()
        elif self._values:
            self._timer = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._expire)

    async def _get(self, ref: Ref, lane: str) -> Result:
        asked = 0.0

        async def get() -> Found:
            nonlocal asked
            async with self._parallel.of(lane):
                asked = self._wall()
                return await self._vault.get(ref)

        try:
            found = await self._governor.ask(get, lane=lane)
        except DisabledError as error:
            return self._memory.note(ref, Lost(error, disabled=True))
        except MissingError as error:
            return self._memory.note_missing(ref, error)
        except VaultError as error:
            return self._memory.note(ref, error)
        self._keep(ref, found)
        # Stamps are of the vault's clock, and ours may be ahead of it.
        read = asked if found.answered is None else found.answered
        self._memory.note(ref, found, racy=found.stamp.updated >= read - RACY_SECONDS)
        return found
