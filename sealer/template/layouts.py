"""Go's time layouts: the reference time ``Mon Jan 2 15:04:05 MST 2006`` says what stands where."""

from __future__ import annotations

import re
from typing import Final

from sealer.template import times
from sealer.template.registry import CallError
from sealer.template.times import MONTHS, NANOSECONDS, WEEKDAYS, Civil, Location, Time

# The elements in the order in which Go tries them at one place; a short name is no element
# before a lower-case letter ("Jano"). Source: nextStdChunk in Go's time/format.go.
_ELEMENT: Final = re.compile(
    rb"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|0[1-6]|002|15|1|2006|2|_(?=2006)|_2|__2|3|4|5"
    rb"|PM|pm|-070000|-07:00:00|-0700|-07:00|-07|Z070000|Z07:00:00|Z0700|Z07:00|Z07"
    rb"|[.,](?:0+|9+)(?![0-9])"
)


def _split(layout: bytes) -> list[tuple[bytes, bytes]]:
    """Return pairs of literal text and the element after it; the last element is empty."""
    parts, start = [], 0
    for match in _ELEMENT.finditer(layout):
        if match[0] == b"_":  # a literal, before a year
            continue
        parts.append((layout[start : match.start()], match[0]))
        start = match.end()
    return [*parts, (layout[start:], b"")]


def formatted(time: Time, layout: bytes) -> bytes:
    """Write a time by a layout, as Time.Format."""
    name, offset, _ = time.location.at(time.seconds)
    shown = times.civil(time.seconds + offset)
    out = []
    for literal, element in _split(layout):
        out.append(literal)
        if element:
            out.append(_written(element, shown, time.nanosecond, name, offset).encode())
    return b"".join(out)


def _written(element: bytes, shown: Civil, nanosecond: int, name: str, offset: int) -> str:
    first = element[:1]
    if first in b".,":
        return _fraction(element, nanosecond)
    if first in b"-Z":
        return _offset(element, offset)
    if element == b"MST":
        return name or _offset(b"-0700", offset)
    return _field(element, shown)


def _field(element: bytes, shown: Civil) -> str:
    hour12 = shown.hour % 12 or 12
    half = "PM" if shown.hour >= 12 else "AM"
    year = f"{abs(shown.year):04d}"
    fields = {
        b"January": MONTHS[shown.month - 1],
        b"Jan": MONTHS[shown.month - 1][:3],
        b"1": str(shown.month),
        b"01": f"{shown.month:02d}",
        b"Monday": WEEKDAYS[shown.weekday],
        b"Mon": WEEKDAYS[shown.weekday][:3],
        b"2": str(shown.day),
        b"_2": f"{shown.day:2d}",
        b"02": f"{shown.day:02d}",
        b"__2": f"{shown.yearday:3d}",
        b"002": f"{shown.yearday:03d}",
        b"15": f"{shown.hour:02d}",
        b"3": str(hour12),
        b"03": f"{hour12:02d}",
        b"4": str(shown.minute),
        b"04": f"{shown.minute:02d}",
        b"5": str(shown.second),
        b"05": f"{shown.second:02d}",
        b"2006": f"-{year}" if shown.year < 0 else year,
        b"06": f"{abs(shown.year) % 100:02d}",
        b"PM": half,
        b"pm": half.lower(),
    }
    return fields[element]


def _fraction(element: bytes, nanosecond: int) -> str:
    digits = f"{nanosecond:09d}"[: len(element) - 1]
    if element[1:2] == b"9":
        if nanosecond == 0:
            return ""
        digits = digits.rstrip("0")
        return chr(element[0]) + digits if digits else ""
    return chr(element[0]) + digits


def _offset(element: bytes, offset: int) -> str:
    if offset == 0 and element[:1] == b"Z":
        return "Z"
    # Go divides towards zero before it looks at the sign.
    minutes = abs(offset) // 60
    sign = "-" if offset <= -60 else "+"
    seconds = abs(offset) % 60 if sign == "-" or offset >= 0 else offset % -60
    colon = ":" if b":" in element else ""
    text = f"{sign}{minutes // 60:02d}"
    if len(element) > 3:
        text += f"{colon}{minutes % 60:02d}"
    if element[1:] in (b"070000", b"07:00:00"):
        text += f"{colon}{seconds:02d}"
    return text


class _Reading:
    """The state of reading a time: what is left of the text, and what was found."""

    def __init__(self, text: bytes) -> None:
        self.rest = text
        self.year = 0
        self.month = self.day = self.yearday = -1
        self.hour = self.minute = self.second = self.nanosecond = 0
        self.half = b""
        self.zone: Location | None = None
        self.offset: int | None = None
        self.zone_name = b""

    def take(self, pattern: bytes) -> bytes:
        """Cut off what the pattern matches at the start."""
        match = re.match(pattern, self.rest)
        if not match:
            raise CallError("the text is not a time of this layout")
        self.rest = self.rest[match.end() :]
        return match[0]

    def number(self, pattern: bytes, least: int, most: int) -> int:
        """Take a number within its range."""
        return _within(int(self.take(pattern)), least, most)


