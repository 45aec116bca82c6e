"""Go's time package as far as templates reach it: Time, Duration, Month, Weekday, Location.

The local zone is UTC, as in the peer's container; the year may be any (Python's datetime ends at
9999). Zones come from the time zone database of the machine, or else of the tzdata package.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from sealer.template.values import Object, Sized, wrapped

NANOSECONDS: Final = 1_000_000_000
DAY: Final = 86_400
_ZERO_SECONDS: Final = -62_135_596_800
"""The first of January of the year 1: Go's zero Time."""
_DAYS_BEFORE_1970: Final = 719_162
_DAYS_IN_400_YEARS: Final = 146_097
_EARLIEST: Final = -(292_277_022_400 // 400 * _DAYS_IN_400_YEARS + 306 + 719_162) * 86_400
"""Where Go begins to count (absoluteToInternal in time.go); an earlier time wraps around."""
_ALL_BITS: Final = (1 << 64) - 1

MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS: Final = (
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
)


class Duration(Sized, Object):
    """Nanoseconds."""

    __slots__ = ()
    go_type = "time.Duration"
    kind = "int64"

    def text(self) -> bytes:
        return duration_text(int(self)).encode()


class Month(Sized, Object):
    """1 is January."""

    __slots__ = ()
    go_type = "time.Month"
    kind = "int"

    def text(self) -> bytes:
        return (MONTHS[self - 1] if 1 <= self <= 12 else f"%!Month({int(self)})").encode()


class Weekday(Sized, Object):
    """0 is Sunday."""

    __slots__ = ()
    go_type = "time.Weekday"
    kind = "int"

    def text(self) -> bytes:
        return (WEEKDAYS[self] if 0 <= self <= 6 else f"%!Weekday({int(self)})").encode()


@dataclass(frozen=True, slots=True)
class Location(Object):
    """A zone: of the database by name, or one of a fixed offset east of UTC in seconds."""

    go_type: ClassVar[str] = "*time.Location"
    kind: ClassVar[str] = "ptr"

    name: str
    abbreviation: str = ""
    offset: int = 0
    zone: datetime.tzinfo | None = None
    is_local: bool = False

    def text(self) -> bytes:
        return self.name.encode()

    def at(self, seconds: int) -> tuple[str, int, bool]:
        """Return abbreviation, offset in seconds and whether it is summer time, at that time."""
        if self.zone is None:
            return self.abbreviation, self.offset, False
        moment = datetime.datetime.fromtimestamp(_representable(seconds), self.zone)
        offset, summer = moment.utcoffset(), moment.dst()
        return (
            moment.tzname() or "",
            int(offset.total_seconds()) if offset is not None else 0,
            bool(summer),
        )


UTC: Final = Location("UTC", "UTC")
LOCAL: Final = Location("UTC", "UTC", is_local=True)


@dataclass(frozen=True, slots=True)
class Civil:
    """What a calendar and a clock on the wall show."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    weekday: int
    yearday: int


@dataclass(frozen=True, slots=True)
class Time(Object):
    """Seconds since 1970 UTC, the nanoseconds beyond, and the zone to show it in."""

    go_type: ClassVar[str] = "time.Time"
    refused: ClassVar[Mapping[str, str]] = {
        "Date": "function Date has 3 return values; should be 1 or 2",
        "Clock": "function Clock has 3 return values; should be 1 or 2",
        "Zone": "invalid function signature for Zone: second return value should be error",
        "ISOWeek": "invalid function signature for ISOWeek: second return value should be error",
    }

    seconds: int = _ZERO_SECONDS
    nanosecond: int = 0
    location: Location = UTC

    def text(self) -> bytes:
        from sealer.template.layouts import formatted

        return formatted(self, b"2006-01-02 15:04:05.999999999 -0700 MST")

    def civil(self) -> Civil:
        """Return date and clock in the time's zone."""
        return civil(self.seconds + self.location.at(self.seconds)[1])

    def plus(self, nanoseconds: int) -> Time:
        """Return the time so much later."""
        seconds, nanosecond = divmod(self.nanosecond + nanoseconds, NANOSECONDS)
        return replace(self, seconds=wrapped(self.seconds + seconds), nanosecond=nanosecond)

    def minus(self, other: Time) -> int:
        """Return nanoseconds between the two, at most what 64 bits hold."""
        difference = (self.seconds - other.seconds) * NANOSECONDS
        difference += self.nanosecond - other.nanosecond
        return min(max(difference, -(1 << 63)), (1 << 63) - 1)


def civil(seconds: int) -> Civil:
    """Split seconds since 1970 into date and clock, in any year that Go's 64 bits hold."""
    seconds = ((seconds - _EARLIEST) & _ALL_BITS) + _EARLIEST
    days, clock = divmod(seconds, DAY)
    era, rest = divmod(days + _DAYS_BEFORE_1970, _DAYS_IN_400_YEARS)
    date = datetime.date.fromordinal(rest + 1)
    return Civil(
        year=date.year + 400 * era,
        month=date.month,
        day=date.day,
        hour=clock // 3600,
        minute=clock // 60 % 60,
        second=clock % 60,
        weekday=(days + 4) % 7,
        yearday=date.timetuple().tm_yday,
    )


def days_since_1970(year: int, month: int, day: int) -> int:
    """Count days; a month or day beyond the calendar's is carried over, as in Go's Date."""
    years, month = divmod(month - 1, 12)
    era, year = divmod(year + years - 1, 400)
    first = datetime.date(year + 1, month + 1, 1).toordinal() - 1
    return first + day - 1 + era * _DAYS_IN_400_YEARS - _DAYS_BEFORE_1970


def on_the_wall(seconds: int, nanosecond: int, location: Location) -> Time:
    """Return the time at which clocks in the zone show these seconds, as Go's Date chooses."""
    offset = location.at(seconds)[1]
    if offset:
        # Near a change of offset the first guess may be on its wrong side: look again there.
        offset = location.at(seconds - offset)[1]
    return Time(wrapped(seconds - offset), nanosecond, location)


def load_location(name: bytes) -> Location:
    """Find a zone by name; one that does not exist is UTC, as sprig takes it."""
    if name in (b"", b"UTC"):
        return UTC
    if name == b"Local":
        return LOCAL
    from zoneinfo import ZoneInfo

    try:
        key = name.decode("ascii")
        return Location(key, zone=ZoneInfo(key))
    except (ValueError, KeyError, OSError):
        return UTC


def duration_text(nanoseconds: int) -> str:
    """Write as time.Duration's String: ``1h2m3.5s``, below a second ``1.5ms``."""
    if nanoseconds == 0:
        return "0s"
    sign, size = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if size < NANOSECONDS:
        unit, width = next((u, w) for u, w in (("ms", 6), ("µs", 3), ("ns", 0)) if size >= 10**w)
        return f"{sign}{_decimal(size, width)}{unit}"
    seconds = size // NANOSECONDS
    text = f"{_decimal(size % (60 * NANOSECONDS), 9)}s"
    if seconds >= 60:
        text = f"{seconds // 60 % 60}m{text}"
    if seconds >= 3600:
        text = f"{seconds // 3600}h{text}"
    return sign + text


def rounded(nanoseconds: int, unit: int) -> int:
    """Round a duration to a multiple, halves away from zero, as Duration.Round."""
    if unit <= 0:
        return nanoseconds
    size, rest = abs(nanoseconds), abs(nanoseconds) % unit
    size = size - rest if rest + rest < unit else size + unit - rest
    return min(max(-size if nanoseconds < 0 else size, -(1 << 63)), (1 << 63) - 1)


def _decimal(number: int, width: int) -> str:
    whole, fraction = divmod(number, 10**width)
    digits = f"{fraction:0{width}d}".rstrip("0") if width else ""
    return f"{whole}.{digits}" if digits else str(whole)


def _representable(seconds: int) -> int:
    """Move a time into datetime's years by whole 400 years, after which the calendar repeats."""
    era = _DAYS_IN_400_YEARS * DAY
    latest, earliest = 250_000_000_000, _ZERO_SECONDS + DAY * 366
    if seconds > latest:
        return seconds - ((seconds - latest) // era + 1) * era
    return max(seconds, earliest)
