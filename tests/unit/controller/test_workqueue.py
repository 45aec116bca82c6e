from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from controller.workqueue import WorkQueue


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def with_queue(body: Callable[[WorkQueue[str], Clock], Awaitable[None]]) -> None:
    async def run() -> None:
        clock = Clock()
        await body(WorkQueue[str](clock=clock), clock)

    asyncio.run(run())


def test_a_key_that_waits_is_not_added_twice() -> None:
    async def body(queue: WorkQueue[str], clock: Clock) -> None:
        queue.add("a")
        queue.add("b")
        queue.add("a")
        assert len(queue) == 2
        assert [await queue.get(), await queue.get()] == ["a", "b"]

    with_queue(body)


def test_what_comes_while_in_work_is_done_once_more() -> None:
    async def body(queue: WorkQueue[str], clock: Clock) -> None:
        queue.add("a")
        key = await queue.get()
        assert key == "a"
        assert queue.is_working("a")
        queue.add("a")
        queue.add("a")
        assert len(queue) == 0
        assert not queue.idle
        queue.done("a")
        assert await queue.get() == "a"
        queue.done("a")
        assert queue.idle

    with_queue(body)


def test_the_urgent_goes_first() -> None:
    async def body(queue: WorkQueue[str], clock: Clock) -> None:
        queue.add("old")
        queue.add("new", urgent=True)
        assert await queue.get() == "new"

    with_queue(body)


def test_what_is_later_comes_when_its_time_has_come() -> None:
    async def body(queue: WorkQueue[str], clock: Clock) -> None:
        queue.later("a", 10)
        queue.later("a", 20)
        assert queue.delayed == 1
        getting = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        assert not getting.done()
        clock.now = 10
        queue.add("wake")
        assert await getting in ("a", "wake")
        assert await queue.get() in ("a", "wake")
        assert queue.delayed == 0

    with_queue(body)


def test_an_earlier_time_wins() -> None:
    async def body(queue: WorkQueue[str], clock: Clock) -> None:
        queue.later("a", 20)
        queue.later("a", 5)
        clock.now = 5
        assert await queue.get() == "a"
        queue.done("a")
        clock.now = 30
        queue.add("b")
        assert await queue.get() == "b"
        assert len(queue) == 0

    with_queue(body)


def test_adding_or_forgetting_drops_the_later_time() -> None:
    async def body(queue: WorkQueue[str], clock: Clock) -> None:
        queue.later("a", 5)
        queue.add("a")
        queue.later("b", 5)
        queue.forget("b")
        queue.later("a", 1)
        assert queue.delayed == 0
        assert await queue.get() == "a"

    with_queue(body)


def test_a_waiter_wakes_up_by_itself_when_a_time_comes() -> None:
    async def run() -> None:
        queue = WorkQueue[str]()
        queue.later("a", 0.01)
        assert await queue.get() == "a"

    asyncio.run(run())


def test_a_closed_queue_hands_out_what_waits_and_then_none() -> None:
    async def body(queue: WorkQueue[str], clock: Clock) -> None:
        queue.add("a")
        queue.later("b", 5)
        queue.close()
        queue.add("c")
        assert await queue.get() == "a"
        queue.done("a")
        assert await queue.get() is None

    with_queue(body)


def test_closing_can_discard_what_waits() -> None:
    async def body(queue: WorkQueue[str], clock: Clock) -> None:
        queue.add("a")
        queue.close(discard=True)
        assert await queue.get() is None

    with_queue(body)


def with_lanes(body: Callable[[WorkQueue[str], dict[str, str]], Awaitable[None]]) -> None:
    """Two at once in a lane; a key's lane is its first letter, unless the test moves it."""

    async def run() -> None:
        moved: dict[str, str] = {}
        await body(WorkQueue[str](lane=lambda key: moved.get(key, key[0]), width=2), moved)

    asyncio.run(run())


