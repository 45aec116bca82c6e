"""Durations as Go writes them: the peer's flags take ``720h``, ``2m30s``, ``500ms``."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_UNITS["h"] = 3600.0
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


def parse_duration(text: str) -> timedelta:
    """Read a Go duration; ``0`` needs no unit. ValueError with the text otherwise.

    Source: Go, ``time.ParseDuration``.
    """
    rest = text.strip()
    sign = -1.0 if rest.startswith("-") else 1.0
    rest = rest.removeprefix("-").removeprefix("+")
    if rest == "0":
        return timedelta(0)
    seconds, at = 0.0, 0
    while match := _PART.match(rest, at):
        seconds += float(match[1]) * _UNITS[match[2]]
        at = match.end()
    if not rest or at != len(rest):
        raise ValueError(f"invalid duration {text!r}")
    try:
        return timedelta(seconds=sign * seconds)
    except OverflowError:
        raise ValueError(f"invalid duration {text!r}") from None
