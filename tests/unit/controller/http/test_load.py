"""The room and its turns: who gives way, who is next, and what is left of whoever has gone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from controller.http.load import CrowdedError, Place, Room, Turns


class Guest:
    """A request: enters, holds some bytes, and stays until it is told to leave."""

    def __init__(self, room: Room, address: str, size: int = 0, seconds: float = 60) -> None:
        self._leave = asyncio.Event()
        self.inside = asyncio.Event()
        self.place: Place
        self._task = asyncio.create_task(self._stay(room, address, size, seconds))

    async def _stay(self, room: Room, address: str, size: int, seconds: float) -> str:
        try:
            async with room.enter(address, seconds) as place:
                place.grow(size)
                self.place = place
                self.inside.set()
                await self._leave.wait()
        except CrowdedError:
            return "crowded"
        except TimeoutError:
            return "late"
        return "served"

    async def settle(self) -> Guest:
        """Wait until it is inside, or turned away."""
        waiting = asyncio.create_task(self.inside.wait())
        await asyncio.wait([waiting, self._task], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        return self

    async def end(self) -> str:
        """Let it leave, if it is there still; how it went."""
        self._leave.set()
        return await self._task

    async def ended(self) -> str:
        """Wait until it ends by itself; how it went."""
        return await self._task


def run(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run it on a loop of its own."""
    asyncio.run(body())


@pytest.mark.parametrize(
    ("addresses", "dropped"),
    [
        pytest.param(["a", "a", "a", "b"], [0], id="the-first-of-one-address"),
        pytest.param(["b", "a", "a", "c"], [1], id="of-the-address-with-most"),
        pytest.param(["b", "c", "d", "a"], [0], id="the-first-where-all-have-one"),
        pytest.param(["b", "a", "a", "a", "a"], [1, 2], id="again-and-again"),
    ],
)
def test_where_there_is_no_place_the_first_of_the_greediest_gives_way(
    addresses: list[str], dropped: list[int]
) -> None:
    async def body() -> None:
        room = Room(places=3, size=100, dear=9)
        guests = [await Guest(room, address).settle() for address in addresses]
        assert len(room) == 3
        ends = [await guest.end() for guest in guests]
        assert [at for at, end in enumerate(ends) if end == "crowded"] == dropped
        assert len(room) == 0

    run(body)


@pytest.mark.parametrize(
    ("sizes", "dropped"),
    [
        pytest.param([("a", 50), ("a", 50), ("b", 1)], [0], id="the-first-that-holds-most"),
        pytest.param([("b", 10), ("a", 45), ("a", 45), ("c", 10)], [1], id="not-the-small"),
        pytest.param([("a", 101)], [0], id="more-than-there-is"),
        pytest.param([("b", 1), ("a", 100)], [1], id="itself"),
        pytest.param([("a", 60), ("a", 40), ("b", 90)], [0, 2], id="by-what-it-wants-too"),
    ],
)
def test_where_there_is_no_space_the_heaviest_gives_way(
    sizes: list[tuple[str, int]], dropped: list[int]
) -> None:
    async def body() -> None:
        room = Room(places=10, size=100, dear=9)
        guests = [await Guest(room, *size).settle() for size in sizes]
        assert room.held <= 100
        ends = [await guest.end() for guest in guests]
        assert [at for at, end in enumerate(ends) if end == "crowded"] == dropped
        assert room.held == 0

    run(body)


def test_whoever_stays_too_long_is_late_and_leaves_nothing() -> None:
    async def body() -> None:
        room = Room(places=1, size=100, dear=9)
        guest = await Guest(room, "a", 10, seconds=0.01).settle()
        assert (await guest.ended(), len(room), room.held) == ("late", 0, 0)

    run(body)


