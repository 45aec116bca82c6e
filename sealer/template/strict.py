"""The functions of a rendering that takes nothing that is missing for text.

``missingkey=error`` of Go knows fields alone: ``index`` gives an empty string for a key that is
not there, and what prints a nil writes ``<no value>`` or ``<nil>``, be it into a password.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import Final

from sealer.template.functions import all_functions
from sealer.template.functions.builtins import index
from sealer.template.registry import CallError, Function
from sealer.template.values import MISSING, Map

_WRITERS: Final = ("html", "js", "print", "printf", "println", "toString", "urlquery")
"""Those that have a word for nil."""


@cache
def strict_functions(optional: frozenset[str] = frozenset()) -> Mapping[str, Function]:
    """Return all functions by name; some of them refuse what Go's take.

    For a key in ``optional`` that is not there ``index`` gives no value, as a field does.
    """
    found = dict(all_functions())
    found["index"] = replace(found["index"], call=_indexing(optional))
    for name in _WRITERS:
        found[name] = replace(found[name], call=_writer(found[name].call))
    return MappingProxyType(found)


def _indexing(optional: frozenset[str]) -> Callable[..., object]:
    may_miss = {key.encode() for key in optional}

    def checked(item: object, *indexes: object) -> object:
        for each in indexes:
            if isinstance(item, Map) and isinstance(each, bytes) and each not in item:
                if indexes == (each,) and each in may_miss:
                    return MISSING
                raise CallError("the map has no entry for the key")
            item = index(item, each)
        return index(item)

    return checked


def _writer(call: Callable[..., object]) -> Callable[..., object]:
    def checked(*arguments: object) -> object:
        if any(each is None or each is MISSING for each in arguments):
            raise CallError("there is no value")
        return call(*arguments)

    return checked
