"""The tasks of the application: kept up whatever fails in them, and ended together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

_LOG = logging.getLogger(__name__)
_PAUSE_SECONDS = 5.0


class Tasks:
    """Named tasks on one event loop."""

    def __init__(self) -> None:
        self._lasting: dict[str, asyncio.Task[None]] = {}
        self._others: list[asyncio.Task[None]] = []

    def spawn(
        self, name: str, work: Callable[[], Awaitable[None]], *, lasting: bool = True
    ) -> asyncio.Task[None]:
        """Start one and keep it up; with ``lasting`` its end is a fault."""
        task = asyncio.create_task(keep_up(name, work))
        if lasting:
            self._lasting[name] = task
        else:
            self._others.append(task)
        return task

    def ended(self) -> list[str]:
        """The names of those that should not have ended and did."""
        return [name for name, task in self._lasting.items() if task.done()]

    async def cancel(self) -> None:
        """End all of them."""
        tasks = [*self._lasting.values(), *self._others]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def keep_up(
    name: str, work: Callable[[], Awaitable[None]], *, pause: float = _PAUSE_SECONDS
) -> None:
    """Run what has no end until it ends by itself; whatever fails in it begins again.

    Of an exception only the class is told: its text may hold anything.
    """
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 whatever it was, the work must go on
            _LOG.error("failed, begins again", extra={"task": name, "why": type(error).__name__})
            await asyncio.sleep(pause)
        else:
            return
