"""Every function a template may call: Go's own, then sprig's, which win where both have a name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from sealer.template.functions import builtins
from sealer.template.registry import Function, Group

_GROUPS: tuple[Group, ...] = (builtins.GROUP,)


@cache
def all_functions() -> Mapping[str, Function]:
    """Return the functions by name."""
    found: dict[str, Function] = {}
    for group in _GROUPS:
        found.update(group)
    return MappingProxyType(found)
