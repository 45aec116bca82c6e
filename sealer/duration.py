"""Durations as Go and Kubernetes write them: ``5m``, ``1h30m``, ``720h``."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_UNITS["h"] = 3600.0
# Go's time.Duration, which an API server reads, counts nanoseconds in 63 bits.
_MOST = (2**63 - 1) * 1e-9
_GO = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")


def parse(text: str) -> float:
    """Return seconds, written as the CRDs take them; raises ValueError with a constant text."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError("is no duration: write it as 30s, 5m or 1h30m")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if seconds > _MOST:
        raise ValueError("is longer than 292 years, the most there is")
    return seconds


def parse_go(text: str) -> timedelta:
    """Read whatever Go reads, as the peer's flags do; ``0`` needs no unit.

    Raises ValueError with the text. Source: Go, ``time.ParseDuration``.
    """
    rest = text.strip()
    sign = -1.0 if rest.startswith("-") else 1.0
    rest = rest.removeprefix("-").removeprefix("+")
    if rest == "0":
        return timedelta(0)
    seconds, at = 0.0, 0
    while match := _GO.match(rest, at):
        seconds += float(match[1]) * _UNITS[match[2]]
        at = match.end()
    if not rest or at != len(rest):
        raise ValueError(f"invalid duration {text!r}")
    try:
        return timedelta(seconds=sign * seconds)
    except OverflowError:
        raise ValueError(f"invalid duration {text!r}") from None


def words(seconds: float) -> str:
    """Write seconds for people: ``30 days``, ``5 minutes``."""
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size and seconds % size == 0:
            count = int(seconds // size)
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{seconds:g} seconds"
