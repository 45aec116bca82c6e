"""Members of one group, with a moved clock; the API server's part is a fake that is as strict."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.api.cluster import WatchEvent
from controller.api.errors import (
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    UnavailableError,
)
from controller.membership.lease import Identity, Times
from controller.membership.membership import Membership

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TIMES = Times(retry=0.0)
SHARES = [f"uid-{number}" for number in range(60)]


class Server:
    """Leases in memory; ``down`` names members that cannot reach it."""

    def __init__(self) -> None:
        self.leases: dict[str, dict[str, Any]] = {}
        self.down: dict[str, ClusterError] = {}
        self.watchers: list[asyncio.Queue[WatchEvent]] = []
        self.version = 0

    def put(self, lease: Mapping[str, Any], kind: str) -> dict[str, Any]:
        self.version += 1
        stored = deepcopy(dict(lease))
        stored["metadata"].setdefault("uid", f"uid-{self.version}")
        stored["metadata"]["resourceVersion"] = str(self.version)
        self.leases[stored["metadata"]["name"]] = stored
        self.tell(kind, stored)
        return stored

    def tell(self, kind: str, lease: dict[str, Any]) -> None:
        for queue in self.watchers:
            queue.put_nowait(WatchEvent(kind, deepcopy(lease)))


class Client:
    """One member's way to the server."""

    def __init__(self, server: Server, member: str) -> None:
        self.server, self.member = server, member

    def reach(self) -> None:
        if self.member in self.server.down:
            raise self.server.down[self.member]

    def there(self, name: str, uid: str) -> dict[str, Any]:
        found = self.server.leases.get(name)
        if found is None:
            raise NotFoundError("gone")
        if found["metadata"]["uid"] != uid:
            raise ConflictError("another")
        return found

    async def create_lease(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        self.reach()
        if manifest["metadata"]["name"] in self.server.leases:
            raise AlreadyExistsError("exists")
        return self.server.put(manifest, "ADDED")

    async def renew_lease(self, manifest: Mapping[str, Any], uid: str) -> dict[str, Any]:
        self.reach()
        found = self.there(manifest["metadata"]["name"], uid)
        return self.server.put({**found, "spec": manifest["spec"]}, "MODIFIED")

    async def delete_lease(self, namespace: str, name: str, uid: str, version: str = "") -> None:
        self.reach()
        found = self.there(name, uid)
        if version not in ("", found["metadata"]["resourceVersion"]):
            raise ConflictError("renewed")
        self.server.tell("DELETED", self.server.leases.pop(name))

    async def watch_leases(self, namespace: str, selector: str) -> AsyncIterator[WatchEvent]:
        self.reach()
        queue: asyncio.Queue[WatchEvent] = asyncio.Queue()
        self.server.watchers.append(queue)
        for lease in tuple(self.server.leases.values()):
            yield WatchEvent("EXISTS", deepcopy(lease))
        yield WatchEvent("LISTED", {})
        while True:
            yield await queue.get()


class Group:
    """Members on one server, each with its tasks, and the clock of all."""

    def __init__(self) -> None:
        self.server, self.clock = Server(), 1000.0
        self.tasks: dict[str, list[asyncio.Task[None]]] = {}
        self.changes: dict[str, int] = {}
        self.caught_up: dict[str, asyncio.Event] = {}
        self.stuck: set[str] = set()
        self.stamps = 0

    def member(self, name: str, *, pod_uid: str = "", times: Times = TIMES) -> Membership:
        self.changes[name], ready = 0, asyncio.Event()
        ready.set()
        self.caught_up[name] = ready

        def changed() -> None:
            self.changes[name] += 1

        async def can_work() -> None:
            await self.caught_up[name].wait()

        made = Membership(
            Client(self.server, name),
            Identity(name, "ns", "group", pod="pod" if pod_uid else "", pod_uid=pod_uid),
            times,
            clock=lambda: self.clock,
            now=self.now,
            can_work=can_work,
            is_working=lambda: name not in self.stuck,
            on_change=changed,
        )
        self.tasks[name] = [asyncio.create_task(made.watch()), asyncio.create_task(made.renew())]
        return made

    def now(self) -> datetime:
        self.stamps += 1
        return NOW + timedelta(microseconds=self.stamps)

    async def until(self, what: Callable[[], object]) -> None:
        for _ in range(2000):
            if what():
                return
            await asyncio.sleep(0)
        raise AssertionError("that never came")

    async def turns(self) -> None:
        """Let everybody do what is to be done now."""
        for _ in range(200):
            await asyncio.sleep(0)

    async def move(self, seconds: float) -> None:
        """Let time pass in steps of half a second."""
        for _ in range(math.ceil(seconds * 2)):
            self.clock += 0.5
            for _ in range(20):
                await asyncio.sleep(0)

    async def kill(self, name: str) -> None:
        for task in self.tasks.pop(name):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def end(self) -> None:
        for name in tuple(self.tasks):
            await self.kill(name)


def shares(member: Membership) -> set[str]:
    return {share for share in SHARES if member.owns(share)}


def run(body: Callable[[Group], Any]) -> None:
    async def main() -> None:
        group = Group()
        try:
            await body(group)
        finally:
            await group.end()

    asyncio.run(main())


def test_one_has_all_as_soon_as_it_has_joined() -> None:
    async def body(group: Group) -> None:
        one = group.member("a")
        assert not one.owns("x")
        assert one.seconds() == 0.0
        assert one.members == frozenset()
        await group.until(lambda: shares(one) == set(SHARES))
        assert one.members == {"a"}
        assert group.changes["a"] == 1

    run(body)


def test_three_share_everything_and_nothing_twice() -> None:
    async def body(group: Group) -> None:
        all_of_them = [group.member(name) for name in "abc"]
        await group.until(lambda: all(len(one.members) == 3 for one in all_of_them))
        parts = [shares(one) for one in all_of_them]
        assert set.union(*parts) == set(SHARES)
        assert sum(map(len, parts)) == len(SHARES)
        assert all(parts)

    run(body)


def test_who_leaves_hands_over_at_once() -> None:
    async def body(group: Group) -> None:
        a, b = group.member("a"), group.member("b")
        await group.until(lambda: len(a.members) == len(b.members) == 2)
        await b.leave()
        assert not shares(b)
        await group.until(lambda: shares(a) == set(SHARES))
        assert "b" not in group.server.leases
        assert group.clock == 1000.0

    run(body)


def test_who_is_killed_is_followed_when_its_lease_has_run_out() -> None:
    async def body(group: Group) -> None:
        a, b = group.member("a"), group.member("b")
        await group.until(lambda: len(a.members) == len(b.members) == 2)
        await group.kill("b")
        await group.move(14.0)
        assert len(a.members) == 2
        await group.move(2.0)
        assert shares(a) == set(SHARES)

    run(body)


def test_who_cannot_renew_begins_no_write_before_others_take_over() -> None:
    async def body(group: Group) -> None:
        a, b = group.member("a"), group.member("b")
        await group.until(lambda: len(a.members) == len(b.members) == 2)
        group.server.down["b"] = UnavailableError("cut off")
        began_last = 0.0
        while len(a.members) == 2:
            if b.seconds() > 0:
                began_last = group.clock + b.seconds()
            await group.move(0.5)
        # What was begun at the last moment has ended: its time was cut to what was left.
        assert began_last <= group.clock
        assert not shares(b)
        assert shares(a) == set(SHARES)

    run(body)


def test_after_a_lapse_it_works_only_when_it_has_caught_up() -> None:
    async def body(group: Group) -> None:
        a, b = group.member("a"), group.member("b")
        await group.until(lambda: len(a.members) == len(b.members) == 2)
        group.server.down["b"] = UnavailableError("cut off")
        group.caught_up["b"].clear()
        await group.move(17.0)
        del group.server.down["b"]
        await group.move(3.0)
        assert not shares(b)
        assert shares(a) == set(SHARES)
        group.caught_up["b"].set()
        await group.until(lambda: len(a.members) == len(b.members) == 2)
        assert shares(a) | shares(b) == set(SHARES)
        assert not shares(a) & shares(b)

    run(body)


def test_after_a_lapse_all_others_are_taken_for_alive() -> None:
    async def body(group: Group) -> None:
        a, b = group.member("a"), group.member("b")
        await group.until(lambda: len(a.members) == len(b.members) == 2)
        had = shares(a)
        for name in "ab":
            group.server.down[name] = UnavailableError("nobody is reached")
        await group.move(40.0)
        del group.server.down["a"]
        await group.until(lambda: shares(a))
        assert shares(a) == had

    run(body)


def test_who_wakes_up_after_a_pause_owns_nothing() -> None:
    async def body(group: Group) -> None:
        a = group.member("a")
        await group.until(lambda: shares(a) == set(SHARES))
        group.clock += 30.0  # nothing of it ran meanwhile
        assert not shares(a)
        assert a.seconds() == 0.0

    run(body)


def test_who_makes_no_progress_loses_its_share() -> None:
    async def body(group: Group) -> None:
        a, b = group.member("a"), group.member("b")
        await group.until(lambda: len(a.members) == len(b.members) == 2)
        group.stuck.add("b")
        await group.move(17.0)
        assert shares(a) == set(SHARES)
        assert not shares(b)
        group.stuck.clear()
        await group.until(lambda: len(a.members) == len(b.members) == 2)

    run(body)


def test_a_newcomer_joins_when_it_can_work() -> None:
    async def body(group: Group) -> None:
        a = group.member("a")
        await group.until(lambda: shares(a))
        b = group.member("b")
        group.caught_up["b"].clear()
        await group.turns()
        assert shares(a) == set(SHARES)
        assert not shares(b)
        group.caught_up["b"].set()
        await group.until(lambda: len(a.members) == len(b.members) == 2)

    run(body)


def test_whose_lease_is_deleted_makes_another() -> None:
    async def body(group: Group) -> None:
        a = group.member("a")
        await group.until(lambda: shares(a))
        group.server.tell("DELETED", group.server.leases.pop("a"))
        await group.until(lambda: "a" in group.server.leases)
        assert shares(a) == set(SHARES)

    run(body)


def test_an_account_without_rights_works_alone_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def body(group: Group) -> None:
        group.server.down["a"] = ForbiddenError("leases is forbidden")
        a = group.member("a")
        await group.until(lambda: a.is_alone)
        await group.turns()
        assert shares(a) == set(SHARES)
        assert a.seconds() == math.inf
        assert a.members == {"a"}
        assert a.silence == 0.0
        assert all(task.done() for task in group.tasks["a"])
        await a.leave()

    run(body)
    assert len([one for one in caplog.records if "works alone" in one.message]) == 1


def test_what_the_same_pod_left_is_removed_at_once() -> None:
    async def body(group: Group) -> None:
        old = group.member("old", pod_uid="pod-uid")
        await group.until(lambda: shares(old))
        await group.kill("old")
        new = group.member("new", pod_uid="pod-uid")
        await group.until(lambda: shares(new) == set(SHARES))
        assert set(group.server.leases) == {"new"}
        assert group.clock == 1000.0

    run(body)


def test_one_member_removes_what_the_long_dead_left() -> None:
    async def body(group: Group) -> None:
        a, b = group.member("a"), group.member("b")
        dead = group.member("dead")
        await group.until(lambda: len(a.members) == len(b.members) == len(dead.members) == 3)
        await group.kill("dead")
        await group.move(290.0)
        assert "dead" in group.server.leases
        await group.move(20.0)
        assert set(group.server.leases) == {"a", "b"}

    run(body)


def test_a_lease_that_somebody_forged_is_no_member() -> None:
    async def body(group: Group) -> None:
        a = group.member("a")
        await group.until(lambda: shares(a))
        group.server.put(
            {
                "metadata": {"name": "forged"},
                "spec": {"holderIdentity": "another", "leaseDurationSeconds": 15},
            },
            "ADDED",
        )
        await group.turns()
        assert a.members == {"a"}

    run(body)


def test_the_api_servers_absence_is_told_once_and_got_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def body(group: Group) -> None:
        group.server.down["a"] = UnavailableError("no connection")
        a = group.member("a")
        await group.turns()
        assert not shares(a)
        del group.server.down["a"]
        await group.until(lambda: shares(a) == set(SHARES))
        group.server.down["a"] = UnavailableError("no connection")
        await a.leave()

    run(body)
    told = [one.message for one in caplog.records]
    assert told.count("cannot watch Leases") == 1
    assert told.count("cannot hand over") == 1
