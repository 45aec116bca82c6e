"""One thing that was looked at, what was seen, and what cures it. PURE."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

OK, NOTE, WARNING, ERROR = "ok", "note", "warning", "error"
"""Levels: fine; worth knowing; will be a problem; is one."""


@dataclass(frozen=True, slots=True)
class Finding:
    """``subject`` is what was looked at, in a word or two; ``cure`` an imperative, or empty."""

    subject: str
    level: str
    says: str
    cure: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return it for ``--format json``."""
        return {
            "subject": self.subject,
            "level": self.level,
            "says": self.says,
            "cure": self.cure,
        }


def failed(findings: Iterable[Finding]) -> bool:
    """Whether one of them is an error."""
    return any(finding.level == ERROR for finding in findings)
