"""sprig's functions on maps, and mergo's rules of merging them."""

from __future__ import annotations

from sealer.template.equality import empty
from sealer.template.printf import MAX_DEPTH
from sealer.template.registry import CallError, Environment, Group
from sealer.template.strval import strval
from sealer.template.times import Time
from sealer.template.values import EMPTY_INTERFACE, Map, Object, Slice, kind

GROUP = Group()


@GROUP.function("dict", "func(...interface {}) map[string]interface {}", takes_environment=True)
def make_dict(environment: Environment, *items: object) -> Map:
    keys = [strval(environment, key) for key in items[::2]]
    values = [*items[1::2], b""]
    return Map(zip(keys, values, strict=False))


@GROUP.function("get", "func(map[string]interface {}, string) interface {}")
def get(source: Map, key: bytes) -> object:
    return source.get(key, b"")


@GROUP.function(
    "set", "func(map[string]interface {}, string, interface {}) map[string]interface {}"
)
def put(target: Map, key: bytes, value: object) -> Map:
    if target.is_nil:
        raise CallError("assignment to entry in nil map")
    target[key] = value
    return target


@GROUP.function("unset", "func(map[string]interface {}, string) map[string]interface {}")
def unset(target: Map, key: bytes) -> Map:
    target.pop(key, None)
    return target


@GROUP.function("hasKey", "func(map[string]interface {}, string) bool")
def has_key(source: Map, key: bytes) -> bool:
    return key in source


@GROUP.function("pluck", "func(string, ...map[string]interface {}) []interface {}")
def pluck(key: bytes, *sources: Map) -> Slice:
    return Slice(source[key] for source in sources if key in source)


@GROUP.function("keys", "func(...map[string]interface {}) []string")
def keys(*sources: Map) -> Slice:
    return Slice((key for source in sources for key in sorted(source)), elem="string")


@GROUP.function("values", "func(map[string]interface {}) []interface {}")
def values(source: Map) -> Slice:
    return Slice(source[key] for key in sorted(source))


@GROUP.function("pick", "func(map[string]interface {}, ...string) map[string]interface {}")
def pick(source: Map, *wanted: bytes) -> Map:
    return Map({key: source[key] for key in wanted if key in source})


@GROUP.function("omit", "func(map[string]interface {}, ...string) map[string]interface {}")
def omit(source: Map, *unwanted: bytes) -> Map:
    dropped = frozenset(unwanted)
    return Map({key: value for key, value in source.items() if key not in dropped})


@GROUP.function("dig", "func(...interface {}) (interface {}, error)")
def dig(*items: object) -> object:
    if len(items) < 3:
        raise CallError("dig needs at least three arguments")
    *path, default, source = items
    if any(not isinstance(key, bytes) for key in path):
        raise CallError("a key is not a string")
    for key in path:
        if not isinstance(source, Map) or source.elem != EMPTY_INTERFACE:
            raise CallError("not a map[string]interface {}")
        if key not in source:
            return default
        source = source[key]  # type: ignore[index]
    return source


@GROUP.function(
    "merge",
    "func(map[string]interface {}, ...map[string]interface {}) interface {}",
    takes_environment=True,
)
def merge(environment: Environment, target: Map, *sources: Map) -> object:
    return _merged(environment, target, sources, overwrite=False)


@GROUP.function(
    "mergeOverwrite",
    "func(map[string]interface {}, ...map[string]interface {}) interface {}",
    takes_environment=True,
)
def merge_overwrite(environment: Environment, target: Map, *sources: Map) -> object:
    return _merged(environment, target, sources, overwrite=True)


@GROUP.function(
    "mustMerge",
    "func(map[string]interface {}, ...map[string]interface {}) (interface {}, error)",
    takes_environment=True,
)
def must_merge(environment: Environment, target: Map, *sources: Map) -> object:
    return _merged_or_error(environment, target, sources, overwrite=False)


