"""Dumped text that Kubernetes reads back as the same values."""

from __future__ import annotations

from typing import Any

import pytest

from sealer.manifest import read_documents, to_json, to_yaml

VALUE: dict[str, Any] = {
    "kind": "Secret",
    "booleans": ["n", "Yes", "on", True, None],
    "numbers": ["12", "1e3", "0x1f", 1.5],
    "marks": ["<<", "=", "", "- a", "a: b", "# c", "'", '"', "é", "---"],
    "text": "a\nb\n",
    "trailing": "a \nb",
    "carriage": "a\r\nb",
    "empty": {"map": {}, "list": []},
    "1": "key",
    "on": "key",
}


@pytest.mark.parametrize("dump", [to_yaml, to_json])
def test_what_is_dumped_reads_back(dump: Any) -> None:
    [document] = read_documents(dump(VALUE), "f")
    assert document.value == VALUE


def test_strings_that_kubernetes_would_not_read_as_such_are_quoted() -> None:
    assert to_yaml({"namespace": "n", "merge": "<<"}) == 'namespace: "n"\nmerge: "<<"\n'


def test_several_lines_become_a_block_and_keys_keep_their_order() -> None:
    assert to_yaml({"b": "x\ny\n", "a": 1}) == "b: |\n  x\n  y\na: 1\n"


def test_shared_values_are_written_out() -> None:
    shared = {"a": 1}
    assert "&" not in to_yaml({"x": shared, "y": shared})


def test_json_ends_in_a_newline_and_has_no_nan() -> None:
    assert to_json({"a": "é"}) == '{\n  "a": "é"\n}\n'
    with pytest.raises(ValueError, match="JSON"):
        to_json(float("nan"))


@pytest.mark.parametrize("text", ["a\nb\u2028", "\u2028", "a\n\u2029b", "a\x85\n"])
def test_what_only_yaml_1_1_takes_for_a_line_break_is_escaped(text: str) -> None:
    written = to_yaml({"k": text})
    assert written.endswith('"\n')
    assert written.removesuffix("\n").isprintable()
