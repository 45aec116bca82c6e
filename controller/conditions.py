"""PURE: how an attempt ended, and the conditions that say so; both halves have these."""

from __future__ import annotations

from dataclasses import dataclass

from controller.reasons import Reason


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended."""

    reason: Reason
    message: str = ""
    """For people. Names places, never values."""
    ok: bool = False

    @property
    def final(self) -> bool:
        """Whether only a person can cure it."""
        return self.reason.row.final
