"""Asks one vault under one identity for all who want something of it, as seldom as it can.

One listing tells which objects changed; only these are fetched, each once for all who use it.
Values are kept for the cycle only. A row that changed within two seconds of being read is read
again in the next cycle (as Git's index does with racy files): listings have one-second stamps.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from math import ceil
from typing import TypeVar

from controller.keyvault.desired import Lost, Result
from controller.keyvault.governor import Governor
from controller.keyvault.history import Histories
from controller.keyvault.memory import Mark, Memory, Outcome, Select, Wants, disabled, missing
from controller.keyvault.vault import (
    DeniedError,
    DisabledError,
    Found,
    MissingError,
    Row,
    ThrottledError,
    Vault,
    VaultError,
    VersionRow,
)
from sealer.keyvault.references import KEY, Ref

PAGE = 25
RACY_SECONDS = 2.0
SETTLE_SECONDS = 3.0
PINNED_SECONDS = 86400.0
LINGER_SECONDS = 10.0
_PARALLEL = 16
_LIST_AGAIN = 12
_FIRST_DELAY = 5.0
_PROBE = Ref("secret", "sealer-probe")

_T = TypeVar("_T")


class Poller:
    """``want`` and ``drop`` users, ``fetch`` for them, ``cycle`` again and again."""

    def __init__(
        self,
        vault: Vault,
        *,
        interval: float,
        mode: str = "Auto",
        clock: Callable[[], float],
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.vault, self.interval, self.mode = vault, interval, mode
        self._clock, self._wall, self._sleep, self._jitter = clock, wall, sleep, jitter
        self.governor = Governor(clock, sleep)
        self.users: dict[str, Wants] = {}
        self.rows: dict[str, Row] | None = None
        """The listing of this cycle, None where this cycle made none."""
        self._count: int | None = None
        self.outcome: Outcome | None = None
        self.seconds = 0.0
        """How long the last cycle took."""
        self._memory = Memory(clock)
        self._histories = Histories(self._list_versions)
        self._values: dict[Ref, Found] = {}
        self._values_until = 0.0
        self._flights: dict[Ref, asyncio.Task[Result]] = {}
        self._parallel = asyncio.Semaphore(_PARALLEL)
        self._list_denied_in: int | None = None
        self._failures = 0

    # What users ask.

    def want(
        self,
        user: str,
        refs: Iterable[Ref],
        select: Select | None,
        *,
        deletes: bool = False,
        delivered: Iterable[Ref] = (),
    ) -> None:
        """Say what a user wants; replaces what it said before.

        ``deletes`` when it takes out what is gone from the vault; ``delivered`` is what it says
        that it was given before.
        """
        wants = Wants(frozenset(refs), select, deletes=deletes, delivered=frozenset(delivered))
        if self.rows is not None and select is not None:
            wants.found = frozenset(select(self.rows.values()))
        if user in self.users:
            wants.accepted = self.users[user].accepted
        self.users[user] = wants

    async def history(self, user: str, ref: Ref, current: Found, count: int) -> tuple[Ref, ...]:
        """Return the versions before the current one, newest first, and want them, too.

        Raises VaultError.
        """
        past = await self._histories.before(ref, current, count)
        if user in self.users:
            self.users[user].refs |= frozenset(past)
        return past

    def accept(self, user: str) -> None:
        """Somebody has looked: what the fuse holds now is gone on purpose, as to this user."""
        if user in self.users:
            self.users[user].accepted |= self._memory.held

    def released(self, user: str, results: Mapping[Ref, Result]) -> dict[Ref, Result]:
        """Return the results as the fuse lets this user have them."""
        wants = self.users.get(user)
        accepted = wants.accepted if wants else frozenset()
        return {
            ref: replace(result, held=False)
            if isinstance(result, Lost) and ref in accepted
            else result
            for ref, result in results.items()
        }

    def drop(self, user: str) -> None:
        """It wants nothing any more."""
        self.users.pop(user, None)
        used = {ref for wants in self.users.values() for ref in wants.all}
        self._memory.keep_only(used)
        self._histories.keep_only(used)

    async def listed(self) -> Iterable[Row]:
        """Return the rows of the last listing; lists if there was none. Raises VaultError."""
        if self.rows is None:
            await self._list()
        return (self.rows or {}).values()

    async def list_anew(self) -> None:
        """Let ``listed`` tell what the vault has now; raises VaultError."""
        if self.rows is not None:
            await self._list()

    async def fetch(
        self, refs: Iterable[Ref], *, fresh: bool = False, anew: bool = False
    ) -> dict[Ref, Result]:
        """Return each object with its value, or why there is none.

        ``fresh`` forgets back-offs; ``anew`` values that were read and what the list told, too.
        """
        refs = tuple(refs)
        if self._clock() > self._values_until:
            self._values.clear()
        for ref in refs if anew else ():
            self._values.pop(ref, None)
        wanted = list(dict.fromkeys(refs))
        results = await asyncio.gather(*(self._fetch(ref, fresh, anew) for ref in wanted))
        return dict(zip(wanted, results, strict=True))

    # The cycle.

    def delay(self, outcome: Outcome) -> float:
        """Seconds until the next cycle."""
        pause = self.governor.paused_until - self._clock()
        if pause > 0:
            return pause + self._jitter()
        if outcome.error is not None:
            return min(
                max(self.interval, _FIRST_DELAY), _FIRST_DELAY * 2.0 ** min(self._failures, 6)
            )
        return self.interval * (1 + 0.1 * (2 * self._jitter() - 1))

    async def cycle(self) -> tuple[Outcome, set[str]]:
        """Look once at everything; return the outcome and the users whose objects changed."""
        started = self._clock()
        try:
            return await self._one_cycle()
        finally:
            self.seconds = self._clock() - started

    async def _one_cycle(self) -> tuple[Outcome, set[str]]:
        before = self._memory.begin_cycle()
        self._values.clear()
        self._values_until = self._clock() + max(self.interval, LINGER_SECONDS)
        if self.outcome is not None and self.outcome.error is not None:
            self._memory.end_back_offs()
        try:
            listing, dirty = await self._look(before)
        except VaultError as error:
            self._failures += 1
            self.outcome = Outcome(error=error, objects=self._count)
            return self.outcome, set()
        recovered = self.outcome is not None and self.outcome.error is not None
        self._failures = 0
        held = len(self._memory.held)
        self.outcome = Outcome(listing=listing, objects=self._count, fuse=held)
        return self.outcome, {*self.users} if recovered else dirty

    async def _look(self, before: Mapping[Ref, Mark]) -> tuple[VaultError | None, set[str]]:
        refs = {ref for wants in self.users.values() for ref in wants.all}
        listing: VaultError | None = None
        dirty: set[str] = set()
        listed = self._should_list(refs)
        if not listed:
            self.rows = None  # an old listing says nothing of today
        if listed:
            try:
                await self._list()
                dirty |= self._select()
            except DeniedError as error:
                if error.reason == "Firewall":
                    raise
                listing, self.rows, self._list_denied_in = error, None, self._memory.cycle
        elif self._list_denied_in is not None and self.outcome is not None:
            listing = self.outcome.listing
        if self.rows is None and not refs:
            await self._probe()
        results = await self._check({ref for wants in self.users.values() for ref in wants.all})
        failed = [result for result in results if isinstance(result, VaultError)]
        if failed and len(failed) == len(results) and self.rows is None:
            # Nothing was listed and nothing could be read: the vault is not ready.
            raise failed[0]
        self._memory.weigh(before, self.users.values())
        changed = self._memory.changed(before)
        dirty |= {user for user, wants in self.users.items() if wants.all & changed}
        torn = self._may_be_torn(before, dirty)
        if torn:
            await self._sleep(SETTLE_SECONDS)
            if self.rows is not None:
                await self._list()
            await self._check({ref for user in torn for ref in self.users[user].all})
        return listing, dirty

    def _should_list(self, refs: set[Ref]) -> bool:
        if self.mode == "Get":
            return False
        if self._list_denied_in is not None:
            if self._memory.cycle - self._list_denied_in < _LIST_AGAIN:
                return False
            self._list_denied_in = None
        if self.mode == "List" or any(wants.select for wants in self.users.values()):
            return True
        if self._count is None:
            return True
        if not self.users:
            return self.outcome is None or self.outcome.error is not None
        listed = [ref for ref in refs if ref.type != KEY and not ref.is_pinned]
        return ceil(self._count / PAGE) < len(listed)

    async def _list(self) -> None:
        await self.governor.wait()
        rows = await self._ask(self.vault.list_secrets())
        self.rows = {row.name.lower(): row for row in rows}
        self._count = len(self.rows)

    async def _list_versions(self, name: str) -> list[VersionRow]:
        await self.governor.wait()
        return await self._ask(self.vault.list_versions(name))

    def _select(self) -> set[str]:
        dirty = set()
        rows = (self.rows or {}).values()
        for user, wants in self.users.items():
            if wants.select is not None:
                found = frozenset(wants.select(rows))
                if found != wants.found:
                    dirty.add(user)
                wants.found = found
        return dirty

    async def _check(self, refs: set[Ref]) -> list[Result]:
        """Look again at what may have changed; return what came of that."""
        for ref in refs:
            row = self._row(ref)
            if row is not None and not row.stamp.enabled:
                self._memory.note(ref, Lost(disabled(ref), disabled=True))
        due = [ref for ref in refs if self._is_due(ref)]
        results = await asyncio.gather(*(self._fly(ref) for ref in due))
        for ref, result in zip(due, results, strict=True):
            if isinstance(result, Lost) and not result.disabled:
                self._memory.count_missing(ref)
        return results

    def _is_due(self, ref: Ref) -> bool:
        known = self._memory.find(ref)
        if known is None or known.error is not None:
            return known is None or self._clock() >= known.retry_at
        if ref.is_pinned:
            return bool(known.missing_in) or self._clock() - known.checked >= PINNED_SECONDS
        if ref.type == KEY or self.rows is None:
            return True
        row = self._row(ref)
        if row is None:
            # Two cycles with a 404 are enough; from then on its absence from the list tells.
            return not self._memory.is_confirmed(ref)
        return row.stamp.enabled and (row.stamp != known.stamp or known.racy)

    def _may_be_torn(self, before: Mapping[Ref, Mark], dirty: set[str]) -> list[str]:
        """Users of whose objects several changed: they might be in the midst of a rotation."""

        def turned(user: str) -> int:
            return sum(self._memory.turned(ref, before) for ref in self.users[user].all)

        return [user for user in dirty if turned(user) > 1]

    async def _probe(self) -> None:
        """Ask for an object that is not there: a 404 proves address, token and right."""
        try:
            await self.governor.wait()
            await self._ask(self.vault.get(_PROBE))
        except MissingError:
            return

    # One object.

    async def _fetch(self, ref: Ref, fresh: bool, anew: bool) -> Result:
        found = self._values.get(ref)
        if found is not None:
            return found
        known = self._memory.find(ref)
        row = self._row(ref)
        if row is not None and not row.stamp.enabled and not anew:
            return self._memory.note(ref, Lost(disabled(ref), disabled=True))
        if known is not None and not fresh:
            if known.error is not None and self._clock() < known.retry_at:
                return known.error
            told = self._memory.is_confirmed(ref) and self.rows is not None and row is None
            if told or known.absent_in == self._memory.cycle:
                return self._memory.lost(ref, missing(ref))
        return await self._fly(ref)

    async def _fly(self, ref: Ref) -> Result:
        """GET it, once for all who ask at the same time."""
        flight = self._flights.get(ref)
        if flight is None:
            flight = asyncio.create_task(self._get(ref))
            self._flights[ref] = flight
            flight.add_done_callback(lambda _: self._flights.pop(ref, None))
        return await asyncio.shield(flight)

    async def _get(self, ref: Ref) -> Result:
        try:
            async with self._parallel:
                await self.governor.wait()
                asked = self._wall()
                found = await self._ask(self.vault.get(ref))
        except DisabledError as error:
            return self._memory.note(ref, Lost(error, disabled=True))
        except MissingError as error:
            return self._memory.note_missing(ref, error)
        except VaultError as error:
            return self._memory.note(ref, error)
        self._values[ref] = found
        self._values_until = max(self._values_until, self._clock() + LINGER_SECONDS)
        self._memory.note(ref, found, racy=found.stamp.updated >= asked - RACY_SECONDS)
        return found

    async def _ask(self, call: Awaitable[_T]) -> _T:
        try:
            answer = await call
        except ThrottledError as error:
            self.governor.throttled(error.retry_after)
            raise
        self.governor.well()
        return answer

    def _row(self, ref: Ref) -> Row | None:
        if self.rows is None or ref.type == KEY or ref.is_pinned:
            return None
        return self.rows.get(ref.listed_name)