def _within(number: int, least: int, most: int) -> int:
    if not least <= number <= most:
        raise CallError("a number of the time is out of range")
    return number


def parsed(layout: bytes, text: bytes) -> Time:
    """Read a time by a layout, as time.ParseInLocation in the local zone; else CallError."""
    reading = _Reading(text)
    parts = _split(layout)
    for index, (literal, element) in enumerate(parts):
        _skip(reading, literal)
        if not element:
            break
        following = parts[index + 1][1] if index + 1 < len(parts) else b""
        _read(reading, element, following)
    if reading.rest:
        raise CallError("the text is not a time of this layout: something is left over")
    return _made(reading)


def _skip(reading: _Reading, literal: bytes) -> None:
    """Pass over literal text; a run of spaces stands for any run of spaces."""
    for run in re.findall(rb" +|[^ ]+", literal):
        if run[:1] == b" ":
            if reading.rest and reading.rest[:1] != b" ":
                raise CallError("the text is not a time of this layout")
            reading.rest = reading.rest.lstrip(b" ")
        elif reading.rest.startswith(run):
            reading.rest = reading.rest[len(run) :]
        else:
            raise CallError("the text is not a time of this layout")


def _read(reading: _Reading, element: bytes, following: bytes) -> None:
    if element[:1] in b".,":
        _read_fraction(reading, element)
    elif element[:1] in b"-Z":
        _read_offset(reading, element)
    elif element == b"MST":
        _read_zone(reading)
    elif element in _DATE:
        _read_date(reading, element)
    else:
        _read_clock(reading, element, following)


_DATE: Final = frozenset(b"January Jan 1 01 Monday Mon 2 _2 02 __2 002 2006 06".split())


def _read_date(reading: _Reading, element: bytes) -> None:
    if element in (b"January", b"Jan"):
        reading.month = 1 + _read_name(reading, MONTHS, None if element == b"January" else 3)
    elif element in (b"Monday", b"Mon"):
        _read_name(reading, WEEKDAYS, None if element == b"Monday" else 3)
    elif element in (b"1", b"01"):
        reading.month = reading.number(rb"[0-9]{2}" if element == b"01" else rb"[0-9]{1,2}", 1, 12)
    elif element in (b"__2", b"002"):
        if element == b"__2":
            reading.take(rb" {0,2}")
        pattern = rb"[0-9]{3}" if element == b"002" else rb"[0-9]{1,3}"
        reading.yearday = reading.number(pattern, 0, 999)
    elif element == b"2006":
        reading.year = reading.number(rb"[0-9]{4}", 0, 9999)
    elif element == b"06":
        year = reading.number(rb"[0-9]{2}|[+-][0-9]", -9, 99)
        reading.year = year + (1900 if year >= 69 else 2000)
    else:
        if element == b"_2":
            reading.take(rb" ?")
        reading.day = reading.number(rb"[0-9]{2}" if element == b"02" else rb"[0-9]{1,2}", 0, 99)


def _read_name(reading: _Reading, names: tuple[str, ...], length: int | None) -> int:
    for index, name in enumerate(names):
        wanted = name[:length].encode()
        if reading.rest[: len(wanted)].lower() == wanted.lower():
            reading.rest = reading.rest[len(wanted) :]
            return index
    raise CallError("the text is not a time of this layout: no such name")


def _read_clock(reading: _Reading, element: bytes, following: bytes) -> None:
    pattern = rb"[0-9]{2}" if element[:1] == b"0" else rb"[0-9]{1,2}"
    if element in (b"PM", b"pm"):
        reading.half = reading.take(rb"PM|AM" if element == b"PM" else rb"pm|am").lower()
    elif element == b"15":
        reading.hour = reading.number(rb"[0-9]{1,2}", 0, 23)
    elif element in (b"3", b"03"):
        reading.hour = reading.number(pattern, 0, 12)
    elif element in (b"4", b"04"):
        reading.minute = reading.number(pattern, 0, 59)
    else:
        reading.second = reading.number(pattern, 0, 59)
        # A fraction may follow though the layout has none.
        if following[:1] not in (b".", b",") and re.match(rb"[.,][0-9]", reading.rest):
            reading.nanosecond = _nanoseconds(reading.take(rb"[.,][0-9]+"))


def _read_fraction(reading: _Reading, element: bytes) -> None:
    if element[1:2] == b"0":
        reading.nanosecond = _nanoseconds(reading.take(rb"[.,][0-9]{%d}" % (len(element) - 1)))
    elif re.match(rb"[.,][0-9]", reading.rest):
        reading.nanosecond = _nanoseconds(reading.take(rb"[.,][0-9]+"))


def _nanoseconds(fraction: bytes) -> int:
    return int(fraction[1:10].ljust(9, b"0"))