def test_a_full_lane_holds_up_no_other() -> None:
    async def body(queue: WorkQueue[str], moved: dict[str, str]) -> None:
        for key in ("a1", "a2", "a3", "a4", "b1"):
            queue.add(key)
        assert [await queue.get() for _ in range(3)] == ["a1", "a2", "b1"]
        assert len(queue) == 2
        assert not queue.idle
        waiting = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.done("b1")
        await asyncio.sleep(0)
        assert not waiting.done()
        queue.done("a2")
        assert await waiting == "a3"
        queue.done("a3")
        assert await queue.get() == "a4"

    with_lanes(body)


def test_of_a_full_lane_the_urgent_goes_first() -> None:
    async def body(queue: WorkQueue[str], moved: dict[str, str]) -> None:
        for key in ("a1", "a2", "a3", "b1"):
            queue.add(key)
        assert [await queue.get() for _ in range(3)] == ["a1", "a2", "b1"]
        queue.add("a4", urgent=True)
        queue.add("b2")
        assert await queue.get() == "b2"
        queue.done("a1")
        queue.done("a2")
        assert {await queue.get(), await queue.get()} == {"a4", "a3"}

    with_lanes(body)


def test_what_waits_in_a_full_lane_is_moved_up_when_it_becomes_urgent() -> None:
    async def body(queue: WorkQueue[str], moved: dict[str, str]) -> None:
        for key in ("a1", "a2", "a3", "a4", "b1"):
            queue.add(key)
        assert [await queue.get() for _ in range(3)] == ["a1", "a2", "b1"]
        queue.add("a4", urgent=True)
        queue.done("a1")
        assert await queue.get() == "a4"
        queue.done("a2")
        assert await queue.get() == "a3"

    with_lanes(body)


def test_what_changes_its_lane_waits_no_more() -> None:
    async def body(queue: WorkQueue[str], moved: dict[str, str]) -> None:
        for key in ("a1", "a2", "a3", "b1"):
            queue.add(key)
        assert [await queue.get() for _ in range(3)] == ["a1", "a2", "b1"]
        moved["a3"] = "b"
        queue.add("a3")
        assert await queue.get() == "a3"
        queue.done("a3")
        queue.done("a1")
        assert queue.delayed == len(queue) == 0

    with_lanes(body)


def test_a_closed_queue_hands_out_what_waits_for_its_lane() -> None:
    async def body(queue: WorkQueue[str], moved: dict[str, str]) -> None:
        for key in ("a1", "a2", "a3"):
            queue.add(key)
        assert [await queue.get() for _ in range(2)] == ["a1", "a2"]
        last = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.close()
        queue.done("a1")
        assert await last == "a3"
        assert await queue.get() is None

    with_lanes(body)


def test_what_waits_is_moved_up_when_it_becomes_urgent() -> None:
    async def body(queue: WorkQueue[str], clock: Clock) -> None:
        for key in ("a", "b", "c"):
            queue.add(key)
        queue.add("c", urgent=True)
        queue.add("b", urgent=False)
        assert [await queue.get() for _ in range(3)] == ["c", "a", "b"]
        assert len(queue) == 0

    with_queue(body)


def test_what_was_put_off_and_done_before_leaves_nothing() -> None:
    async def body(queue: WorkQueue[str], clock: Clock) -> None:
        for _ in range(10_000):
            queue.later("a", 1e9)
            queue.add("a")
            assert await queue.get() == "a"
            queue.done("a")
            clock.now += 1
        assert len(queue._heap) < 200

    with_queue(body)


def test_full_lanes_do_not_keep_the_workers_among_themselves() -> None:
    async def body(queue: WorkQueue[str], moved: dict[str, str]) -> None:
        for key in ("a1", "a2", "a3", "a4", "b1", "b2", "b3", "b4"):
            queue.add(key, urgent=True)
        held = [await queue.get() for _ in range(4)]
        assert held == ["a1", "a2", "b1", "b2"]
        waiting = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.add("c1", urgent=True)
        assert await waiting == "c1"
        queue.add("c2", urgent=True)
        queue.add("c3", urgent=True)
        queue.done("a1")
        assert await queue.get() == "c2"

    with_lanes(body)
