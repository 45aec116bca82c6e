"""Every function a template may call: Go's own, then sprig's, which win where both have a name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from sealer.template.functions import (
    builtins,
    certificates,
    crypto,
    dates,
    defaults,
    dicts,
    encoding,
    flow,
    lists,
    math,
    paths,
    random,
    reflection,
    regex,
    semver,
    strings,
    urls,
    uuid,
    words,
)
from sealer.template.registry import Function, Group

_SPRIG: tuple[Group, ...] = (
    certificates.GROUP,
    crypto.GROUP,
    dates.GROUP,
    defaults.GROUP,
    dicts.GROUP,
    encoding.GROUP,
    flow.GROUP,
    lists.GROUP,
    math.GROUP,
    paths.GROUP,
    random.GROUP,
    reflection.GROUP,
    regex.GROUP,
    semver.GROUP,
    strings.GROUP,
    urls.GROUP,
    uuid.GROUP,
    words.GROUP,
)
_GROUPS: tuple[Group, ...] = (builtins.GROUP, *_SPRIG)


def sprig_functions() -> Mapping[str, Function]:
    """Return sprig's functions by name."""
    return {name: function for group in _SPRIG for name, function in group.items()}


@cache
def all_functions() -> Mapping[str, Function]:
    """Return the functions by name."""
    found: dict[str, Function] = {}
    for group in _GROUPS:
        found.update(group)
    return MappingProxyType(found)
