"""What is said on the way: warnings, notes and progress, which are neither result nor failure.

The library takes somebody who listens and never prints. The command line's ``UI`` is one; a caller
who wants to hear nothing gives ``SILENT``. No message holds a value.
"""

from __future__ import annotations

from typing import Protocol


class Steps(Protocol):
    """Work of a known number of steps, under way."""

    def step(self) -> None:
        """One more is done; called from one thread at a time."""

    def close(self) -> None:
        """It ended, done or not."""


class Notices(Protocol):
    """Somebody who listens; may be called from several threads."""

    def warn(self, message: str) -> None:
        """Something deserves a look."""

    def note(self, message: str) -> None:
        """Something happened that is worth knowing."""

    def progress(self, total: int, what: str) -> Steps:
        """``total`` steps begin."""


class _Silent:
    """Nobody listens."""

    def warn(self, message: str) -> None:
        """Drop it."""

    def note(self, message: str) -> None:
        """Drop it."""

    def progress(self, total: int, what: str) -> Steps:
        """Count nothing."""
        return self

    def step(self) -> None:
        """Count nothing."""

    def close(self) -> None:
        """Nothing was begun."""


SILENT: Notices = _Silent()