@GROUP.function(
    "mustMergeOverwrite",
    "func(map[string]interface {}, ...map[string]interface {}) (interface {}, error)",
    takes_environment=True,
)
def must_merge_overwrite(environment: Environment, target: Map, *sources: Map) -> object:
    return _merged_or_error(environment, target, sources, overwrite=True)


class _UnlikeError(Exception):
    """Mergo's "src and dst must be of same type"."""


def _merged(
    environment: Environment, target: Map, sources: tuple[Map, ...], *, overwrite: bool
) -> object:
    try:
        return _merge_all(environment, target, sources, overwrite=overwrite)
    except _UnlikeError:
        return b""


def _merged_or_error(
    environment: Environment, target: Map, sources: tuple[Map, ...], *, overwrite: bool
) -> object:
    try:
        return _merge_all(environment, target, sources, overwrite=overwrite)
    except _UnlikeError:
        raise CallError("src and dst must be of same type") from None


def _merge_all(
    environment: Environment, target: Map, sources: tuple[Map, ...], *, overwrite: bool
) -> Map:
    for source in sources:
        if target.is_nil and not source.is_nil:
            target = Map()
        _merge_into(environment, target, source, overwrite, 0)
    return target


def _merge_into(
    environment: Environment, target: Map, source: Map, overwrite: bool, depth: int
) -> None:
    """Fill what is missing or empty in the target; with overwrite, take all of the source."""
    if depth > MAX_DEPTH:
        raise CallError("values are nested too deeply")
    if target.is_nil and not source.is_nil:
        # Mergo cannot put a new map into the place of a nested nil one.
        return
    for key, value in list(source.items()):
        environment.spend(1)
        if value is None:
            if overwrite:
                _assign(target, source, key)
            continue
        there = key in target
        old = target.get(key)
        if not isinstance(value, Slice):
            _merge_nested(environment, old, value, overwrite, depth)
        if there and not empty(old):
            if isinstance(value, Slice):
                if overwrite:
                    _assign(target, source, key)
                continue
            if isinstance(value, Map) and isinstance(old, Map):
                continue
        if overwrite or not there or empty(old):
            _assign(target, source, key)


def _merge_nested(
    environment: Environment, old: object, value: object, overwrite: bool, depth: int
) -> None:
    if isinstance(old, Map) and isinstance(value, Map):
        _merge_into(environment, old, value, overwrite, depth + 1)
    elif kind(old) == "ptr" and kind(value) in ("struct", "map") and not overwrite:
        raise _UnlikeError
    elif kind(old) == "struct" and isinstance(value, Map) and not isinstance(old, Time):
        raise CallError("a map and a struct cannot be merged")


def _assign(target: Map, source: Map, key: bytes) -> None:
    if target.elem == "string" and source.elem != "string":
        raise CallError("the value does not fit into a map of strings")
    target[key] = source[key]


@GROUP.function("deepCopy", "func(interface {}) interface {}", takes_environment=True)
def deep_copy(environment: Environment, value: object) -> object:
    return _copied(environment, value)


@GROUP.function("mustDeepCopy", "func(interface {}) (interface {}, error)", takes_environment=True)
def must_deep_copy(environment: Environment, value: object) -> object:
    return _copied(environment, value)


def _copied(environment: Environment, value: object, depth: int = 0) -> object:
    environment.spend(1)
    environment.allocate(64)
    if depth > MAX_DEPTH:
        raise CallError("values are nested too deeply")
    if value is None and depth == 0:
        raise CallError("nil has no copy")
    if isinstance(value, Slice):
        copies = (_copied(environment, each, depth + 1) for each in value)
        return Slice(copies, elem=value.elem, is_nil=value.is_nil)
    if isinstance(value, Map):
        pairs = ((key, _copied(environment, each, depth + 1)) for key, each in value.items())
        return Map(pairs, elem=value.elem, is_nil=value.is_nil)
    if isinstance(value, Object) and kind(value) == "ptr":
        # Go's copy sees exported fields alone, and these have none.
        return type(value)()
    return value