def _read_offset(reading: _Reading, element: bytes) -> None:
    if element[:1] == b"Z" and reading.rest[:1] == b"Z":
        reading.rest = reading.rest[1:]
        reading.zone = times.UTC
        return
    colon = b":" if b":" in element else b""
    count = {3: 1, 5: 2, 6: 2, 7: 3, 9: 3}[len(element)]
    found = reading.take(rb"[+-]" + colon.join([rb"[0-9]{2}"] * count))
    hours, minutes, seconds, *_ = [*map(int, re.findall(rb"[0-9]{2}", found)), 0, 0]
    size = (_within(hours, 0, 24) * 60 + _within(minutes, 0, 60)) * 60 + _within(seconds, 0, 60)
    reading.offset = -size if found[:1] == b"-" else size


def _read_zone(reading: _Reading) -> None:
    if reading.rest.startswith(b"UTC"):
        reading.rest = reading.rest[3:]
        reading.zone = times.UTC
    elif reading.rest.startswith(b"GMT"):
        name = reading.take(rb"GMT(?:[+-](?:0*(?:2[0-3]|1[0-9]|[0-9])(?![0-9])))?")
        reading.zone_name = name
    else:
        reading.zone_name = reading.take(
            rb"ChST|MeST|[+-]0*(?:2[0-3]|1[0-9]|[0-9])(?![0-9])"
            rb"|(?:[A-Z]{4}T|[A-Z]{3}T|WITA|[A-Z]{3})(?![A-Z])"
        )


def _made(reading: _Reading) -> Time:
    hour = reading.hour
    if reading.half == b"pm" and hour < 12:
        hour += 12
    elif reading.half == b"am" and hour == 12:
        hour = 0
    month, day = _month_and_day(reading)
    days = times.days_since_1970(reading.year, month, day)
    if times.civil(days * times.DAY).month != month or day < 1:
        raise CallError("the day of the time is out of range")
    seconds = days * times.DAY + hour * 3600 + reading.minute * 60 + reading.second
    if reading.zone is not None:
        return times.on_the_wall(seconds, reading.nanosecond, reading.zone)
    name = reading.zone_name.decode()
    # Go keeps the offset -1 for "none", and so takes an offset of one second west for none.
    if reading.offset is not None and reading.offset != -1:
        local = reading.offset == 0 and name in ("", "UTC")
        zone = times.LOCAL if local else Location(name, name, reading.offset)
        return Time(seconds - reading.offset, reading.nanosecond, zone)
    if name:
        offset = int(name[3:]) * 3600 if name.startswith("GMT") and len(name) > 3 else 0
        # The clock was read as if in UTC, and Go leaves it at that.
        return Time(seconds, reading.nanosecond, Location(name, name, offset))
    return times.on_the_wall(seconds, reading.nanosecond, times.LOCAL)


def _month_and_day(reading: _Reading) -> tuple[int, int]:
    if reading.yearday < 0:
        return (1 if reading.month < 0 else reading.month), (1 if reading.day < 0 else reading.day)
    leap = reading.year % 4 == 0 and (reading.year % 100 != 0 or reading.year % 400 == 0)
    _within(reading.yearday, 1, 366 if leap else 365)
    days = times.days_since_1970(reading.year, 1, reading.yearday)
    found = times.civil(days * times.DAY)
    if reading.month not in (-1, found.month) or reading.day not in (-1, found.day):
        raise CallError("the day of the year is not that day of the month")
    return found.month, found.day


_DURATION_PART: Final = re.compile(rb"([0-9]*)(\.[0-9]*)?([^0-9.]+)")
_UNITS: Final = {
    b"ns": 1,
    b"us": 1_000,
    "µs".encode(): 1_000,
    "μs".encode(): 1_000,
    b"ms": 1_000_000,
    b"s": NANOSECONDS,
    b"m": 60 * NANOSECONDS,
    b"h": 3600 * NANOSECONDS,
}


def parsed_duration(text: bytes) -> int | None:
    """Read ``1h30m``, ``-1.5s``, as time.ParseDuration; None where Go sees an error."""
    body = text[1:] if text[:1] in (b"+", b"-") else text
    if body == b"0":
        return 0
    total, at = 0, 0
    while at < len(body):
        match = _DURATION_PART.match(body, at)
        part = _duration_part(match) if match else None
        if match is None or part is None:
            return None
        total, at = total + part, match.end()
        if total > 1 << 63:
            return None
    if not body:
        return None
    if text[:1] == b"-":
        return -total
    return total if total < 1 << 63 else None


def _duration_part(match: re.Match[bytes]) -> int | None:
    whole, fraction, unit_name = match[1], (match[2] or b"")[1:], match[3]
    unit = _UNITS.get(unit_name)
    if unit is None or not (whole or fraction) or len(whole.lstrip(b"0")) > 19:
        return None
    number = int(whole or b"0")
    if number > (1 << 63) // unit:
        return None
    nanoseconds = number * unit
    if fraction:
        # Go keeps as many digits as fit into 63 bits and computes in float64.
        kept = fraction
        while int(kept[:20] or b"0") > (1 << 63) - 1 or len(kept) > 19:
            kept = kept[:-1] if len(kept) <= 20 else kept[:20]
        nanoseconds += int(float(int(kept)) * (float(unit) / 10.0 ** len(kept)))
    return nanoseconds if nanoseconds <= 1 << 63 else None
