"""Streams as kubeseal's decoders read them, but for what they would lose."""

from __future__ import annotations

import pytest

from sealer.errors import ManifestError
from sealer.kubeseal.reading import (
    decode_sealed_secret,
    documents_of,
    read_sealed_secrets,
    read_secrets,
)

GOOD = "metadata: {name: db}\nstringData: {a: b}\n"
OBJECT = '{"metadata": {"name": "a"}, "stringData": {"a": %s}}'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(GOOD + "---\na: b: c\n", "s:4: not valid YAML", id="broken beside good"),
        pytest.param("a: b: c\n---\n" + GOOD, "s:1: not valid YAML", id="broken before good"),
        pytest.param(GOOD + "---\n- a\n", "s:4: json: cannot unmarshal array", id="list"),
        pytest.param(GOOD + "stringData: {}\n", "s:3: the key stringData is there", id="twice"),
        pytest.param("metadata: {name: a, name: b}\n", "s:1: the key name is there", id="nested"),
        pytest.param("stringData: {[a]: b}\n", "s:1: a key must be a string", id="list as key"),
        pytest.param("stringData: {~: b}\n", "s:1: a key must be a string", id="null as key"),
        pytest.param("stringData: {a: 1.23456789}\n", "s:1: .* lose digits", id="digits"),
        pytest.param(
            "metadata: {managedFields: [{a: 1, a: 2}]}\n", "the key is there twice", id="deep"
        ),
        pytest.param(
            OBJECT % '"b"' + OBJECT % '"b"' + OBJECT % "5",
            "^json: cannot unmarshal number into Go struct field Secret.stringData of type string",
            id="third JSON object is strict",
        ),
    ],
)
def test_what_kubeseal_would_lose_is_an_error(text: str, problem: str) -> None:
    with pytest.raises(ManifestError, match=problem):
        read_secrets(text, "s")


def test_two_json_objects_are_read_as_leniently_as_yaml() -> None:
    found = read_secrets(OBJECT % "5" + OBJECT % "true", "s")
    assert [one["stringData"] for one in found] == [{"a": "5"}, {"a": "true"}]


def test_merge_keys_give_way_to_what_follows_them() -> None:
    text = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nstringData: {c: 9, <<: [*x, *y, 5], a: 0}\n"
    assert read_secrets(text, "s")[0]["stringData"] == {"a": "0", "b": "2", "c": "4"}


def test_sealed_secrets_come_with_their_documents() -> None:
    text = "# head\n---\nmetadata: {name: a}\n---\n---\nmetadata: {name: b}\n"
    found = read_sealed_secrets(text, "s")
    assert [value["metadata"]["name"] for _, value in found] == ["a", "b"]
    assert [document.first_line for document, _ in found] == [2, 5]


def test_items_that_are_no_strings_are_empty() -> None:
    text = "spec: {encryptedData: {a: x, b: 1, c: [], d: ~}}\n"
    value = decode_sealed_secret(documents_of(text, "s")[0])
    assert value["spec"]["encryptedData"] == {"a": "x", "b": "", "c": "", "d": ""}


def test_what_holds_nothing_is_passed_over() -> None:
    assert read_secrets("...\n---\n{}\n---\nother: 1\n---\nnull\n", "s") == []


def test_items_that_are_a_list_are_none() -> None:
    value = decode_sealed_secret(documents_of("spec: {encryptedData: [a]}\n", "s")[0])
    assert value == {}


def test_nothing_is_an_empty_document() -> None:
    assert decode_sealed_secret(documents_of("# nothing\n", "s")[0]) == {}
