"""Edits in place: the value changes, every other byte stays, or it is an error."""

from __future__ import annotations

from typing import Any

import pytest

from sealer.errors import ManifestError
from sealer.fields import Path
from sealer.manifest import read_documents
from sealer.manifest.edit import put, replace_scalars

NEW = "AgNEW+/=="


def document(text: str) -> Any:
    [found] = read_documents(text, "f")
    return found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("a: old # c\n", f"a: {NEW} # c\n", id="plain"),
        pytest.param("a: 'old'\r\nb: 1\r\n", f"a: '{NEW}'\r\nb: 1\r\n", id="single quotes, CRLF"),
        pytest.param('a: "old"', f'a: "{NEW}"', id="double quotes, no newline"),
        pytest.param('{"a":"old" ,"b":1}', f'{{"a":"{NEW}" ,"b":1}}', id="JSON"),
        pytest.param("{a: old, b: 1}\n", f"{{a: {NEW}, b: 1}}\n", id="flow"),
        pytest.param("a: !!str old\n", f"a: !!str {NEW}\n", id="a tag stays"),
        pytest.param("a: &x old\nb: *x\n", f"a: &x {NEW}\nb: *x\n", id="an anchor stays"),
        pytest.param("a: >-\n  old\n  older\nb: 1\n", f"a: >-\n  {NEW}\nb: 1\n", id="folded"),
        pytest.param(
            "a: |-\n    old1\n    old2\n\nb: 1\n",
            "a: |-\n    AgNE\n    W+/=\n    =\n\nb: 1\n",
            id="literal, as wide as it was",
        ),
        pytest.param("a: |\n  old\n\nb: 1\n", f"a: |\n  {NEW}\n\nb: 1\n", id="newline at its end"),
        pytest.param("a: |-\r\n  old\r\n", f"a: |-\r\n  {NEW}\r\n", id="literal, CRLF"),
        pytest.param("a: |-\n  old", f"a: |-\n  {NEW}", id="literal, no newline"),
        pytest.param("a: |-\n\nb: 1\n", f"a: |-\n  {NEW}\n\nb: 1\n", id="empty literal"),
        pytest.param("a: ''\n", f"a: '{NEW}'\n", id="empty string"),
        pytest.param("# é\na: old\n", f"# é\na: {NEW}\n", id="characters, not bytes"),
        pytest.param("---\na: old\n", f"---\na: {NEW}\n", id="after the marker"),
    ],
)
def test_a_scalar_is_replaced_in_the_style_it_had(before: str, after: str) -> None:
    path: dict[Path, str] = {("a",): NEW}
    if "*x" in before:
        path[("b",)] = NEW
    assert replace_scalars(document(before), path, base64=True).text == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("a: |-\n  x\n  y\n", "a: |-\n  new\n", id="one line"),
        pytest.param("a: | # -\n  x\n", "a: |- # -\n  new\n", id="no newline at its end"),
        pytest.param("a: |2+\n  x\n\n", "a: |-2\n  new\n\n", id="no newlines at its end"),
        pytest.param("a: >\n  x\nb: 1\n", "a: >-\n  new\nb: 1\n", id="folded"),
    ],
)
def test_a_block_of_other_text_holds_exactly_the_new_value(before: str, after: str) -> None:
    edited = put(document(before), ("a",), "new")
    assert edited.value["a"] == "new"
    assert edited.text == after


def test_a_block_gives_way_to_quotes_for_what_it_cannot_hold() -> None:
    assert put(document("a: |\n  x\n"), ("a",), " two\nlines").text.rstrip() == 'a: " two\\nlines"'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("on", 'a: "on"\n', id="a boolean word"),
        pytest.param("x: y", 'a: "x: y"\n', id="a mapping's look"),
        pytest.param("", 'a: ""\n', id="empty"),
        pytest.param("a\nb", 'a: "a\\nb"\n', id="two lines"),
        pytest.param("é", 'a: "é"\n', id="not ASCII"),
    ],
)
def test_a_plain_scalar_is_quoted_where_it_must_be(value: str, text: str) -> None:
    assert replace_scalars(document("a: old\n"), {("a",): value}).text == text


def test_single_quotes_are_doubled_and_lines_change_the_quotes() -> None:
    assert replace_scalars(document("a: 'x'\n"), {("a",): "it's"}).text == "a: 'it''s'\n"
    assert replace_scalars(document("a: 'x'\n"), {("a",): "a\nb"}).text == 'a: "a\\nb"\n'


def test_several_values_at_once() -> None:
    text = "a: 1x\nb: {c: 2x}\nd:\n- 3x\n"
    edited = replace_scalars(document(text), {("a",): "one", ("b", "c"): "two", ("d", 0): "three"})
    assert edited.text == "a: one\nb: {c: two}\nd:\n- three\n"