def test_at_the_end_honest_requests_are_waited_for_and_no_others() -> None:
    async def body() -> None:
        room = Room(places=9, size=100, dear=9)
        stalled, honest, dear = [await Guest(room, "a", 10).settle() for _ in range(3)]
        for guest in (honest, dear):
            guest.place.extend(60)
        dear.place.pay(9)
        room.close()
        assert len(room) == 1
        assert [await guest.ended() for guest in (stalled, dear)] == ["crowded", "crowded"]
        assert await honest.end() == "served"
        with pytest.raises(CrowdedError):
            async with room.enter("a", 60):
                pass

    run(body)


def test_a_place_that_was_dropped_cannot_be_used_any_more() -> None:
    async def body() -> None:
        room = Room(places=1, size=100, dear=9)

        async def dropped(use: Callable[[Place], None]) -> None:
            async with room.enter("a", 60) as place:
                place.drop()
                use(place)

        for use in (lambda place: place.grow(1), lambda place: place.extend(1)):
            with pytest.raises(CrowdedError):
                await dropped(use)

    run(body)


class Gate:
    """Work that a thread holds until it is let go; remembers who came through."""

    def __init__(self) -> None:
        self.open, self.seen = threading.Event(), list[str]()

    def work(self, name: str) -> str:
        """Wait and say one's name."""
        self.open.wait(30)
        self.seen.append(name)
        return name


def test_turns_go_round_by_address_and_then_by_request() -> None:
    async def body() -> None:
        room, turns, gate = Room(places=9, size=9, dear=9), Turns(1, "test"), Gate()

        async def ask(place: Place, name: str) -> str:
            return await turns.run(place, gate.work, name)

        async with room.enter("a", 60) as a1, room.enter("a", 60) as a2, room.enter("b", 60) as b:
            asked = [(a1, "a1"), (a1, "a1"), (a1, "a1"), (a2, "a2"), (a2, "a2"), (b, "b")]
            tasks = [asyncio.create_task(ask(*one)) for one in asked]
            await asyncio.sleep(0)
            gate.open.set()
            assert await asyncio.gather(*tasks) == [name for _, name in asked]
        assert gate.seen == ["a1", "a1", "b", "a2", "a1", "a2"]
        turns.close()

    run(body)


def test_a_request_that_is_gone_has_no_turn_and_a_thread_is_free_when_it_ends() -> None:
    async def body() -> None:
        room, turns, gate = Room(places=9, size=9, dear=9), Turns(1, "test"), Gate()
        async with room.enter("a", 60) as place:
            names = ("running", "waiting", "last")
            tasks = [asyncio.create_task(turns.run(place, gate.work, name)) for name in names]
            await asyncio.sleep(0)
            for task in tasks[:2]:
                task.cancel()
            await asyncio.gather(*tasks[:2], return_exceptions=True)
            # The thread is still at it: the next one waits.
            assert not tasks[2].done()
            gate.open.set()
            assert await tasks[2] == "last"
        assert gate.seen == ["running", "last"]
        turns.close()

    run(body)


def test_a_turn_that_comes_in_the_moment_of_hanging_up_is_given_back() -> None:
    async def body() -> None:
        room, turns, gate = Room(places=9, size=9, dear=9), Turns(1, "test"), Gate()
        gate.open.set()
        async with room.enter("a", 60) as place:
            task = asyncio.create_task(turns.run(place, gate.work, "gone"))
            await asyncio.sleep(0)
            # It has its turn and does not know yet.
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert await turns.run(place, gate.work, "next") == "next"
        turns.close()

    run(body)


def test_what_is_paid_in_many_threads_adds_up() -> None:
    async def body() -> None:
        room = Room(places=1, size=1, dear=9)
        async with room.enter("a", 60) as place:

            def pay() -> None:
                for _ in range(1000):
                    place.pay(1)

            each = [threading.Thread(target=pay) for _ in range(4)]
            for thread in each:
                thread.start()
            for thread in each:
                thread.join()
            assert place.spent == 4000

    run(body)
