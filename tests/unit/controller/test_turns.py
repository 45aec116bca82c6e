from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from controller.turns import Turns


class Holders:
    """Who holds a place, in the order in which they got it; each lets go when it is told to."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.got: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.ends: dict[str, asyncio.Event] = {}

    async def ask(self, *names: str) -> None:
        """Ask for a place for each; its lane is its first letter."""
        for name in names:
            self.ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._hold(name))
        await self._settle()

    async def end(self, name: str) -> None:
        self.ends[name].set()
        await self._settle()

    async def _hold(self, name: str) -> None:
        async with self.turns.of(name[0]):
            self.got.append(name)
            await self.ends[name].wait()

    async def _settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


def with_turns(body: Callable[[Holders], Awaitable[None]]) -> None:
    async def main() -> None:
        holders = Holders(Turns(places=3, width=2))
        await body(holders)
        for task in holders.tasks.values():
            task.cancel()

    asyncio.run(main())


def test_one_lane_leaves_a_place_for_the_others() -> None:
    async def body(holders: Holders) -> None:
        await holders.ask("a1", "a2", "a3", "a4", "b1")
        assert holders.got == ["a1", "a2", "b1"]

    with_turns(body)


def test_lanes_that_wait_are_let_in_by_turns() -> None:
    async def body(holders: Holders) -> None:
        await holders.ask("a1", "a2", "b1", "b2", "b3", "b4", "c1")
        await holders.end("a1")
        await holders.end("a2")
        await holders.end("b1")
        assert holders.got == ["a1", "a2", "b1", "b2", "c1", "b3"]

    with_turns(body)


def test_who_stops_waiting_takes_no_place_along() -> None:
    async def body(holders: Holders) -> None:
        await holders.ask("a1", "a2", "a3", "a4")
        holders.tasks["a3"].cancel()
        holders.ends["a1"].set()
        await holders.ask("b1")
        holders.tasks["a4"].cancel()
        await holders.ask("c1")
        assert {"b1", "c1"} <= set(holders.got)

    with_turns(body)
