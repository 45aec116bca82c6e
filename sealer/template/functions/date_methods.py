"""The methods that Go's times, durations, months and weekdays offer to templates."""

from __future__ import annotations

from sealer.template import layouts, times
from sealer.template.registry import CallError, Environment, Group
from sealer.template.times import NANOSECONDS, Duration, Location, Month, Time, Weekday
from sealer.template.values import Int64, Slice, wrapped

TIME = Group()
DURATION = Group()
NAMED = Group()


@TIME.function("Format", "func(string) string", takes_environment=True)
def format_(environment: Environment, time: Time, layout: bytes) -> bytes:
    environment.allocate(5 * len(layout))
    environment.spend(len(layout) // 2)
    return layouts.formatted(time, layout)


@TIME.function("String", "func() string")
def string(time: Time) -> bytes:
    return time.text()


@TIME.function("GoString", "func() string")
def go_string(time: Time) -> bytes:
    shown = time.civil()
    zone = f'time.Location("{time.location.name}")'
    if time.location in (times.UTC, times.LOCAL):
        zone = "time.Local" if time.location.is_local else "time.UTC"
    month = times.MONTHS[shown.month - 1]
    return (
        f"time.Date({shown.year}, time.{month}, {shown.day}, {shown.hour}, {shown.minute}, "
        f"{shown.second}, {time.nanosecond}, {zone})"
    ).encode()


@TIME.function("Add", "func(time.Duration) time.Time")
def add(time: Time, duration: int) -> Time:
    return time.plus(duration)


@TIME.function("AddDate", "func(int, int, int) time.Time")
def add_date(time: Time, years: int, months: int, days: int) -> Time:
    shown = time.civil()
    if max(abs(years), abs(months), abs(days)) > 1 << 40:
        raise CallError("the date is out of range")
    day = times.days_since_1970(shown.year + years, shown.month + months, shown.day + days)
    clock = shown.hour * 3600 + shown.minute * 60 + shown.second
    return times.on_the_wall(day * times.DAY + clock, time.nanosecond, time.location)


@TIME.function("Sub", "func(time.Time) time.Duration")
def sub(time: Time, other: Time) -> Duration:
    return Duration(time.minus(other))


def _instant(time: Time) -> tuple[int, int]:
    return time.seconds, time.nanosecond


@TIME.function("After", "func(time.Time) bool")
def after(time: Time, other: Time) -> bool:
    return _instant(time) > _instant(other)


@TIME.function("Before", "func(time.Time) bool")
def before(time: Time, other: Time) -> bool:
    return _instant(time) < _instant(other)


@TIME.function("Equal", "func(time.Time) bool")
def equal(time: Time, other: Time) -> bool:
    return _instant(time) == _instant(other)


@TIME.function("Compare", "func(time.Time) int")
def compare(time: Time, other: Time) -> int:
    return (_instant(time) > _instant(other)) - (_instant(time) < _instant(other))


@TIME.function("IsZero", "func() bool")
def is_zero(time: Time) -> bool:
    return _instant(time) == _instant(Time())


@TIME.function("IsDST", "func() bool")
def is_dst(time: Time) -> bool:
    return time.location.at(time.seconds)[2]


@TIME.function("Year", "func() int")
def year(time: Time) -> int:
    return time.civil().year


@TIME.function("YearDay", "func() int")
def year_day(time: Time) -> int:
    return time.civil().yearday


@TIME.function("Month", "func() time.Month")
def month(time: Time) -> Month:
    return Month(time.civil().month)


@TIME.function("Weekday", "func() time.Weekday")
def weekday(time: Time) -> Weekday:
    return Weekday(time.civil().weekday)


@TIME.function("Day", "func() int")
def day(time: Time) -> int:
    return time.civil().day


@TIME.function("Hour", "func() int")
def hour(time: Time) -> int:
    return time.civil().hour


@TIME.function("Minute", "func() int")
def minute(time: Time) -> int:
    return time.civil().minute


@TIME.function("Second", "func() int")
def second(time: Time) -> int:
    return time.civil().second


@TIME.function("Nanosecond", "func() int")
def nanosecond(time: Time) -> int:
    return time.nanosecond


@TIME.function("Unix", "func() int64")
def unix(time: Time) -> Int64:
    return Int64(time.seconds)


@TIME.function("UnixMilli", "func() int64")
def unix_milli(time: Time) -> Int64:
    return Int64.wrap(time.seconds * 1000 + time.nanosecond // 1_000_000)


@TIME.function("UnixMicro", "func() int64")
def unix_micro(time: Time) -> Int64:
    return Int64.wrap(time.seconds * 1_000_000 + time.nanosecond // 1000)


@TIME.function("UnixNano", "func() int64")
def unix_nano(time: Time) -> Int64:
    return Int64.wrap(time.seconds * NANOSECONDS + time.nanosecond)


@TIME.function("UTC", "func() time.Time")
def utc(time: Time) -> Time:
    return Time(time.seconds, time.nanosecond, times.UTC)


@TIME.function("Local", "func() time.Time")
def local(time: Time) -> Time:
    return Time(time.seconds, time.nanosecond, times.LOCAL)


@TIME.function("Location", "func() *time.Location")
def location(time: Time) -> Location:
    return time.location


@TIME.function("In", "func(*time.Location) time.Time")
def in_(time: Time, zone: Location | None) -> Time:
    if zone is None:
        raise CallError("time: missing Location in call to Time.In")
    return Time(time.seconds, time.nanosecond, zone)


@TIME.function("Truncate", "func(time.Duration) time.Time")
def truncate(time: Time, unit: int) -> Time:
    return time if unit <= 0 else time.plus(-(_since_year_one(time) % unit))


@TIME.function("Round", "func(time.Duration) time.Time")
def round_(time: Time, unit: int) -> Time:
    if unit <= 0:
        return time
    rest = _since_year_one(time) % unit
    return time.plus(-rest if rest + rest < unit else unit - rest)


def _since_year_one(time: Time) -> int:
    return (time.seconds - Time().seconds) * NANOSECONDS + time.nanosecond


@TIME.function("MarshalText", "func() ([]uint8, error)")
def marshal_text(time: Time) -> Slice:
    if not 0 <= time.civil().year <= 9999:
        raise CallError("the year is out of range")
    return Slice(layouts.formatted(time, b"2006-01-02T15:04:05.999999999Z07:00"), elem="uint8")


@DURATION.function("String", "func() string")
def duration_string(duration: Duration) -> bytes:
    return duration.text()


@DURATION.function("Nanoseconds", "func() int64")
def nanoseconds(duration: Duration) -> Int64:
    return Int64(duration)


@DURATION.function("Microseconds", "func() int64")
def microseconds(duration: Duration) -> Int64:
    return Int64(_towards_zero(duration, 1_000))


@DURATION.function("Milliseconds", "func() int64")
def milliseconds(duration: Duration) -> Int64:
    return Int64(_towards_zero(duration, 1_000_000))


def _towards_zero(number: int, unit: int) -> int:
    quotient = abs(number) // unit
    return -quotient if number < 0 else quotient


def _parts(duration: int, unit: int) -> float:
    whole = _towards_zero(duration, unit)
    return float(whole) + float(duration - whole * unit) / unit


@DURATION.function("Seconds", "func() float64")
def seconds(duration: Duration) -> float:
    return _parts(duration, NANOSECONDS)


@DURATION.function("Minutes", "func() float64")
def minutes(duration: Duration) -> float:
    return _parts(duration, 60 * NANOSECONDS)


@DURATION.function("Hours", "func() float64")
def hours(duration: Duration) -> float:
    return _parts(duration, 3600 * NANOSECONDS)


@DURATION.function("Abs", "func() time.Duration")
def absolute(duration: Duration) -> Duration:
    return Duration(min(abs(int(duration)), (1 << 63) - 1))


@DURATION.function("Round", "func(time.Duration) time.Duration")
def duration_round(duration: Duration, unit: int) -> Duration:
    return Duration(times.rounded(duration, unit))


@DURATION.function("Truncate", "func(time.Duration) time.Duration")
def duration_truncate(duration: Duration, unit: int) -> Duration:
    if unit <= 0:
        return duration
    return Duration(wrapped(_towards_zero(duration, unit) * unit))


@NAMED.function("String", "func() string")
def name(value: Month | Weekday | Location) -> bytes:
    return value.text()
