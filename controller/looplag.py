"""Watches how late the event loop is: whatever computes on it keeps everybody waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

PERIOD = 0.1
"""Seconds between two looks."""


async def watch_loop(late: Callable[[float], None], computed: Callable[[float], None]) -> None:
    """Tell, at each look, by how many seconds it came too late.

    ``computed`` is told how much of that its own thread computed, at the most: a machine that has
    other things to do makes every loop late.
    """
    loop = asyncio.get_running_loop()
    while True:
        due, before = loop.time() + PERIOD, time.thread_time()
        await asyncio.sleep(PERIOD)
        lag = max(0.0, loop.time() - due)
        late(lag)
        computed(min(lag, time.thread_time() - before))
