"""What the rendering of one object may take, and the account of what it has taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sealer.template.values import Map, Slice

_ELEMENT: Final = 48
"""Bytes that an element of a list or map is charged: a reference and a small object."""
_STEPS_BETWEEN_LOOKS: Final = 512
_SECONDS_A_STEP: Final = 300e-6
"""Granted where a step's time is a matter of luck: so a key is made on a slow machine, too."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of all templates of one object together: the rest ends in a second."""

    templates: int = 256
    """Templates of one object."""
    steps: int = 200_000
    """Nodes walked, functions called and elements printed."""
    output: int = 1024 * 1024
    """Bytes; a Secret takes no more in all."""
    text: int = 1024 * 1024
    """Bytes of any one string on the way."""
    made: int = 64 * 1024 * 1024
    """Bytes of all strings and lists on the way, taken together."""
    depth: int = 10_000
    """Templates that call templates."""
    seconds: float = 1.0
    """CPU time, without what making keys and hashing passwords is given."""
    most_seconds: float = 10.0
    """CPU time in all; only making many keys takes that long."""


class LimitError(Exception):
    """A bound is reached; the message says which."""


class Budget:
    """The Environment of one object's rendering: clock, randomness, and the account."""

    def __init__(
        self,
        limits: Limits,
        *,
        now: Callable[[], int],
        random: Callable[[int], bytes],
        elapsed: Callable[[], float],
    ) -> None:
        """``now`` gives nanoseconds since 1970, ``elapsed`` seconds of CPU time."""
        self.limits = limits
        self.is_spent = False
        """Whether no time is left, nor steps."""
        self._output = limits.output
        self._steps = limits.steps
        self._look = self._steps - _STEPS_BETWEEN_LOOKS
        self._made = limits.made
        self._now_source = now
        self._now: int | None = None
        self._random = random
        self._elapsed = elapsed
        self._start = elapsed()
        self._seconds = limits.seconds

    def now(self) -> int:
        """Return the time, which stands still during a rendering."""
        if self._now is None:
            self._now = self._now_source()
        return self._now

    def random(self, size: int) -> bytes:
        """Return random bytes."""
        self.allocate(size)
        return self._random(size)

    def spend(self, steps: int) -> None:
        """Count work."""
        self._steps -= steps
        if self._steps < self._look:
            self._look_at_the_clock()

    def spend_with_time(self, steps: int) -> None:
        """Count work that may take long (a key, bcrypt); it brings the time for it along."""
        more = self._seconds + steps * _SECONDS_A_STEP
        self._seconds = min(more, self.limits.most_seconds)
        self.spend(steps)

    def _look_at_the_clock(self) -> None:
        if self._steps < 0:
            self.is_spent = True
            raise LimitError(f"takes more than {self.limits.steps} steps")
        self._look = self._steps - _STEPS_BETWEEN_LOOKS
        if self._elapsed() - self._start > self._seconds:
            self.is_spent = True
            raise LimitError(f"takes longer than {self._seconds:g} s")

    def write(self, size: int) -> None:
        """Count bytes of output."""
        self._output -= size
        if self._output < 0:
            raise LimitError(f"writes more than {self.limits.output} bytes")

    def allocate(self, size: int) -> None:
        """Count bytes about to be made: of one string, or of a list (48 an element)."""
        self._made -= size
        if self._made < 0:
            raise LimitError(f"makes more than {self.limits.made} bytes on the way")

    def string(self, size: int) -> None:
        """Count a string of so many bytes, about to be made."""
        if size > self.limits.text:
            raise LimitError(f"makes a string of more than {self.limits.text} bytes")
        self.allocate(size)

    def made(self, result: object) -> None:
        """Count what a function returned."""
        if isinstance(result, bytes):
            self.string(len(result))
        elif isinstance(result, Slice | Map):
            self.allocate(_ELEMENT * len(result))
