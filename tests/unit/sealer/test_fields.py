"""Typed access to fields: every fault with its path, all of them together."""

from __future__ import annotations

from typing import Any

import pytest

from sealer.errors import ManifestError, ManyErrors
from sealer.fields import Fields, type_name, without


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (True, "the boolean true"),
        (False, "the boolean false"),
        (7, "a number"),
        (0.5, "a number"),
        ("x", "a string"),
        ([1], "a list"),
        ({"a": 1}, "a mapping"),
    ],
)
def test_types_are_named_and_values_are_not(value: Any, words: str) -> None:
    assert type_name(value) == words


def test_null_counts_as_empty_everywhere() -> None:
    fields = Fields()
    assert fields.mapping(None, ("a",)) == {}
    assert fields.string(None, ("a",)) == ""
    assert fields.strings({"k": None}, ("a",)) == {"k": ""}
    assert fields.boolean(None, ("a",)) is None
    assert fields.metadata(None, ("metadata",)) == {}
    fields.done()


def test_good_values_come_back_as_they_are() -> None:
    fields = Fields()
    metadata = {"name": "db", "labels": {"a": "b"}, "annotations": None, "other": [1]}
    assert fields.metadata(metadata, ("metadata",)) == {**metadata, "annotations": {}}
    assert fields.boolean(True, ("immutable",)) is True
    fields.done()


def test_one_fault_is_raised_as_itself_with_its_path() -> None:
    fields = Fields()
    fields.metadata({"name": False}, ("metadata",))
    with pytest.raises(ManifestError, match="Kubernetes reads the boolean false") as caught:
        fields.done()
    assert caught.value.path == ("metadata", "name")
    assert caught.value.hint == "quote it"


def test_no_fault_hides_the_next() -> None:
    fields = Fields()
    fields.mapping([1], ("data",))
    fields.string({"a": 1}, ("type",))
    fields.boolean("yes", ("immutable",))
    with pytest.raises(ManyErrors) as caught:
        fields.done()
    faults = [error for error in caught.value.errors if isinstance(error, ManifestError)]
    assert [fault.path for fault in faults] == [("data",), ("type",), ("immutable",)]
    # Quoting cures a number or a boolean, and no mapping.
    assert faults[1].hint is None


def test_without_leaves_out_what_is_named() -> None:
    assert without({"a": 1, "b": 2, "c": 3}, "a", "c") == {"b": 2}
