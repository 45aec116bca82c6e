"""How often a Secret is repaired that somebody else keeps changing: values only."""

from __future__ import annotations

from dataclasses import dataclass

from controller.backoff import Backoff

_CALM_SECONDS = 30.0
# Who applies a Secret of his own from Git does so every some minutes, an hour at most.
_SAME_WRITER_CALM_SECONDS = 3 * 3600.0
_FREE_REPAIRS = 2
_PAUSES = Backoff(5.0, 300.0)


@dataclass(slots=True)
class Repairs:
    """Repairs of one Secret that followed on each other: a fight with another writer.

    Two are made at once, each further one after a pause that doubles; a calm ends the fight. It
    is longer where one and the same writes again: two owners disagree, however slowly they do.
    Times are seconds of one clock.
    """

    count: int = 0
    last: float = 0.0
    writer: str = ""
    """Whose edit was repaired last; empty where that is not known."""

    def wait(self, now: float) -> float:
        """Seconds until the next repair may be made."""
        return max(0.0, self.last + self._pause() - now) if self.count else 0.0

    def made(self, now: float, writer: str = "") -> None:
        """A repair was made of what this one wrote."""
        same = writer != "" and writer == self.writer
        needed = max(_SAME_WRITER_CALM_SECONDS if same else _CALM_SECONDS, 2 * self._pause())
        self.count = 1 if now - self.last > needed else self.count + 1
        self.last, self.writer = now, writer

    @property
    def is_fight(self) -> bool:
        """Whether the last one was put off."""
        return self.count > _FREE_REPAIRS

    @property
    def is_told(self) -> bool:
        """Whether one before was put off: that it is a fight was said then."""
        return self.count > _FREE_REPAIRS + 1

    def _pause(self) -> float:
        return _PAUSES.after(self.count - _FREE_REPAIRS + 1)
