"""One controller among those that share its work: joins, renews, watches the others, leaves.

Nothing here decides what the work is. Others ask ``owns`` before they begin, ``seconds`` before
they write, and are told when the members change.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

from controller.api.cluster import Manifest, WatchEvent
from controller.api.errors import ClusterError, ConflictError, ForbiddenError, NotFoundError
from controller.membership.lease import GROUP_LABEL, Identity, Lease, Times, manifest
from controller.membership.members import Members
from controller.membership.shards import owner

_LOG = logging.getLogger(__name__)
_LONG_DEAD: Final = 20.0
"""Times what a Lease says: after that a member removes what another left behind."""
_CLEANING: Final = "duty/leases"


class Leases(Protocol):
    """What a member asks of the API server."""

    async def create_lease(self, manifest: Mapping[str, Any]) -> Manifest:
        """Create it; AlreadyExistsError, ForbiddenError."""

    async def renew_lease(self, manifest: Mapping[str, Any], uid: str) -> Manifest:
        """Bring exactly this object up to date; ConflictError, NotFoundError, ForbiddenError."""

    async def delete_lease(self, namespace: str, name: str, uid: str, version: str = "") -> None:
        """Delete this object, in this state if one is named; NotFoundError, ConflictError."""

    def watch_leases(self, namespace: str, selector: str) -> AsyncIterator[WatchEvent]:
        """List, then watch, without an end."""


class Membership:
    """Its methods run on the event loop; run ``watch`` and ``renew``, at the end ``leave``."""

    def __init__(
        self,
        leases: Leases,
        me: Identity,
        times: Times,
        *,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        can_work: Callable[[], Awaitable[None]],
        is_working: Callable[[], bool],
        on_change: Callable[[], None],
    ) -> None:
        """``can_work`` returns once all watches have caught up; ``is_working`` tells of progress.

        ``clock`` counts seconds of a monotonic clock; ``now`` is only written for people to read.
        """
        self.me, self.times = me, times
        self._leases, self._clock, self._now = leases, clock, now
        self._can_work, self._is_working, self._on_change = can_work, is_working, on_change
        self._members = Members()
        self._others: frozenset[str] = frozenset()
        self._listed = asyncio.Event()
        self._mine: Manifest | None = None
        self._joined: datetime | None = None
        self._renewed = -math.inf
        self._alone = self._leaving = self._lapsed = False
        self._told = ""

    # What others ask.

    @property
    def is_alone(self) -> bool:
        """Whether this account may have no Leases: it does all of the work, as if alone."""
        return self._alone

    @property
    def members(self) -> frozenset[str]:
        """Who shares the work now; empty before this one has joined."""
        if self._alone:
            return frozenset({self.me.member})
        return self._others | {self.me.member} if self._holds() else frozenset()

    @property
    def silence(self) -> float:
        """Seconds since the last renewal that went through; infinite before the first."""
        return 0.0 if self._alone else self._clock() - self._renewed

    def owns(self, share: str) -> bool:
        """Whether this share of the work is ours: an object's UID, a vault, a duty."""
        if self._alone:
            return True
        return self._holds() and owner(share, self._others | {self.me.member}) == self.me.member

    def seconds(self) -> float:
        """How long a write that is begun now may take; zero: none may be begun.

        Others take our share ``duration`` after they saw the last renewal, which is after we asked
        for it: a write that ends by then is never one of two.
        """
        if self._alone:
            return math.inf
        if self.silence > self.times.deadline or self._mine is None:
            return 0.0
        return max(0.0, self.times.duration - self.silence)

    def _holds(self) -> bool:
        return self._joined is not None and not self._leaving and self.seconds() > 0

    # What goes on.

    async def watch(self) -> None:
        """Follow the Leases of the group, without an end."""
        selector = f"{GROUP_LABEL}={self.me.group}"
        present: set[str] = set()
        while not self._alone:
            try:
                async for event in self._leases.watch_leases(self.me.namespace, selector):
                    if event.type == "LISTED":
                        self._members.keep(present)
                        present = set()
                        self._listed.set()
                    elif event.type != "BOOKMARK":
                        self._see(event, present)
                    self._look()
            except ForbiddenError as error:
                self._be_alone(error)
            except ClusterError as error:
                self._tell("cannot watch Leases", error)
                await asyncio.sleep(self.times.retry)

    async def renew(self) -> None:
        """Join, then renew until this one leaves."""
        await self._listed.wait()
        while not (self._alone or self._leaving):
            if self._joined is not None and not self._holds():
                self._lapse()
            if self._joined is None:
                await self._bury()
                if self._lapsed or self._members.alive(self._clock()):
                    await self._can_work()
            await self._renew()
            self._look()
            await self._clean()
            await asyncio.sleep(self.times.retry)

    async def leave(self) -> None:
        """Hand over: delete the Lease; whatever was begun must have ended."""
        self._leaving = True
        mine, self._mine = self._mine, None
        if mine is None:
            return
        try:
            uid = mine["metadata"]["uid"]
            await self._leases.delete_lease(self.me.namespace, self.me.member, uid)
        except ClusterError as error:
            self._tell("cannot hand over", error)

    # How.

    def _see(self, event: WatchEvent, present: set[str]) -> None:
        lease = Lease.read(event.object)
        if lease is None or lease.member == self.me.member:
            return
        if event.type == "DELETED":
            self._members.gone(lease.member)
            return
        present.add(lease.member)
        self._members.saw(lease, self._clock())

    async def _renew(self) -> None:
        """One renewal; its time is that of the question, not of the answer."""
        if not self._is_working():
            self._tell("does not renew its Lease", ClusterError("the work makes no progress"))
            return
        began = self._clock()
        joined = self._joined or self._now()
        wanted = manifest(self.me, self.times, joined=joined, now=self._now())
        try:
            self._mine = await self._write(wanted)
        except ForbiddenError as error:
            self._be_alone(error)
        except (ConflictError, NotFoundError):
            # Somebody removed it: it is made anew.
            self._mine = None
        except ClusterError as error:
            self._tell("cannot renew the Lease", error)
        else:
            if self._leaving:
                await self.leave()
                return
            self._renewed, self._told = began, ""
            if self._joined is None:
                self._join(joined)

    async def _write(self, wanted: Manifest) -> Manifest:
        if self._mine is None:
            return await self._leases.create_lease(wanted)
        return await self._leases.renew_lease(wanted, self._mine["metadata"]["uid"])

    def _join(self, joined: datetime) -> None:
        if self._lapsed:
            # Their silence may have been ours: they could not be heard.
            self._members.take_for_alive(self._clock())
        self._others = self._members.alive(self._clock())
        self._joined, self._lapsed = joined, False
        self._on_change()

    def _lapse(self) -> None:
        """Others may have all of our shares by now: begin anew."""
        _LOG.warning("the Lease was not renewed in time: others do the work")
        self._joined, self._lapsed = None, True
        self._on_change()

    def _look(self) -> None:
        """See who is alive by now."""
        alive = self._members.alive(self._clock())
        if alive != self._others:
            self._others = alive
            if self._joined is not None:
                _LOG.info("members", extra={"count": len(alive) + 1})
                self._on_change()

    async def _bury(self) -> None:
        """Remove what our own pod left: where we run, what ran there before has ended."""
        if self.me.pod_uid:
            await self._remove(self._members.of_pod(self.me.pod_uid))

    async def _clean(self) -> None:
        """Remove what long dead members left; one member does it."""
        dead = self._members.dead(self._clock(), _LONG_DEAD)
        if dead and self.owns(_CLEANING):
            await self._remove(dead)

    async def _remove(self, leases: list[Lease]) -> None:
        for one in leases:
            try:
                await self._leases.delete_lease(self.me.namespace, one.member, one.uid, one.version)
                self._members.gone(one.member)
            except ClusterError as error:
                _LOG.debug(error.message)

    def _be_alone(self, error: ClusterError) -> None:
        if self._alone:
            return
        _LOG.warning(
            "works alone: it may have no Leases in its namespace", extra={"why": error.message}
        )
        self._alone = True
        self._listed.set()
        self._on_change()

    def _tell(self, what: str, error: ClusterError) -> None:
        """Once, until a renewal goes through."""
        if self._told != what:
            self._told = what
            _LOG.warning(what, extra={"why": error.message})
