"""Watches how late the event loop is: whatever computes on it keeps everybody waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PERIOD = 0.1
"""Seconds between two looks."""


async def watch_loop(observe: Callable[[float], None]) -> None:
    """Tell, at each look, by how many seconds it came too late."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + PERIOD
        await asyncio.sleep(PERIOD)
        observe(max(0.0, loop.time() - due))
