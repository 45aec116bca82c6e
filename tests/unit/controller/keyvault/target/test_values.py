"""Decoding, properties and fields of a vault's values."""

from __future__ import annotations

import pytest

from controller.keyvault.target.values import BadValueError, decode, expand, property_of


@pytest.mark.parametrize(
    ("decoding", "text", "expected"),
    [
        pytest.param("None", b" as it is\n", b" as it is\n", id="none"),
        pytest.param("Base64", b"AAH/\n", b"\x00\x01\xff", id="base64"),
        pytest.param("Base64", b"YQ", b"a", id="base64-without-padding"),
        pytest.param("Base64URL", b"_-8", b"\xff\xef", id="base64url"),
        pytest.param("Hex", b"00 FF\n0a", b"\x00\xff\n", id="hex"),
    ],
)
def test_values_are_decoded(decoding: str, text: bytes, expected: bytes) -> None:
    assert decode(text, decoding) == expected


@pytest.mark.parametrize("decoding", ["Base64", "Base64URL", "Hex"])
def test_what_does_not_decode_is_an_error_without_the_value(decoding: str) -> None:
    with pytest.raises(BadValueError) as caught:
        decode(b"canary!", decoding)
    assert "canary" not in str(caught.value)


TEXT = b'{"db":{"password":"p\\u00e4ss","port":5432,"ratio":1.10,"on":true,"no":null},'
TEXT += b'"hosts":[{"name":"a"},{"name":"b"}],"a.b":"literal","a":{"b":"nested","c":1e400}}'


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("db.password", "päss", id="string"),
        pytest.param("db.port", "5432", id="number"),
        pytest.param("db.ratio", "1.10", id="digits-as-written"),
        pytest.param("a.c", "1e400", id="beyond-a-float"),
        pytest.param("db.on", "true", id="boolean"),
        pytest.param("db.no", "null", id="null"),
        pytest.param("hosts.1.name", "b", id="list"),
        pytest.param("hosts", '[{"name":"a"},{"name":"b"}]', id="json-text"),
        pytest.param("a.b", "literal", id="a-literal-key-wins"),
    ],
)
def test_a_property_is_a_dotted_path(path: str, expected: str) -> None:
    assert property_of(TEXT, path) == expected.encode()


@pytest.mark.parametrize("path", ["db.nothing", "hosts.2", "hosts.x", "db.password.x", "hosts.-1"])
def test_an_absent_property_is_an_error(path: str) -> None:
    with pytest.raises(BadValueError, match="has no property"):
        property_of(TEXT, path)


def test_expand_takes_the_top_level() -> None:
    assert expand(b'{"a":"x","b":{"c":[1,2.50]},"d":""}', "JSON") == {
        "a": b"x",
        "b": b'{"c":[1,2.50]}',
        "d": b"",
    }
    assert expand(b"a: x\nb:\n  c: [1]\nkey: |\n  two\n  lines\n", "YAML") == {
        "a": b"x",
        "b": b'{"c":[1]}',
        "key": b"two\nlines\n",
    }


@pytest.mark.parametrize(
    ("text", "form"),
    [
        pytest.param(b'["canary"]', "JSON", id="list"),
        pytest.param(b'{"canary"', "JSON", id="cut"),
        pytest.param(b'{"canary": NaN}', "JSON", id="nan"),
        pytest.param(b"canary: [", "YAML", id="yaml"),
        pytest.param(b"\xffcanary", "JSON", id="no-text"),
        pytest.param(b"[" * 100_000, "JSON", id="deep"),
    ],
)
def test_what_is_no_object_is_refused_without_being_quoted(text: bytes, form: str) -> None:
    with pytest.raises(BadValueError) as caught:
        expand(text, form)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("text", "form", "words"),
    [
        pytest.param(b"host: a\nn: canary", "YAML", "in line 2", id="key-that-is-a-boolean"),
        pytest.param(b"a: 1\nb: 2\na: canary", "YAML", "in line 3", id="key-twice"),
        pytest.param(b'{"a": 1,\n"canary" 2}', "JSON", "in line 2", id="json"),
    ],
)
def test_a_text_that_cannot_be_read_is_told_by_its_line(text: bytes, form: str, words: str) -> None:
    with pytest.raises(BadValueError, match=words) as caught:
        expand(text, form)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("levels", [600, 100_000])
def test_a_value_of_hundreds_of_levels_is_its_own_fault(levels: int) -> None:
    text = b'{"canary":' + b"[" * levels + b"]" * levels + b"}"
    for read in (lambda: expand(text, "JSON"), lambda: property_of(text, "canary")):
        with pytest.raises(BadValueError, match="nested too deeply"):
            read()


def test_a_path_of_hundreds_of_steps_is_followed() -> None:
    levels = 400
    text = b'{"a":' * levels + b'"x"' + b"}" * levels
    assert property_of(text, ".".join("a" * levels)) == b"x"


def test_a_byte_order_mark_is_named_since_no_editor_shows_it() -> None:
    for read in (lambda value: expand(value, "JSON"), lambda value: decode(value, "Base64")):
        with pytest.raises(BadValueError, match="byte order mark"):
            read(b"\xef\xbb\xbf{}")
