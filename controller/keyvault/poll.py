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
from math import ceil
from typing import TypeVar

from controller.keyvault.desired import Lost, Result
from controller.keyvault.governor import Governor
from controller.keyvault.memory import Known, Outcome, Select, Wants, disabled, missing
from controller.keyvault.vault import (
    DeniedError,
    DisabledError,
    Found,
    MissingError,
    Row,
    ThrottledError,
    Vault,
    VaultError,
)
from sealer.keyvault.references import KEY, Ref

PAGE = 25
RACY_SECONDS = 2.0
SETTLE_SECONDS = 3.0
PINNED_SECONDS = 86400.0
LINGER_SECONDS = 10.0
_PARALLEL = 16
_LIST_AGAIN = 12
_FUSE_LEAST = 3
_FIRST_DELAY = 5.0
_LONGEST_DELAY = 300.0
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
        self.acknowledged = False
        self.seconds = 0.0
        """How long the last cycle took."""
        self._known: dict[Ref, Known] = {}
        self._values: dict[Ref, Found] = {}
        self._values_until = 0.0
        self._flights: dict[Ref, asyncio.Task[Result]] = {}
        self._parallel = asyncio.Semaphore(_PARALLEL)
        self._cycle = 0
        self._list_denied_in: int | None = None
        self._fused: set[Ref] = set()
        self._failures = 0

    # What users ask.

    def want(self, user: str, refs: Iterable[Ref], select: Select | None) -> None:
        """Say what a user wants; replaces what it said before."""
        wants = Wants(frozenset(refs), select)
        if self.rows is not None and select is not None:
            wants.found = frozenset(select(self.rows.values()))
        self.users[user] = wants

    def drop(self, user: str) -> None:
        """It wants nothing any more."""
        self.users.pop(user, None)
        used = {ref for wants in self.users.values() for ref in wants.all}
        self._known = {ref: known for ref, known in self._known.items() if ref in used}

    async def listed(self) -> Iterable[Row]:
        """Return the rows of the last listing; lists if there was none. Raises VaultError."""
        if self.rows is None:
            await self._list()
        return (self.rows or {}).values()

    async def fetch(self, refs: Iterable[Ref], *, fresh: bool = False) -> dict[Ref, Result]:
        """Return each object with its value, or why there is none; ``fresh`` forgets back-offs."""
        if self._clock() > self._values_until:
            self._values.clear()
        wanted = list(dict.fromkeys(refs))
        results = await asyncio.gather(*(self._fetch(ref, fresh) for ref in wanted))
        return dict(zip(wanted, results, strict=True))

    def forget_values(self) -> None:
        """The cycle is over: nothing of a value stays."""
        self._values.clear()

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
        self._cycle += 1
        self._values.clear()
        self._values_until = self._clock() + max(self.interval, LINGER_SECONDS)
        before = {ref: known.mark for ref, known in self._known.items()}
        if self.outcome is not None and self.outcome.error is not None:
            # It may be back: what failed because of it waits no longer.
            for known in self._known.values():
                known.retry_at = 0
        try:
            listing, dirty = await self._look(before)
        except VaultError as error:
            self._failures += 1
            self.outcome = Outcome(error=error, objects=self._count)
            return self.outcome, set()
        recovered = self.outcome is not None and self.outcome.error is not None
        self._failures = 0
        fuse = self._check_fuse(before)
        self.outcome = Outcome(listing=listing, objects=self._count, fuse=fuse)
        return self.outcome, {*self.users} if recovered else dirty

    async def _look(
        self, before: Mapping[Ref, tuple[object, ...]]
    ) -> tuple[VaultError | None, set[str]]:
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
                listing, self.rows, self._list_denied_in = error, None, self._cycle
        elif self._list_denied_in is not None and self.outcome is not None:
            listing = self.outcome.listing
        if self.rows is None and not refs:
            await self._probe()
        results = await self._check({ref for wants in self.users.values() for ref in wants.all})
        failed = [result for result in results if isinstance(result, VaultError)]
        if failed and len(failed) == len(results) and self.rows is None:
            # Nothing was listed and nothing could be read: the vault is not ready.
            raise failed[0]
        dirty |= self._changed(before)
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
            if self._cycle - self._list_denied_in < _LIST_AGAIN:
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
                self._note(ref, Lost(disabled(ref), disabled=True))
        due = [ref for ref in refs if self._is_due(ref)]
        return await asyncio.gather(*(self._fly(ref) for ref in due))

    def _is_due(self, ref: Ref) -> bool:
        known = self._known.get(ref)
        if known is None or known.error is not None:
            return known is None or self._clock() >= known.retry_at
        if ref.is_pinned:
            return bool(known.missing_in) or self._clock() - known.checked >= PINNED_SECONDS
        if ref.type == KEY or self.rows is None:
            return True
        row = self._row(ref)
        if row is None:
            # Two cycles with a 404 are enough; from then on its absence from the list tells.
            return not self._is_confirmed(ref)
        return row.stamp.enabled and (row.stamp != known.stamp or known.racy)

    def _changed(self, before: Mapping[Ref, tuple[object, ...]]) -> set[str]:
        # Trouble that goes on is told again: a Secret grows stale while nothing changes.
        changed = {
            ref
            for ref, known in self._known.items()
            if known.mark != before.get(ref) or known.error is not None
        }
        return {user for user, wants in self.users.items() if wants.all & changed}

    def _may_be_torn(self, before: Mapping[Ref, tuple[object, ...]], dirty: set[str]) -> list[str]:
        """Users of whose objects several changed: they might be in the midst of a rotation."""

        def turned(ref: Ref) -> bool:
            known, was = self._known.get(ref), before.get(ref)
            return bool(was) and known is not None and known.mark != was and known.error is None

        return [user for user in dirty if sum(map(turned, self.users[user].all)) > 1]

    def _check_fuse(self, before: Mapping[Ref, tuple[object, ...]]) -> int:
        """Stop deletions where most of the vault's objects vanish at once."""
        had = [ref for ref, signature in before.items() if signature[:1] == ("found",)]
        lost = [
            ref
            for ref in had
            if ref in self._known and self._known[ref].signature[:1] == ("missing",)
        ]
        if len(lost) >= _FUSE_LEAST and len(lost) * 2 > len(had):
            self._fused |= set(lost)
        if self.acknowledged:
            self._fused.clear()
            self.acknowledged = False
        self._fused = {
            ref
            for ref in self._fused
            if ref in self._known and self._known[ref].signature[:1] == ("missing",)
        }
        return len(self._fused)

    async def _probe(self) -> None:
        """Ask for an object that is not there: a 404 proves address, token and right."""
        try:
            await self.governor.wait()
            await self._ask(self.vault.get(_PROBE))
        except MissingError:
            return

    # One object.

    async def _fetch(self, ref: Ref, fresh: bool) -> Result:
        found = self._values.get(ref)
        if found is not None:
            return found
        known = self._known.get(ref)
        row = self._row(ref)
        if row is not None and not row.stamp.enabled:
            return self._note(ref, Lost(disabled(ref), disabled=True))
        if known is not None and not fresh:
            if known.error is not None and self._clock() < known.retry_at:
                return known.error
            told = self._is_confirmed(ref) and self.rows is not None and row is None
            if told or self._cycle in known.missing_in:
                return Lost(missing(ref), confirmed=self._may_delete(ref))
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
            return self._note(ref, Lost(error, disabled=True))
        except MissingError as error:
            known = self._known.setdefault(ref, Known())
            known.missing_in.add(self._cycle)
            return self._note(ref, Lost(error, confirmed=self._may_delete(ref)))
        except VaultError as error:
            return self._note(ref, error)
        self._values[ref] = found
        self._values_until = max(self._values_until, self._clock() + LINGER_SECONDS)
        self._note(ref, found)
        self._known[ref].racy = found.stamp.updated >= asked - RACY_SECONDS
        return found

    async def _ask(self, call: Awaitable[_T]) -> _T:
        try:
            answer = await call
        except ThrottledError as error:
            self.governor.throttled(error.retry_after)
            raise
        self.governor.well()
        return answer

    def _note(self, ref: Ref, result: Result) -> Result:
        known = self._known.setdefault(ref, Known())
        known.checked = self._clock()
        if isinstance(result, VaultError):
            # Trouble says nothing about the object: what was known of it stays.
            known.error, known.tries = result, known.tries + 1
            wait = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** min(known.tries - 1, 6))
            known.retry_at = self._clock() + wait
            return result
        known.error, known.tries = None, 0
        if isinstance(result, Found):
            known.stamp, known.missing_in = result.stamp, set()
            known.signature = ("found", result.version, result.stamp)
        elif result.disabled:
            known.stamp, known.missing_in = None, set()
            known.signature = ("disabled",)
        else:
            known.stamp = None
            known.signature = ("missing", self._is_confirmed(ref), ref in self._fused)
        return result

    def _row(self, ref: Ref) -> Row | None:
        if self.rows is None or ref.type == KEY or ref.is_pinned:
            return None
        return self.rows.get(ref.listed_name)

    def _is_confirmed(self, ref: Ref) -> bool:
        known = self._known.get(ref)
        return known is not None and len(known.missing_in) >= 2

    def _may_delete(self, ref: Ref) -> bool:
        return self._is_confirmed(ref) and ref not in self._fused
