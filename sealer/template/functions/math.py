"""sprig's arithmetic: on 64-bit integers that wrap around, and on decimals of floats."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from sealer.template.casts import parse_int, to_float, to_int
from sealer.template.numbers import shortest
from sealer.template.printf import sprint
from sealer.template.registry import CallError, Environment, Group
from sealer.template.values import Int64, Slice

GROUP = Group()


@GROUP.function("int", "func(interface {}) int")
def integer(value: object) -> int:
    return to_int(value)


@GROUP.function("int64", "func(interface {}) int64")
def int64(value: object) -> Int64:
    return Int64(to_int(value))


@GROUP.function("float64", "func(interface {}) float64")
def float64(value: object) -> float:
    return to_float(value)


@GROUP.function("toDecimal", "func(interface {}) int64", takes_environment=True)
def to_decimal(environment: Environment, value: object) -> Int64:
    # "Decimal" of octal: what a file mode such as 0777 means.
    number, good = parse_int(sprint([value], environment), 8)
    return Int64(number if good else 0)


@GROUP.function("add1", "func(interface {}) int64")
def add1(value: object) -> Int64:
    return Int64.wrap(to_int(value) + 1)


@GROUP.function("add", "func(...interface {}) int64")
def add(*values: object) -> Int64:
    return Int64.wrap(sum(map(to_int, values)))


@GROUP.function("sub", "func(interface {}, interface {}) int64")
def sub(one: object, other: object) -> Int64:
    return Int64.wrap(to_int(one) - to_int(other))


@GROUP.function("mul", "func(interface {}, ...interface {}) int64")
def mul(value: object, *values: object) -> Int64:
    product = Int64(to_int(value))
    for each in values:
        product = Int64.wrap(product * to_int(each))
    return product


@GROUP.function("div", "func(interface {}, interface {}) int64")
def div(one: object, other: object) -> Int64:
    return Int64.wrap(_quotient(to_int(one), to_int(other)))


@GROUP.function("mod", "func(interface {}, interface {}) int64")
def mod(one: object, other: object) -> Int64:
    dividend, divisor = to_int(one), to_int(other)
    return Int64(dividend - divisor * _quotient(dividend, divisor))


def _quotient(dividend: int, divisor: int) -> int:
    """Divide towards zero, as Go does; Python's division rounds down."""
    if divisor == 0:
        raise CallError("integer divide by zero")
    quotient = abs(dividend) // abs(divisor)
    return quotient if (dividend < 0) == (divisor < 0) else -quotient


@GROUP.function("biggest", "func(interface {}, ...interface {}) int64")
@GROUP.function("max", "func(interface {}, ...interface {}) int64")
def biggest(value: object, *values: object) -> Int64:
    return Int64(max(map(to_int, (value, *values))))


@GROUP.function("min", "func(interface {}, ...interface {}) int64")
def smallest(value: object, *values: object) -> Int64:
    return Int64(min(map(to_int, (value, *values))))


@GROUP.function("maxf", "func(interface {}, ...interface {}) float64")
def maxf(value: object, *values: object) -> float:
    return _extreme(max, value, values)


@GROUP.function("minf", "func(interface {}, ...interface {}) float64")
def minf(value: object, *values: object) -> float:
    return _extreme(min, value, values)


def _extreme(
    choose: Callable[[list[float]], float], value: object, values: tuple[object, ...]
) -> float:
    numbers = [to_float(each) for each in (value, *values)]
    infinity = choose([math.inf, -math.inf])
    if infinity in numbers:  # Go's Max and Min let it win over NaN
        return infinity
    return math.nan if any(map(math.isnan, numbers)) else choose(numbers)


@GROUP.function("floor", "func(interface {}) float64")
def floor(value: object) -> float:
    number = to_float(value)
    return float(math.floor(number)) if math.isfinite(number) and number else number


@GROUP.function("ceil", "func(interface {}) float64")
def ceil(value: object) -> float:
    return -floor(-to_float(value))


