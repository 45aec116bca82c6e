"""Asks one vault under one identity for all who want something of it, as seldom as it can.

One listing tells which objects changed; only these are fetched, each once for all who use it.
Values are kept for the cycle only. A row that changed within two seconds of being read is read
again in the next cycle (as Git's index does with racy files): listings have one-second stamps.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Set
from dataclasses import replace
from math import ceil
from typing import TypeVar

from controller.backoff import Backoff
from controller.keyvault.poll.governor import Governor, Share
from controller.keyvault.poll.history import Histories
from controller.keyvault.poll.listing import PAGE, Listing, Rows
from controller.keyvault.poll.memory import (
    Memory,
    Polled,
    Select,
    Wants,
    delivered_to,
    disabled,
    missing,
)
from controller.keyvault.poll.reader import Reader, gathered
from controller.keyvault.target.desired import Lost, Result
from controller.keyvault.vault import (
    DeniedError,
    Found,
    MissingError,
    ThrottledError,
    Vault,
    VaultError,
    VersionRow,
)
from controller.reasons import Reason
from sealer.keyvault.references import KEY, Ref

SETTLE_SECONDS = 3.0
PINNED_SECONDS = 86400.0
_POLL_APART = 0.85  # of the interval: a poll comes up to a tenth early
_FIRST_DELAY, _LONGEST_DELAY = 5.0, 320.0
_YOUNG_SECONDS = 1.0
_LONGEST_ABSENCE = 240.0
"""Less than the longest wait of what failed: an hour's poll must not make it wait an hour."""
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
        governor: Share | None = None,
    ) -> None:
        self.vault, self.interval, self.mode = vault, interval, mode
        self._clock, self._wall, self._sleep, self._jitter = clock, wall, sleep, jitter
        self.governor = governor or Governor(clock, sleep).of("")
        self.users: dict[str, Wants] = {}
        self.outcome: Polled | None = None
        self.seconds = 0.0
        """How long the last cycle took."""
        self._memory = Memory(clock)
        self._histories = Histories(self._list_versions)
        self.listing = Listing(vault, self.governor, clock)
        self.reader = Reader(vault, self.governor, self._memory, clock, wall)
        self._selected: Mapping[str, tuple[object, ...]] | None = None
        """What a find can tell of the listing that all finds have looked at."""
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
        if self.listing.rows is not None and select is not None:
            wants.found = frozenset(select(self.listing.rows.values()))
        if user in self.users:
            wants.accepted = self.users[user].accepted
        self.users[user] = wants

    async def history(self, user: str, ref: Ref, current: Found, count: int) -> tuple[Ref, ...]:
        """Return the versions before the current one, newest first, and want them; VaultError."""
        past = await self._histories.before(ref, current, count, user.partition("/")[0])
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

    async def listed(self, *, fresh: bool = False, anew: bool = False) -> Rows:
        """Return this poll's listing; lists if there is none, or ``anew``. Raises VaultError.

        ``fresh`` is for what is new: it wants what was put into the vault just before.
        """
        if anew:
            return await self.listing.make_anew()
        rows = self.listing.rows
        is_old = fresh and self.listing.age > _YOUNG_SECONDS and not self._is_failing
        return await self.listing.make() if rows is None or is_old else rows

    async def fetch(
        self, refs: Iterable[Ref], *, fresh: bool = False, anew: bool = False, lane: str = ""
    ) -> dict[Ref, Result]:
        """Return each object with its value, or why there is none.

        ``fresh`` forgets back-offs; ``anew`` values that were read and what the list told, too.
        ``lane`` is the namespace that waits for it.
        """
        refs = tuple(refs)
        away = self.outcome.error if self.outcome else None
        if away is not None and not anew and not (fresh and isinstance(away, DeniedError)):
            # The next poll finds out whether it is back: not each of its users.
            return dict.fromkeys(refs, away)
        self.reader.forget(refs if anew else ())
        return await gathered(refs, lambda ref: self._fetch(ref, fresh, anew, lane))

    # The cycle.

    def delay(self, outcome: Polled) -> float:
        """Seconds until the next cycle."""
        pause = self.governor.paused_until - self._clock()
        if pause > 0:
            return pause + self._jitter()
        if outcome.error is not None:
            longest = min(max(self.interval, _FIRST_DELAY), _LONGEST_DELAY)
            return Backoff(_FIRST_DELAY, longest).after(self._failures + 1)
        return self.interval * (1 + 0.1 * (2 * self._jitter() - 1))

    async def cycle(self) -> tuple[Polled, set[str]]:
        """Look once at everything; return the outcome and the users whose objects changed."""
        started = self._clock()
        try:
            return await self._one_cycle()
        finally:
            self.seconds = self._clock() - started

    async def _one_cycle(self) -> tuple[Polled, set[str]]:
        is_first, self._memory.poll_apart = self.outcome is None, _POLL_APART * self.interval
        wanted = self._wanted
        self._memory.begin_cycle(wanted)
        self._histories.keep_only(wanted)
        self.reader.begin()
        if self._is_failing:
            self._memory.end_back_offs()
        try:
            dirty = await self._look()
        except VaultError as error:
            self._failures += 1
            self.outcome = Polled(error=error, objects=self.listing.count)
            # One hiccup is no news to users: the next look is seconds away.
            told = is_first or self._failures > 1
            return self.outcome, {*self.users} if told else set()
        self._failures = 0
        self._memory.end_cycle()
        held = len(self._memory.held)
        self.outcome = Polled(listing=self.listing.denied, objects=self.listing.count, fuse=held)
        return self.outcome, dirty

    @property
    def _is_failing(self) -> bool:
        return self.outcome is not None and self.outcome.error is not None

    @property
    def _wanted(self) -> set[Ref]:
        return {ref for wants in self.users.values() for ref in wants.all}

    async def _look(self) -> set[str]:
        dirty, answered = await self._look_around()
        results = await self._check(self._wanted)
        self._judge(results, answered=answered)
        self._memory.weigh(self.users.values())
        torn = self._may_be_torn()
        if torn:
            await self._sleep(SETTLE_SECONDS)
            if self.listing.rows is not None:
                await self.listing.make()
            await self._check({ref for user in torn for ref in self.users[user].all})
        changed = self._memory.changed()
        return dirty | {user for user, wants in self.users.items() if wants.all & changed}

    async def _look_around(self) -> tuple[set[str], bool]:
        """List, or see that the vault is there; return who finds something else, and whether."""
        refs = self._wanted
        if self._should_list(refs):
            try:
                await self.listing.make()
            except DeniedError as error:
                if error.reason == Reason.FIREWALL:
                    raise
            else:
                return await self._select(), True
        self.listing.forget()
        if refs and not self._is_failing:
            return set(), False
        try:
            await self._probe()
        except DeniedError:
            if not refs:
                raise
            return set(), False
        return set(), True

    def _judge(self, results: list[Result], *, answered: bool) -> None:
        """Raise VaultError where nothing shows that the vault answers."""
        failed = [result for result in results if isinstance(result, VaultError)]
        for error in failed:
            if isinstance(error, ThrottledError):
                raise error
        if answered or len(failed) < len(results):
            return
        stands = failed[0] if failed else self._memory.trouble(self._wanted)
        if stands is None:
            return  # nothing was due
        if isinstance(stands, DeniedError) and self._memory.has_good(self._wanted):
            return  # others may be read
        raise stands

    def _should_list(self, refs: set[Ref]) -> bool:
        if not self.listing.may_be_tried:
            return False
        if any(wants.select for wants in self.users.values()):
            return True
        if self.mode == "Get":
            return False
        if self.mode == "List" or self.listing.count is None:
            return True
        if not self.users:
            return self.outcome is None or self._is_failing
        listed = [ref for ref in refs if ref.type != KEY and not ref.is_pinned]
        return ceil(self.listing.count / PAGE) < len(listed)

    async def _list_versions(self, name: str, lane: str) -> list[VersionRow]:
        return await self.governor.ask(lambda: self.vault.list_versions(name), lane=lane)

    async def _select(self) -> set[str]:
        """Let all who find look at a listing that differs; return who finds something else."""
        dirty: set[str] = set()
        rows = self.listing.rows or {}
        traits = {
            name: (row.stamp.enabled, row.stamp.tags, row.managed) for name, row in rows.items()
        }
        if traits == self._selected:
            return dirty
        for user, wants in tuple(self.users.items()):
            if wants.select is not None:
                found = frozenset(wants.select(rows.values()))
                if found != wants.found:
                    dirty.add(user)
                wants.found = found
                await asyncio.sleep(0)  # many users and objects must not hold up everything else
        self._selected = traits
        return dirty

    async def _check(self, refs: set[Ref]) -> list[Result]:
        """Look again at what may have changed; return what came of that."""
        delivered = delivered_to(self.users.values())
        never = {ref for ref in refs if self._never_was(ref, delivered)}
        for ref in refs:
            row = self.listing.row(ref)
            if row is not None and not row.stamp.enabled:
                self._memory.note(ref, Lost(disabled(ref), disabled=True))
            elif ref in never:
                self._memory.note_missing(ref, missing(ref))
                self._memory.count_missing(ref)
        due = [ref for ref in refs - never if self._is_due(ref)]
        results = await self.reader.look(due)
        pairs = zip(due, results, strict=True)
        lost = [ref for ref, one in pairs if isinstance(one, Lost) and not one.disabled]
        if lost:
            await self._count_missing(lost)
        return results

    async def _count_missing(self, lost: list[Ref]) -> None:
        """Count 404s, but for what is only switched off: its GET may say 404, too."""
        new = [ref for ref in lost if not self._memory.is_confirmed(ref)]
        unlisted = self.listing.rows is None and self.listing.may_be_tried
        if unlisted and any(ref.type != KEY and not ref.is_pinned for ref in new):
            try:
                await self.listing.make()
            except DeniedError:
                pass  # then a 404 is all there is to know
            except VaultError:
                return
        for ref in new:
            row = self.listing.row(ref)
            if row is None:
                self._memory.count_missing(ref)
            elif not row.stamp.enabled:
                self._memory.note(ref, Lost(disabled(ref), disabled=True))

    def _never_was(self, ref: Ref, delivered: Set[Ref]) -> bool:
        """Whether the listing lacks what nobody ever had: no GET need say so again.

        What somebody had is asked for before it counts as gone: a list might be cut.
        """
        if self.listing.rows is None or ref.type == KEY or ref.is_pinned:
            return False
        known = self._memory.find(ref)
        return (
            self.listing.row(ref) is None
            and not (known is not None and known.seen)
            and ref not in delivered
        )

    def _is_due(self, ref: Ref) -> bool:
        known = self._memory.find(ref)
        if known is None or known.error is not None:
            return known is None or self._clock() >= known.retry_at
        if ref.is_pinned:
            return bool(known.missing_in) or self._clock() - known.checked >= PINNED_SECONDS
        if ref.type == KEY or self.listing.rows is None:
            return True
        row = self.listing.row(ref)
        if row is None:
            # Two cycles with a 404 are enough; from then on its absence from the list tells.
            return not self._memory.is_confirmed(ref)
        return row.stamp.enabled and (row.stamp != known.stamp or known.racy)

    def _may_be_torn(self) -> list[str]:
        """Users of whose objects several changed: they might be in the midst of a rotation."""

        def turned(user: str) -> int:
            return sum(map(self._memory.turned, self.users[user].all))

        return [user for user in self.users if turned(user) > 1]

    async def _probe(self) -> None:
        """Ask for an object that is not there: a 404 proves address, token and right."""
        try:
            await self.governor.ask(lambda: self.vault.get(_PROBE))
        except MissingError:
            return

    # One object.

    async def _fetch(self, ref: Ref, fresh: bool, anew: bool, lane: str) -> Result:
        found = self.reader.value(ref)
        if found is not None:
            return found
        known = self._memory.find(ref)
        row = self.listing.row(ref)
        if row is not None and not row.stamp.enabled and not anew:
            return self._memory.note(ref, Lost(disabled(ref), disabled=True))
        if known is not None and not fresh:
            if known.error is not None and self._clock() < known.retry_at:
                return known.error
            told = self._memory.is_confirmed(ref) and self.listing.rows is not None and row is None
            told = told or self._never_was(ref, delivered_to(self.users.values()))
            asked = known.absent_in == self._memory.cycle
            since = self.listing.age if told else self._clock() - known.checked
            if (told or asked) and since < _LONGEST_ABSENCE:
                return self._memory.lost(ref, missing(ref))
        return await self.reader.read(ref, lane)
