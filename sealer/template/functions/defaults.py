"""sprig's functions that choose a value."""

from __future__ import annotations

from sealer.template.equality import empty as is_empty
from sealer.template.registry import Group

GROUP = Group()


@GROUP.function("default", "func(interface {}, ...interface {}) interface {}")
def default(otherwise: object, *given: object) -> object:
    return otherwise if not given or is_empty(given[0]) else given[0]


@GROUP.function("empty", "func(interface {}) bool")
def empty(value: object) -> bool:
    return is_empty(value)


@GROUP.function("coalesce", "func(...interface {}) interface {}")
def coalesce(*values: object) -> object:
    return next((each for each in values if not is_empty(each)), None)


@GROUP.function("all", "func(...interface {}) bool")
def every(*values: object) -> bool:
    return not any(is_empty(each) for each in values)


@GROUP.function("any", "func(...interface {}) bool")
def some(*values: object) -> bool:
    return not all(is_empty(each) for each in values)


@GROUP.function("ternary", "func(interface {}, interface {}, bool) interface {}")
def ternary(if_true: object, if_false: object, condition: bool) -> object:
    return if_true if condition else if_false
