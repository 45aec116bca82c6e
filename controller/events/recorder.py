"""Records what happened as Kubernetes Events, beside the work and never in its way.

A bounded queue and one task that posts; what does not fit is counted and dropped: an Event is a
courtesy. ``listeners`` hear of each happening at once, whether or not it is recorded.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from controller.api.errors import ClusterError
from controller.backoff import Backoff
from controller.events.event import event
from controller.reasons import Reason

_LOG = logging.getLogger(__name__)
_ROOM = 4096
_TRIES = 5
_BACKOFF = Backoff(1.0, 30.0)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something to tell about one object; ``message`` names no value."""

    involved: Mapping[str, Any]
    """apiVersion, kind and metadata of the object."""
    reason: Reason
    message: str
    at: datetime
    cause: Reason | None = None
    """The reason of the condition behind it, where there is one."""
    recovered: bool = False
    """Whether the object had failed before."""

    @property
    def word(self) -> str:
        """The reason as the Event has it."""
        return self.reason.on(self.involved["kind"])


@dataclass
class Recorder:
    """``record`` from anywhere on the event loop; ``run`` posts until cancelled."""

    post: Callable[[Mapping[str, Any]], Awaitable[None]]
    """Takes an Event to the API server; ClusterError's classes."""
    now: Callable[[], datetime]
    dropped: Callable[[], None]
    listeners: list[Callable[[Happening], None]] = field(default_factory=list)
    _queue: asyncio.Queue[Happening] = field(default_factory=lambda: asyncio.Queue(_ROOM))
    _serial: int = 0

    def record(
        self,
        involved: Mapping[str, Any],
        reason: Reason,
        message: str,
        *,
        cause: Reason | None = None,
        recovered: bool = False,
    ) -> None:
        """Tell of something; returns at once."""
        reference = _reference(involved)
        happening = Happening(reference, reason, message, self.now(), cause, recovered)
        for listener in self.listeners:
            listener(happening)
        try:
            self._queue.put_nowait(happening)
        except asyncio.QueueFull:
            self.dropped()

    async def run(self) -> None:
        """Post what comes."""
        while True:
            happening = await self._queue.get()
            try:
                await self._post(happening)
            finally:
                self._queue.task_done()

    async def drain(self, seconds: float) -> None:
        """Wait until all is posted, so long and no longer."""
        try:
            async with asyncio.timeout(seconds):
                await self._queue.join()
        except TimeoutError:
            _LOG.warning("events left behind", extra={"count": self._queue.qsize()})

    async def _post(self, happening: Happening) -> None:
        self._serial += 1
        manifest = event(
            happening.involved,
            happening.reason,
            happening.message,
            now=happening.at,
            serial=self._serial,
        )
        for failures in range(1, _TRIES + 1):
            try:
                await self.post(manifest)
                return
            except ClusterError as error:
                # The namespace may be going away, or the API server: an Event is not worth more.
                if error.status and error.status < 429:
                    return
                await asyncio.sleep(error.retry_after or _BACKOFF.after(failures))
        self.dropped()


def _reference(involved: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of an object: no data, and nothing large."""
    metadata = involved["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "labels", "generation")
    return {
        "apiVersion": involved["apiVersion"],
        "kind": involved["kind"],
        "metadata": {key: metadata[key] for key in kept if key in metadata},
    }