@GROUP.function("round", "func(interface {}, int, ...float64) float64")
def round_(value: object, places: int, *thresholds: float) -> float:
    power = _power_of_ten(places)
    digit = power * to_float(value)
    fraction = math.fmod(digit, 1) if math.isfinite(digit) else math.nan
    up = fraction >= (thresholds[0] if thresholds else 0.5)
    rounded = ceil(digit) if up else floor(digit)
    if power == 0:
        return math.nan if rounded == 0 or math.isnan(rounded) else math.copysign(math.inf, rounded)
    if math.isinf(power) and math.isinf(rounded):
        return math.nan
    return rounded / power


def _power_of_ten(places: int) -> float:
    if places > 308:
        return math.inf
    return float(f"1e{places}") if places >= -323 else 0.0


@GROUP.function("add1f", "func(interface {}) float64")
def add1f(value: object) -> float:
    return _folded(lambda one, other: one + other, value, (1,))


@GROUP.function("addf", "func(...interface {}) float64")
def addf(*values: object) -> float:
    return _folded(lambda one, other: one + other, 0.0, values)


@GROUP.function("subf", "func(interface {}, ...interface {}) float64")
def subf(value: object, *values: object) -> float:
    return _folded(lambda one, other: one - other, value, values)


@GROUP.function("mulf", "func(interface {}, ...interface {}) float64")
def mulf(value: object, *values: object) -> float:
    return _folded(lambda one, other: one * other, value, values)


@GROUP.function("divf", "func(interface {}, ...interface {}) float64")
def divf(value: object, *values: object) -> float:
    return _folded(_divided, value, values)


def _folded(
    operation: Callable[[Fraction, Fraction], Fraction], value: object, values: tuple[object, ...]
) -> float:
    """Compute with the decimals that the floats print as; exactly, but for divisions."""
    result = _decimal(value)
    for each in values:
        result = operation(result, _decimal(each))
        if result.numerator.bit_length() + result.denominator.bit_length() > 100_000:
            raise CallError("the numbers have too many digits")
    try:
        return float(result)
    except OverflowError:
        return math.inf if result > 0 else -math.inf


def _decimal(value: object) -> Fraction:
    number = to_float(value)
    if not math.isfinite(number):
        raise CallError("not a finite number")
    sign, digits, point = shortest(number)
    return Fraction(int(sign + digits)) * Fraction(10) ** (point - len(digits))


def _divided(dividend: Fraction, divisor: Fraction) -> Fraction:
    """Divide to 16 decimal places, halves away from zero."""
    if divisor == 0:
        raise CallError("decimal division by 0")
    scaled = abs(dividend / divisor) * 10**16
    rounded = Fraction(math.floor(scaled + Fraction(1, 2)), 10**16)
    return rounded if (dividend < 0) == (divisor < 0) else -rounded


@GROUP.function("until", "func(int) []int", takes_environment=True)
def until(environment: Environment, count: int) -> Slice:
    return until_step(environment, 0, count, -1 if count < 0 else 1)


@GROUP.function("untilStep", "func(int, int, int) []int", takes_environment=True)
def until_step(environment: Environment, start: int, stop: int, step: int) -> Slice:
    return Slice(_range(environment, start, stop, step), elem="int")


def _range(environment: Environment, start: int, stop: int, step: int) -> range:
    if step == 0 or (stop < start) != (step < 0):
        return range(0)
    numbers = range(start, stop, step)
    count = max(0, (stop - start + step - (1 if step > 0 else -1)) // step)
    environment.allocate(40 * count)
    environment.spend(count // 16)
    return numbers


@GROUP.function("seq", "func(...int) string", takes_environment=True)
def seq(environment: Environment, *parameters: int) -> bytes:
    if len(parameters) not in (1, 2, 3):
        return b""
    start = 1 if len(parameters) == 1 else parameters[0]
    end = parameters[-1]
    step = -1 if end < start else 1
    increment = step
    if len(parameters) == 3:
        step = parameters[1]
        if end < start and step > 0:
            return b""
    return b" ".join(b"%d" % each for each in _range(environment, start, end + increment, step))
