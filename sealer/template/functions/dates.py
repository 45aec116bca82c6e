"""sprig's functions on time. The local zone is UTC, as it is in the peer's container."""

from __future__ import annotations

from sealer.template import layouts, times
from sealer.template.casts import parse_int
from sealer.template.functions import date_methods
from sealer.template.registry import CallError, Environment, Group
from sealer.template.times import NANOSECONDS, Duration, Location, Month, Time, Weekday
from sealer.template.values import Int32, Int64, wrapped

GROUP = Group()

Time.methods = date_methods.TIME
Duration.methods = date_methods.DURATION
Month.methods = Weekday.methods = Location.methods = date_methods.NAMED


def _now(environment: Environment) -> Time:
    seconds, nanosecond = divmod(environment.now(), NANOSECONDS)
    return Time(seconds, nanosecond, times.LOCAL)


@GROUP.function("now", "func() time.Time", takes_environment=True, deterministic=False)
def now(environment: Environment) -> Time:
    return _now(environment)


def _time(environment: Environment, value: object) -> Time:
    """Take a time, or seconds since 1970; anything else is now."""
    if isinstance(value, Time):
        return value
    if type(value) in (int, Int64, Int32):
        return Time(int(value), 0, times.LOCAL)  # type: ignore[call-overload]
    return _now(environment)


@GROUP.function(
    "date", "func(string, interface {}) string", takes_environment=True, deterministic=False, cost=4
)
def date(environment: Environment, layout: bytes, value: object) -> bytes:
    return date_in_zone(environment, layout, value, b"Local")


@GROUP.function(
    "htmlDate", "func(interface {}) string", takes_environment=True, deterministic=False, cost=4
)
def html_date(environment: Environment, value: object) -> bytes:
    return date_in_zone(environment, b"2006-01-02", value, b"Local")


@GROUP.function(
    "htmlDateInZone",
    "func(interface {}, string) string",
    takes_environment=True,
    deterministic=False,
    cost=4,
)
def html_date_in_zone(environment: Environment, value: object, zone: bytes) -> bytes:
    return date_in_zone(environment, b"2006-01-02", value, zone)


@GROUP.function(
    "dateInZone",
    "func(string, interface {}, string) string",
    takes_environment=True,
    deterministic=False,
    cost=4,
)
@GROUP.function(
    "date_in_zone",
    "func(string, interface {}, string) string",
    takes_environment=True,
    deterministic=False,
    cost=4,
)
def date_in_zone(environment: Environment, layout: bytes, value: object, zone: bytes) -> bytes:
    time = _time(environment, value)
    environment.allocate(5 * len(layout))
    environment.spend(len(layout) // 2)
    shown = Time(time.seconds, time.nanosecond, times.load_location(zone))
    return layouts.formatted(shown, layout)


def _duration(environment: Environment, text: bytes) -> int | None:
    environment.spend(len(text))
    return layouts.parsed_duration(text)


@GROUP.function("dateModify", "func(string, time.Time) time.Time", takes_environment=True)
@GROUP.function("date_modify", "func(string, time.Time) time.Time", takes_environment=True)
def date_modify(environment: Environment, text: bytes, time: Time) -> Time:
    duration = _duration(environment, text)
    return time if duration is None else time.plus(duration)


@GROUP.function(
    "mustDateModify", "func(string, time.Time) (time.Time, error)", takes_environment=True
)
@GROUP.function(
    "must_date_modify", "func(string, time.Time) (time.Time, error)", takes_environment=True
)
def must_date_modify(environment: Environment, text: bytes, time: Time) -> Time:
    duration = _duration(environment, text)
    if duration is None:
        raise CallError("invalid duration")
    return time.plus(duration)


@GROUP.function("ago", "func(interface {}) string", takes_environment=True, deterministic=False)
def ago(environment: Environment, value: object) -> bytes:
    then = _now(environment) if type(value) is Int32 else _time(environment, value)
    past = _now(environment).minus(then)
    return times.duration_text(times.rounded(past, NANOSECONDS)).encode()


@GROUP.function("duration", "func(interface {}) string")
def duration(value: object) -> bytes:
    seconds = 0
    if isinstance(value, bytes):
        seconds = parse_int(value)[0]
    elif type(value) is Int64:
        seconds = int(value)
    return times.duration_text(wrapped(seconds * NANOSECONDS)).encode()


@GROUP.function(
    "durationRound",
    "func(interface {}) string",
    takes_environment=True,
    deterministic=False,
    cost=4,
)
def duration_round(environment: Environment, value: object) -> bytes:
    nanoseconds = 0
    if isinstance(value, bytes):
        nanoseconds = _duration(environment, value) or 0
    elif type(value) is Int64:
        nanoseconds = int(value)
    elif isinstance(value, Time):
        nanoseconds = _now(environment).minus(value)
    size = abs(nanoseconds)
    for unit, seconds in _UNITS:
        if size > seconds * NANOSECONDS:
            return b"%d%s" % (size // (seconds * NANOSECONDS), unit)
    return b"0s"


_UNITS = (
    (b"y", 365 * times.DAY),
    (b"mo", 30 * times.DAY),
    (b"d", times.DAY),
    (b"h", 3600),
    (b"m", 60),
    (b"s", 1),
)


@GROUP.function("toDate", "func(string, string) time.Time", takes_environment=True)
def to_date(environment: Environment, layout: bytes, text: bytes) -> Time:
    try:
        return must_to_date(environment, layout, text)
    except CallError:
        return Time()


@GROUP.function("mustToDate", "func(string, string) (time.Time, error)", takes_environment=True)
def must_to_date(environment: Environment, layout: bytes, text: bytes) -> Time:
    environment.spend(len(layout) // 2)
    return layouts.parsed(layout, text)


@GROUP.function("unixEpoch", "func(time.Time) string")
def unix_epoch(time: Time) -> bytes:
    return b"%d" % time.seconds
