"""JSON with places: strict where Go is strict, mild where Go is mild."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sealer.errors import ManifestError
from sealer.manifest.json_syntax import compose
from sealer.manifest.nodes import to_value


def read(text: str) -> Any:
    node, _ = compose(text, 0)
    value, faults = to_value(node)
    assert faults == []
    return value


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [1, -2.5e3, true, false, null, "x\\u00e9\\n\\ud83d\\ude00"], "b": {}, "c": []}',
        ' \n\t{ "a" : { "b" : [ [ ] , { } ] } } ',
        '"s"',
        "-0",
        "1" * 400,
    ],
)
def test_it_reads_what_the_standard_library_reads(text: str) -> None:
    assert read(text) == json.loads(text)


def test_half_of_a_surrogate_pair_becomes_the_replacement_character() -> None:
    assert read('"\\ud800x"') == "\ufffdx"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        pytest.param('{"a": 1,}', 0, 'expected "', id="trailing comma"),
        pytest.param("[1,]", 0, "a value was expected here", id="trailing comma in a list"),
        pytest.param('{"a"\n 1}', 1, "expected :", id="no colon"),
        pytest.param('{"a": 1\n "b": 2}', 1, "expected ,", id="no comma"),
        pytest.param("[1 2]", 0, "expected ,", id="no comma in a list"),
        pytest.param('{"a": "x', 0, "a string that does not end", id="open string"),
        pytest.param('{"a": "\\q"}', 0, "a string that does not end or has a bad", id="escape"),
        pytest.param('{"a": "x\ny"}', 0, "a string that does not end or has", id="newline"),
        pytest.param("{a: 1}", 0, 'expected "', id="bare key"),
        pytest.param('{"a": tru}', 0, "a value was expected here", id="word"),
        pytest.param("1" * 401, 0, "a number longer than any", id="long number"),
        pytest.param("[" * 102, 0, "nested deeper than 100", id="depth"),
        pytest.param('{"a": {', 0, 'expected "', id="cut"),
        pytest.param("", 0, "a value was expected here", id="empty"),
    ],
)
def test_bad_json_is_told_with_its_line_and_without_its_text(
    text: str, line: int, message: str
) -> None:
    with pytest.raises(ManifestError, match=r"^not valid JSON: ") as caught:
        compose(text, 0)
    assert caught.value.line == line
    assert message in caught.value.message
