"""A collection of the cluster is listed, then followed, without an end: the only watcher there is.

Whatever ends it is told of once and it begins again with a list, so that what went unseen is seen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from controller.api.cluster import Manifest, WatchEvent
from controller.api.errors import ClusterError

RETRY_SECONDS = 5.0
_LOG = logging.getLogger(__name__)
Name = tuple[str, str]
"""Namespace (empty for what has none) and name."""


class Watched(Protocol):
    """Who hears of a collection."""

    async def on_seen(self, body: Manifest, *, listed: bool) -> None:
        """An object is there: as a list tells, or since it was made or changed."""

    async def on_gone(self, body: Manifest) -> None:
        """An object was deleted."""

    async def on_listed(self, present: set[Name]) -> None:
        """A list came to its end: what is not in it went while nobody watched."""


def _words(error: ClusterError) -> str:
    return error.message


@dataclass
class Watch:
    """One collection; ``run`` it as a task that is kept up."""

    what: str
    """In words, for the log."""
    events: Callable[[], AsyncIterator[WatchEvent]]
    hears: Watched
    on_refused: Callable[[ClusterError], str] = _words
    """Hears of a refusal and returns its words for the log."""
    retry: float = RETRY_SECONDS
    _told: str = ""

    async def run(self) -> None:
        """Watch without an end."""
        while True:
            try:
                await self.follow()
            except ClusterError as error:
                why = self.on_refused(error)
                if why != self._told:
                    _LOG.warning("cannot watch", extra={"what": self.what, "why": why})
                self._told = why
            await asyncio.sleep(self.retry)

    async def follow(self) -> None:
        """Watch until the API server refuses; ClusterError."""
        present = set[Name]()
        async for event in self.events():
            if event.type == "LISTED":
                self._told = ""
                await self.hears.on_listed(present)
                present = set()
            elif event.type == "DELETED":
                await self.hears.on_gone(event.object)
            elif event.type != "BOOKMARK":
                listed = event.type == "EXISTS"
                if listed:
                    present.add(name_of(event.object))
                await self.hears.on_seen(event.object, listed=listed)


def name_of(body: Manifest) -> Name:
    """Namespace and name of an object."""
    metadata = body["metadata"]
    return metadata.get("namespace", ""), metadata["name"]