def test_no_values_change_nothing() -> None:
    assert replace_scalars(document("a: 1\n"), {}).text == "a: 1\n"


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        pytest.param("a: 1\n", {("b",): "x"}, "f:1: b: is not there as a single", id="not there"),
        pytest.param("a: {}\n", {("a",): "x"}, "f:1: a: is not there as a single", id="a mapping"),
        pytest.param("# c\n", {("a",): "x"}, "f:1: a: is not there as a single", id="empty"),
        pytest.param(
            "a: &x o\nb: *x\n", {("a",): "1x", ("b",): "2x"}, "shares its value", id="alias"
        ),
        pytest.param(
            "a: &x o\nb: *x\n", {("a",): "1x"}, "cannot be edited in place", id="half an alias"
        ),
    ],
)
def test_what_cannot_be_edited_is_an_error(
    text: str, values: dict[Path, str], message: str
) -> None:
    with pytest.raises(ManifestError, match=message):
        replace_scalars(document(text), values)


@pytest.mark.parametrize(
    ("before", "path", "value", "after"),
    [
        pytest.param(
            "s:\n  d:\n    a: 1 # c\n\n# end\n",
            ("s", "d", "b"),
            "x",
            "s:\n  d:\n    a: 1 # c\n    b: x\n\n# end\n",
            id="after the last entry, before what follows",
        ),
        pytest.param(
            "s: {d: {a: 1}}\n", ("s", "d", "b"), "x", 's: {d: {a: 1, "b": "x"}}\n', id="flow"
        ),
        pytest.param("d: {}\n", ("d", "b"), "x", 'd: {"b": "x"}\n', id="empty flow"),
        pytest.param('{"d":{"a":1}}', ("d", "b"), "x", '{"d":{"a":1, "b": "x"}}', id="JSON"),
        pytest.param(
            '{\n  "d": {\n    "a": 1\n  }\n}\n',
            ("d", "b"),
            "x",
            '{\n  "d": {\n    "a": 1,\n    "b": "x"\n  }\n}\n',
            id="indented JSON",
        ),
        pytest.param("a: 1\n", ("s", "d", "k"), "x", "a: 1\ns:\n  d:\n    k: x\n", id="parents"),
        pytest.param("a: 1", ("b",), "x", "a: 1\nb: x", id="no newline at the end"),
        pytest.param("a: 1\r\n", ("b",), "x", "a: 1\r\nb: x\r\n", id="CRLF"),
        pytest.param("a: old\n", ("a",), "x", "a: x\n", id="a scalar is replaced"),
        pytest.param("a: |\n  t\n", ("b",), "x", "a: |\n  t\nb: x\n", id="after a block"),
        pytest.param("a:\n- 1\n- 2\n", ("b",), "x", "a:\n- 1\n- 2\nb: x\n", id="after a list"),
        pytest.param("a:\n- [1]\nc: []\n", ("b",), "x", "a:\n- [1]\nc: []\nb: x\n", id="flow list"),
        pytest.param("a: {\n}\n", ("a", "b"), "x", 'a: {"b": "x"}\n', id="flow on two lines"),
    ],
)
def test_an_entry_is_added_and_the_rest_stays(
    before: str, path: Path, value: Any, after: str
) -> None:
    assert put(document(before), path, value).text == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("s:\nt: 1\n", 's: {"k": "x"}\nt: 1\n'),
        ("s: # why\nt: 1\n", 's: {"k": "x"} # why\nt: 1\n'),
        ("s: null # why\n", 's: {"k": "x"} # why\n'),
        ("s: ~", 's: {"k": "x"}'),
        ('{"s": null}', '{"s": {"k": "x"}}'),
    ],
)
def test_an_empty_value_becomes_a_mapping(before: str, after: str) -> None:
    assert put(document(before), ("s", "k"), "x").text == after


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        pytest.param("? s\n: x\n", ("d",), "cannot be edited in place", id="an explicit key"),
        pytest.param("s: x\n", ("s", "d", "k"), "has no room for s.d.k", id="a string"),
        pytest.param("- 1\n", ("s",), "has no room for s", id="a list"),
        pytest.param("# c\n", ("s",), "has no room for s", id="empty"),
        pytest.param(
            "a: &x {k: 1}\ns: *x\n", ("s", "d"), "cannot be edited in place", id="an alias"
        ),
    ],
)
def test_an_entry_that_has_no_place_is_an_error(text: str, path: Path, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        put(document(text), path, "x")


def test_a_document_that_is_empty_as_a_whole_gets_no_entry() -> None:
    with pytest.raises(ManifestError, match="a cannot be added under an empty value") as caught:
        put(document("null\n"), ("a",), "new")
    assert caught.value.hint == "write {} there"
