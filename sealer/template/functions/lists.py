"""sprig's functions on lists. Each makes a new one; only ``sortAlpha`` sorts a []string in place.

What Go hands on without a copy (``toStrings``, the whole of ``slice``) is the same list here, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from sealer.template.casts import to_int
from sealer.template.equality import deep_equal, empty
from sealer.template.registry import CallError, Environment, Group
from sealer.template.strval import strings, strval
from sealer.template.values import Slice

GROUP = Group()


def _twice(
    name: str, parameters: str, result: str, *, takes_environment: bool = False
) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Register a function and its ``must`` twin: sprig's fail alike, by a panic or an error."""
    must = f"must{name[0].upper()}{name[1:]}"

    def add(call: Callable[..., object]) -> Callable[..., object]:
        GROUP.function(name, f"func({parameters}) {result}", takes_environment=takes_environment)(
            call
        )
        GROUP.function(
            must, f"func({parameters}) ({result}, error)", takes_environment=takes_environment
        )(call)
        return call

    return add


def _items(value: object) -> Slice:
    if not isinstance(value, Slice):
        raise CallError("not a list")
    return value


def _nil() -> Slice:
    return Slice(is_nil=True)


@GROUP.function("list", "func(...interface {}) []interface {}")
@GROUP.function("tuple", "func(...interface {}) []interface {}")
def make_list(*items: object) -> Slice:
    return Slice(items)


@_twice("append", "interface {}, interface {}", "[]interface {}")
@_twice("push", "interface {}, interface {}", "[]interface {}")
def append(items: object, item: object) -> Slice:
    return Slice([*_items(items), item])


@_twice("prepend", "interface {}, interface {}", "[]interface {}")
def prepend(items: object, item: object) -> Slice:
    return Slice([item, *_items(items)])


@_twice("first", "interface {}", "interface {}")
def first(items: object) -> object:
    found = _items(items)
    return found[0] if found else None


@_twice("last", "interface {}", "interface {}")
def last(items: object) -> object:
    found = _items(items)
    return found[-1] if found else None


@_twice("rest", "interface {}", "[]interface {}")
def rest(items: object) -> Slice:
    found = _items(items)
    return Slice(found[1:]) if found else _nil()


@_twice("initial", "interface {}", "[]interface {}")
def initial(items: object) -> Slice:
    found = _items(items)
    return Slice(found[:-1]) if found else _nil()


@_twice("reverse", "interface {}", "[]interface {}")
def reverse(items: object) -> Slice:
    return Slice(_items(items)[::-1])


@_twice("compact", "interface {}", "[]interface {}")
def compact(items: object) -> Slice:
    return Slice(each for each in _items(items) if not empty(each))


@_twice("uniq", "interface {}", "[]interface {}", takes_environment=True)
def uniq(environment: Environment, items: object) -> Slice:
    kept: list[object] = []
    for each in _items(items):
        if not _is_in(environment, each, kept):
            kept.append(each)
    return Slice(kept)


@_twice("without", "interface {}, ...interface {}", "[]interface {}", takes_environment=True)
def without(environment: Environment, items: object, *omitted: object) -> Slice:
    return Slice(each for each in _items(items) if not _is_in(environment, each, omitted))


def _is_in(environment: Environment, needle: object, hay: Sequence[object]) -> bool:
    return any(deep_equal(environment, needle, each) for each in hay)


@_twice("has", "interface {}, interface {}", "bool", takes_environment=True)
def has(environment: Environment, needle: object, items: object) -> bool:
    if items is None:
        return False
    return _is_in(environment, needle, _items(items))


@_twice("slice", "interface {}, ...interface {}", "interface {}")
def cut(items: object, *indices: object) -> object:
    found = _items(items)
    if not found:
        return None
    start = to_int(indices[0]) if indices else 0
    end = to_int(indices[1]) if len(indices) > 1 else len(found)
    if not 0 <= start <= end <= len(found):
        raise CallError("slice bounds out of range")
    if end - start == len(found):
        return found
    return Slice(found[start:end], elem=found.elem)


@_twice("chunk", "int, interface {}", "[][]interface {}", takes_environment=True)
def chunk(environment: Environment, size: int, items: object) -> Slice:
    found = _items(items)
    count = _chunks(size, len(found))
    environment.allocate(count * 120)
    if count and size < 0:
        if size < -1 and len(found) == 1:
            return Slice([Slice(found)], elem="[]interface {}")
        raise CallError("the size of a chunk is negative")
    pieces = (Slice(found[index * size : (index + 1) * size]) for index in range(count))
    return Slice(pieces, elem="[]interface {}")


def _chunks(size: int, length: int) -> int:
    """Count chunks in float64, as sprig does."""
    if size == 0:
        # A division by zero gives an infinity or NaN, which no list is long enough for.
        raise CallError("the size of a chunk is zero")
    count = math.floor((length - 1) / size) + 1
    if count < 0:
        raise CallError("the size of a chunk is negative")
    return count


@GROUP.function("concat", "func(...interface {}) interface {}", takes_environment=True)
def concat(environment: Environment, *lists: object) -> object:
    joined: list[object] = []
    for each in lists:
        found = _items(each)
        environment.allocate(8 * len(found))
        joined += found
    return Slice(joined, is_nil=not joined)


@GROUP.function("toStrings", "func(interface {}) []string", takes_environment=True)
def to_strings(environment: Environment, value: object) -> Slice:
    return _strslice(environment, value)


@GROUP.function("join", "func(string, interface {}) string", takes_environment=True)
def join(environment: Environment, separator: bytes, value: object) -> bytes:
    parts = strings(environment, value)
    environment.allocate(len(separator) * len(parts) + sum(map(len, parts)))
    return separator.join(parts)


@GROUP.function("sortAlpha", "func(interface {}) []string", takes_environment=True)
def sort_alpha(environment: Environment, value: object) -> Slice:
    if not isinstance(value, Slice):
        return Slice([strval(environment, value)], elem="string")
    parts = _strslice(environment, value)
    environment.spend(len(parts))
    parts.sort()
    return parts


def _strslice(environment: Environment, value: object) -> Slice:
    """A []string as it is, and a new one of everything else: sprig's strslice."""
    if isinstance(value, Slice) and value.elem == "string":
        return value
    return Slice(strings(environment, value), elem="string")
