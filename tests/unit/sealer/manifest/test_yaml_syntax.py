"""YAML as Kubernetes reads it, and what is refused: surprises, bombs, nonsense."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sealer.errors import ManifestError, ManyErrors
from sealer.manifest import Document, read_documents
from sealer.manifest.yaml_syntax import compose, resolve

TRUE_WORDS = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
FALSE_WORDS = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")


def read(text: str) -> Any:
    [document] = read_documents(text, "f")
    return document.value


def problems(text: str) -> list[str]:
    """What is wrong with a text, in order."""
    with pytest.raises((ManifestError, ManyErrors)) as caught:
        read(text)
    errors = getattr(caught.value, "errors", (caught.value,))
    return [error.message for error in errors]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[
            (word, True)
            for word in ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"]
        ],
        *[
            (word, False)
            for word in ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]
        ],
        *[(word, None) for word in ("", "~", "null", "Null", "NULL")],
        *[(word, word) for word in ["yEs", "oN", "nULL", "tRUE", "words", "prod-db", "...", "<<"]],
        ("12", 12),
        ("-12", -12),
        ("+12", 12),
        ("1_000", 1000),
        ("010", 8),
        ("-010", -8),
        ("0o17", 15),
        ("0O17", 15),
        ("0x1F", 31),
        ("0X1f", 31),
        ("0b101", 5),
        ("0B101", 5),
        ("-0b101", -5),
        ("0b_", "0b_"),
        ("08", 8.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("._5", "._5"),
        (".5_3", 0.53),
        (".1e_1", ".1e_1"),
        ("-._5", -0.5),
        ("1.", 1.0),
        ("1_0.5", 10.5),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", float(2**64)),
        ("-9223372036854775809", float(-(2**63) - 1)),
        ("0xffffffffffffffffff", "0xffffffffffffffffff"),
        ("1" * 400, "1" * 400),
        ("1" * 5000, "1" * 5000),
        ("1e999", "1e999"),
        ("-.inf", -math.inf),
        (".Inf", math.inf),
        ("2026-01-01", "2026-01-01"),
        ("1:30", "1:30"),
        ("1.2.3", "1.2.3"),
        ("-", "-"),
        ("+", "+"),
        ("0x", "0x"),
    ],
)
def test_plain_scalars_are_what_gos_yaml_makes_of_them(text: str, value: Any) -> None:
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)


def test_nan_is_a_number() -> None:
    found = resolve(".nan")
    assert isinstance(found, float)
    assert math.isnan(found)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("a: 'on'\nb: \"1\"\n", {"a": "on", "b": "1"}, id="quotes make strings"),
        pytest.param("a: !!str on\nb: !!int '7'\n", {"a": "on", "b": 7}, id="tags"),
        pytest.param("a: ! on\n", {"a": "on"}, id="the non-specific tag"),
        pytest.param("a: !!timestamp 2026-01-01\n", {"a": "2026-01-01"}, id="dates are strings"),
        pytest.param("a: !!binary aGk=\n", {"a": "hi"}, id="binary is what it stands for"),
        pytest.param("a: !!float 5\n", {"a": 5.0}, id="an integer is a float, too"),
        pytest.param("a: !!map x\n", {"a": "x"}, id="a tag of another kind of node"),
        pytest.param("d: {!!str <<: x}\n", {"d": {"<<": "x"}}, id="a << that is a string"),
        pytest.param("d: {! '<<': {b: 1}}\n", {"d": {"b": 1}}, id="a << that is none"),
        pytest.param("d: {!!merge <<: {b: 1}}\n", {"d": {"b": 1}}, id="a << by its tag"),
        pytest.param("a: |\n  x\n  y\n", {"a": "x\ny\n"}, id="block"),
        pytest.param("7: a\n", {"7": "a"}, id="integer keys are their digits"),
        pytest.param("a: &x {b: 1}\nc: *x\n", {"a": {"b": 1}, "c": {"b": 1}}, id="alias"),
        pytest.param("a: &x s\nc: *x\n", {"a": "s", "c": "s"}, id="alias of a scalar"),
        pytest.param(
            "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n",
            {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}},
            id="merge: keys after it win",
        ),
        pytest.param(
            "a: &x {b: 1, c: 2}\nd: {c: 3, e: 4, <<: *x}\n",
            {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 2, "e": 4}},
            id="merge: it wins over keys before it",
        ),
        pytest.param(
            "d: {<<: {b: 1}, <<: {b: 2, c: 3}}\n", {"d": {"b": 2, "c": 3}}, id="merge: twice"
        ),
        pytest.param(
            "d: {<<: [{b: 1}, {b: 2, c: 3}]}\n", {"d": {"b": 1, "c": 3}}, id="merge: first wins"
        ),
        pytest.param("d: {'<<': x}\n", {"d": {"<<": "x"}}, id="a quoted << is a key"),
        pytest.param("# nothing\n", None, id="comments alone"),
        pytest.param("- 1\n- [a, {b: c}]\n", [1, ["a", {"b": "c"}]], id="lists"),
    ],
)
def test_values(text: str, value: Any) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "on: 1\n",
            "f:1: the key on is not a string but the boolean true, as Kubernetes reads YAML",
            id="a boolean as key",
        ),
        pytest.param("0x10: 1\n", "f:1: the key 0x10 is not a string but a number, as", id="hex"),
        pytest.param("~: 1\n", "f:1: the key ~ is not a string but null, as", id="null key"),
        pytest.param("? [a]\n: 1\n", "f:1: a key must be a string", id="a list as key"),
        pytest.param("a: 1\nb: 2\na: 3\n", "f:3: a: the key is there twice", id="twice"),
        pytest.param("a: .inf\n", "f:1: a: is not a number that JSON has", id="infinity"),
        pytest.param("d: {<<: [x]}\n", "f:1: d: << merges mappings only", id="merging a string"),
        pytest.param("a: [\n", "f:1: not valid YAML: did not find expected node", id="syntax"),
        pytest.param("a:\tb: c\n", "f:1: not valid YAML: ", id="tab"),
        pytest.param("a: \x01\n", "f:1: not YAML: it holds a character", id="control character"),
        pytest.param("a: 1\nb: \ud800\n", "f:2: not YAML: it holds a character", id="surrogate"),
        pytest.param("a: *x\n", "f:1: an alias refers to no anchor", id="no anchor"),
        pytest.param("a: &x [*x]\n", "f:1: an alias refers to itself", id="itself"),
        pytest.param("a: !!binary a-\n", "f:1: !!binary is not base64", id="binary"),
        pytest.param("a: !!binary /w==\n", "f:1: !!binary is not base64", id="binary bytes"),
        pytest.param("a: !!int 5.5\n", "f:1: is no !!int, as its tag says", id="int"),
        pytest.param("a: !!null x\n", "f:1: is no !!null, as its tag says", id="null"),
        pytest.param("a: !!float x\n", "f:1: is no !!float, as its tag", id="float"),
        pytest.param("a: !!timestamp 5\n", "f:1: is no !!timestamp, as its tag", id="no date"),
        pytest.param("a: !x {}\n", "f:1: a YAML tag that Kubernetes has", id="local tag"),
        pytest.param("[" * 101 + "]" * 101, "f:1: nested deeper than 100", id="depth"),
        pytest.param("a\n...\nb\n", "f:3: not valid YAML: did not find expected", id="..."),
    ],
)
def test_what_is_refused_says_where(text: str, message: str) -> None:
    [problem, *_] = problems(text)
    assert problem.startswith(message)


def test_all_faults_of_a_document_are_told() -> None:
    assert [text.split(":")[1] for text in problems("on: 1\na: 1\na: 2\nb: {y: 1}\n")] == [
        "1",
        "3",
        "4",
    ]


def test_aliases_cannot_grow_a_document_beyond_reason() -> None:
    lines = ["a0: &a0 [" + ", ".join(["x" * 50] * 10) + "]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    [problem] = problems("\n".join(lines))
    assert problem.endswith("its aliases expand to too much")


def test_aliases_cannot_hide_depth() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 120)]
    [problem] = problems("\n".join(lines))
    assert problem.endswith("its aliases expand to too much")


def test_an_honest_use_of_anchors_is_no_bomb() -> None:
    text = "base: &b {a: 1, c: 2}\nall:\n" + "- *b\n" * 3000
    assert len(read(text)["all"]) == 3000


def test_a_document_is_one() -> None:
    with pytest.raises(ManifestError, match="<text>:2: more than one YAML document without"):
        _ = Document("a: 1\n---\nb: 2\n").value


def test_nothing_composes_to_nothing() -> None:
    assert compose("") == (None, [])
    assert Document("").value is None
