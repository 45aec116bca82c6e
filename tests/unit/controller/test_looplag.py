"""Whether the loop was late, and whether it was so by its own doing."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

from controller.looplag import PERIOD, watch_loop

HELD = 3 * PERIOD


def compute() -> None:
    end = time.thread_time() + HELD
    while time.thread_time() < end:
        pass


def stand_still() -> None:
    threading.Event().wait(HELD)


def watched(hold: Callable[[], None]) -> tuple[float, float]:
    """How late it was at most, and how long it computed, where something holds the loop."""
    late: list[float] = []
    computed: list[float] = []

    async def main() -> None:
        watch = asyncio.create_task(watch_loop(late.append, computed.append))
        await asyncio.sleep(0)
        hold()
        while not late:  # noqa: ASYNC110 the first look
            await asyncio.sleep(PERIOD / 10)
        watch.cancel()

    asyncio.run(main())
    return max(late), max(computed)


def test_what_computes_on_the_loop_makes_it_late_and_is_told() -> None:
    late, computed = watched(compute)
    assert computed >= PERIOD
    assert late >= computed


def test_a_loop_that_had_no_processor_is_late_and_computed_nothing() -> None:
    late, computed = watched(stand_still)
    assert late >= PERIOD
    assert computed < late / 4
