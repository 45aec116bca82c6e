"""Bodies of verify and rotate: JSON and YAML mean the same, and neither costs much."""

from __future__ import annotations

import json
import time

import pytest

from controller.http.bodies import MAX_YAML_BYTES, read_json, read_yaml, sealed_secrets
from sealer.errors import ManifestError, SealerError

SHY = "hunter2"
SEALED = {
    "apiVersion": "bitnami.com/v1alpha1",
    "kind": "SealedSecret",
    "metadata": {"name": "db", "namespace": "shop"},
    "spec": {"encryptedData": {"password": "AgAA"}, "template": {"data": {"é": "😀\n"}}},
}


@pytest.mark.parametrize("ascii", [True, False])
def test_json_is_read_as_yaml_is(ascii: bool) -> None:
    body = json.dumps(SEALED, ensure_ascii=ascii).encode()
    assert read_json(b" \n" + body) == read_yaml(body) == SEALED


@pytest.mark.parametrize("body", [b"", b"kind: A", b"{kind: A}", b"{}\n---\n", b"\xff", b"[1]"])
def test_what_is_no_json_is_left_to_yaml(body: bytes) -> None:
    assert read_json(body) is None


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(f'{{"a": "{SHY}", "a": 1}}'.encode(), id="twice"),
        pytest.param(b'{"a": NaN}', id="nan"),
        pytest.param(b'{"a": 1e999}', id="endless-number"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", id="long-number"),
        pytest.param(b'{"a": "\\ud800"}', id="half-a-character"),
        pytest.param(b'{"a": "\xff"}', id="not-utf8"),
        pytest.param(b'{"a": ' * 50_000, id="deep"),
        pytest.param(b'{"a": [' + b"1," * 100_000 + b"1]}", id="many-parts"),
    ],
)
def test_json_that_cannot_be_a_sealed_secret_is_refused_without_a_word_of_it(body: bytes) -> None:
    with pytest.raises(ManifestError) as caught:
        read_json(body)
    assert SHY not in str(caught.value)


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"- a", b"a: 1\n---\nb: 1", f"{SHY}: &a [*a]".encode()]
)
def test_yaml_that_is_not_one_mapping_is_refused(body: bytes) -> None:
    with pytest.raises(ManifestError) as caught:
        read_yaml(body)
    assert SHY not in str(caught.value)


@pytest.mark.parametrize("unit", [b"1,", b"[],", b"{},", b'"a",', b'"\\n",', b"0.1,", b" "])
def test_no_json_keeps_the_interpreter_for_long(unit: bytes) -> None:
    """Of ten MiB; its lock is not let go while the parser runs."""
    body = b'{"a": [' + unit * (10 * 2**20 // len(unit)) + b"1]}"
    started = time.thread_time()
    with pytest.raises(SealerError):
        sealed_secrets(read_json(body) or {})
    assert time.thread_time() - started < 0.25


def test_a_list_holds_sealed_secrets_and_not_too_many() -> None:
    many = sealed_secrets({"kind": "List", "items": [SEALED, SEALED]})
    assert isinstance(many, list)
    assert [one.name for one in many] == ["db", "db"]
    full = {**SEALED, "spec": {"encryptedData": {f"k{number}": "AgAA" for number in range(2000)}}}
    for items in ([SEALED] * 101, [1], [SEALED, {"spec": []}], [full, full, full]):
        with pytest.raises(ManifestError):
            sealed_secrets({"kind": "List", "items": items})


def test_a_sealed_secret_of_usual_size_may_be_yaml() -> None:
    assert MAX_YAML_BYTES >= 100 * 1024
