"""When two values are equal to Go's reflect.DeepEqual, and when one is empty to sprig."""

from __future__ import annotations

from sealer.template.printf import MAX_DEPTH
from sealer.template.registry import CallError, Environment
from sealer.template.values import Map, Missing, Object, Slice, go_type


def deep_equal(environment: Environment, one: object, other: object, depth: int = 0) -> bool:
    """Compare types and contents; a nil list differs from an empty one."""
    environment.spend(1)
    if depth > MAX_DEPTH:
        raise CallError("values are nested too deeply")
    if one is None or other is None:
        return one is other
    if go_type(one) != go_type(other):
        return False
    if isinstance(one, Slice) and isinstance(other, Slice):
        return (
            one.is_nil == other.is_nil
            and len(one) == len(other)
            and all(
                deep_equal(environment, a, b, depth + 1) for a, b in zip(one, other, strict=True)
            )
        )
    if isinstance(one, Map) and isinstance(other, Map):
        return (
            one.is_nil == other.is_nil
            and one.keys() == other.keys()
            and all(deep_equal(environment, one[key], other[key], depth + 1) for key in one)
        )
    return one == other


def empty(value: object) -> bool:
    """Tell whether sprig takes a value for unset: the zero value of its type, but no struct."""
    if value is None or isinstance(value, Missing):
        return True
    if isinstance(value, Object) and not isinstance(value, int):
        return False
    return not value
