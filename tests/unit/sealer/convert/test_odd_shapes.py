"""Whatever stands where: a conversion ends well or with an error of ours."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from sealer.convert import Conversion
from sealer.errors import SealerError
from sealer.manifest import read_documents
from tests.testbed.foreign_manifests import ALL

ODD: tuple[Any, ...] = (None, True, 3, "x", "a\nb: [", [], {}, ["a"], [None], {"a": {"b": [1]}})


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in pairs:
        yield (*path, key)
        if isinstance(item, (dict, list)):
            yield from paths(item, (*path, key))


def with_odd(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    changed = copy.deepcopy(value)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = odd
    return changed


@pytest.mark.parametrize("name", ALL)
def test_anything_in_the_place_of_anything(name: str) -> None:
    tried = 0
    for document in read_documents(ALL[name], name):
        for path in paths(document.value):
            for odd in ODD:
                conversion = Conversion()
                try:
                    conversion.add(with_odd(document.value, path, odd))
                    conversion.finish()
                except SealerError:
                    pass
                tried += 1
    assert tried > 50
