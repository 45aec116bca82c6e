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
