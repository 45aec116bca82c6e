"""No lane takes all places, and lanes take turns."""

from __future__ import annotations

import asyncio

from controller.work.turns import Turns


def test_a_lane_leaves_one_place_to_the_others() -> None:
    async def main() -> None:
        turns, order = Turns(2), list[str]()
        ends = {name: asyncio.Event() for name in ("a1", "a2", "b1")}

        async def take(lane: str, name: str) -> None:
            async with turns.turn(lane):
                order.append(name)
                await ends[name].wait()

        tasks = [asyncio.create_task(take(*one)) for one in (("a", "a1"), ("a", "a2"), ("b", "b1"))]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert order == ["a1", "b1"]
        ends["a1"].set()
        await tasks[0]
        await asyncio.sleep(0)
        assert order == ["a1", "b1", "a2"]
        for event in ends.values():
            event.set()
        await asyncio.gather(*tasks)

    asyncio.run(main())


def test_lanes_take_turns_whoever_came_first() -> None:
    async def main() -> None:
        turns, order = Turns(2), list[str]()

        async def take(lane: str) -> None:
            async with turns.turn(lane):
                order.append(lane)
                await asyncio.sleep(0)

        await asyncio.gather(*(take(lane) for lane in "aaaaaabc"))
        assert sorted(order[:4]) == ["a", "a", "b", "c"]
        assert len(order) == 8

    asyncio.run(main())


def test_who_stops_waiting_takes_no_place() -> None:
    async def main() -> None:
        turns = Turns(2)
        async with turns.turn("a"):
            waiting = asyncio.create_task(_hold(turns, "a"))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        for _ in range(3):
            async with asyncio.timeout(5), turns.turn("a"), turns.turn("b"):
                pass

    asyncio.run(main())


async def _hold(turns: Turns, lane: str) -> None:
    async with turns.turn(lane):
        await asyncio.Event().wait()
