"""Notices gathered per owner for a while: two hundred at once are one message, told once.

Whoever adds notices says each once, not at each retry. An object that fails and recovers within one
window is not told of at all; one that fails twice, with its last words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.notify.notice import Notice, Owner
from controller.reasons import Reason

ROOM = 2000
REMEMBERED = 10_000
OWNERS = 20
"""Owners of one namespace that are told of one by one: its labels may name any number."""
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Batch:
    """What goes out as one message: of one owner (or namespace), of one severity."""

    owner: Owner | None
    namespace: str
    severity: str
    notices: tuple[Notice, ...]
    more: int = 0
    """How many notices did not fit."""


@dataclass(slots=True)
class _Open:
    due: datetime
    notices: dict[tuple[Key, str], Notice] = field(default_factory=dict)
    more: int = 0


@dataclass
class Batcher:
    """Gathers for one receiver; ``add`` and ``due`` are given the time."""

    window: timedelta
    _open: dict[tuple[Owner | None, str], _Open] = field(default_factory=dict)
    _failing: dict[Key, None] = field(default_factory=dict)
    """What was told to fail, oldest first."""

    def add(self, notice: Notice, now: datetime) -> None:
        """Take a notice."""
        place = self._place(notice)
        batch = self._open.get(place)
        pending = batch.notices if batch else {}
        recovered = notice.reason == Reason.RECOVERED
        untold = recovered and self._cancel(pending, notice.key)
        if untold and notice.key not in self._failing:
            return
        if batch is None:
            batch = self._open[place] = _Open(now + self.window)
        if notice.failing:
            self._cancel(batch.notices, notice.key)
        if len(batch.notices) >= ROOM:
            batch.more += 1
            return
        batch.notices[notice.key, notice.reason] = notice

    def _place(self, notice: Notice) -> tuple[Owner | None, str]:
        place = (notice.owner, notice.namespace)
        if place in self._open:
            return place
        owners = sum(namespace == notice.namespace for _, namespace in self._open)
        return place if owners < OWNERS else (None, notice.namespace)

    def due(self, now: datetime, *, all_of_them: bool = False) -> list[Batch]:
        """Return the batches whose time has come; they count as told."""
        ready = [place for place, one in self._open.items() if all_of_them or one.due <= now]
        batches: list[Batch] = []
        for place in ready:
            opened = self._open.pop(place)
            for severity in ("error", "info"):
                notices = tuple(n for n in opened.notices.values() if n.severity == severity)
                if notices:
                    more = opened.more if severity == "error" else 0
                    batches.append(Batch(place[0], place[1], severity, notices, more))
            for notice in opened.notices.values():
                self._note(notice)
        return batches

    def next_due(self) -> datetime | None:
        """When the next batch is due; None while there is none."""
        return min((one.due for one in self._open.values()), default=None)

    def _note(self, notice: Notice) -> None:
        if notice.failing:
            self._failing[notice.key] = None
            if len(self._failing) > REMEMBERED:
                del self._failing[next(iter(self._failing))]
        elif notice.reason == Reason.RECOVERED:
            self._failing.pop(notice.key, None)

    def _cancel(self, pending: dict[tuple[Key, str], Notice], key: Key) -> bool:
        """Drop what waits about whether this object works; tell whether there was any."""
        stale = [
            one
            for one, notice in pending.items()
            if one[0] == key and (notice.failing or notice.reason == Reason.RECOVERED)
        ]
        for one in stale:
            del pending[one]
        return bool(stale)
