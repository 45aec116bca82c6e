"""PURE: messages that wait for a receiver: namespaces by turns, none of them crowding out another.

When there are too many, the namespace with the most has its two newest made one, which tells how
many it stands for: at the worst there is one summary a namespace, and nobody's only message goes.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import replace
from datetime import datetime

from controller.notify.batch import Batch

ROOM = 200
_TOLD = 50
"""Notices that a summary still names."""


class Waiting:
    """Batches with the time since when each waits."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._lanes: OrderedDict[str, deque[tuple[Batch, datetime]]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, batch: Batch, now: datetime) -> bool:
        """Add one; whether two were made one for it."""
        self._lanes.setdefault(batch.namespace, deque()).append((batch, now))
        self._count += 1
        longest = max(self._lanes.values(), key=len)
        if self._count <= self._room or len(longest) < 2:
            return False
        (newer, _), (older, since) = longest.pop(), longest.pop()
        longest.append((_summary(older, newer), since))
        self._count -= 1
        return True

    def first(self) -> tuple[Batch, datetime]:
        """What is to be told next; it goes on waiting."""
        return next(iter(self._lanes.values()))[0]

    def done(self) -> None:
        """The first is over with; next comes another namespace."""
        namespace, lane = self._lanes.popitem(last=False)
        lane.popleft()
        self._count -= 1
        if lane:
            self._lanes[namespace] = lane


def _summary(older: Batch, newer: Batch) -> Batch:
    notices = older.notices + newer.notices
    left = max(0, len(notices) - _TOLD)
    return replace(
        older,
        owner=older.owner if older.owner == newer.owner else None,
        severity="error" if "error" in (older.severity, newer.severity) else "info",
        notices=notices[:_TOLD],
        more=older.more + newer.more + left,
    )
