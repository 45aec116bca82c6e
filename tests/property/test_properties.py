"""What holds for any input: round trips are identity, damage and moves open nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sealer import crypto, encoding
from sealer.errors import KeyFileError, ManyErrors, SealerError, UnsealError
from sealer.keys.certificate import Certificate
from sealer.keys.keyfile import read_keys
from sealer.keys.pair import KeyPair
from sealer.manifest import read_documents, to_json, to_yaml
from sealer.manifest.edit import put, replace_scalars
from sealer.manifest.yaml_syntax import resolve
from sealer.resealing import reseal
from sealer.scope import Scope, label
from sealer.sealed import SealedSecret
from sealer.sealing import seal
from sealer.secret import Secret
from sealer.unsealing import unseal
from tests.sealing_keys import pair, private_pem, ring

# What YAML and JSON can hold: no halves of surrogate pairs.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
KEYS = st.text("abcXYZ019-._", min_size=1, max_size=20)
NAMES = st.text("abc-9é", min_size=1, max_size=12)
SCOPES = st.sampled_from(list(Scope))
DATA = st.dictionaries(KEYS, st.binary(max_size=200), min_size=1, max_size=4)
WORDS = st.sampled_from(["n", "on", "Yes", "~", "", "1e3", "0x1f", "<<", "=", "- a", "# c", "é\n"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | TEXT | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
BASE64 = st.binary(min_size=1, max_size=120).map(encoding.encode)

settings.register_profile(
    "quick", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("quick")


@given(value=st.binary(max_size=4000), bound=st.binary(max_size=80))
def test_decrypting_undoes_encrypting(value: bytes, bound: bytes) -> None:
    envelope = crypto.encrypt(pair().certificate.public_key, value, bound)
    assert crypto.decrypt(pair().private_key, envelope, bound) == value
    assert crypto.plaintext_bytes(envelope) == len(value)


@given(data=DATA, scope=SCOPES, name=NAMES, namespace=NAMES)
def test_unsealing_undoes_sealing_through_text(
    data: dict[str, bytes], scope: Scope, name: str, namespace: str
) -> None:
    secret = Secret(name=name, namespace=namespace, data=data)
    sealed = seal(secret, pair().certificate, scope=scope)
    [document] = read_documents(to_yaml(sealed.to_dict()), "f")
    [resource] = document.resources()
    opened = unseal(SealedSecret.from_dict(resource.value), ring("two", "one"))
    assert (opened.name, opened.namespace, opened.data) == (name, namespace, data)


@given(value=st.binary(max_size=60), scope=SCOPES, flip=st.integers(min_value=0))
def test_any_flipped_bit_is_an_unseal_error(value: bytes, scope: Scope, flip: int) -> None:
    bound = label("prod", "db", scope)
    envelope = bytearray(crypto.encrypt(pair().certificate.public_key, value, bound))
    at = flip % (len(envelope) * 8)
    envelope[at // 8] ^= 1 << at % 8
    with pytest.raises(UnsealError):
        ring().open(bytes(envelope), bound)


@given(scope=SCOPES, moves=st.dictionaries(st.sampled_from(["name", "namespace"]), NAMES))
def test_a_move_opens_exactly_inside_its_scope(scope: Scope, moves: dict[str, str]) -> None:
    sealed = seal(
        Secret(name="db", namespace="prod", data={"k": b"v"}), pair().certificate, scope=scope
    )
    moved = replace(sealed, metadata={**sealed.metadata, **moves})
    if moved.label() == sealed.label():
        assert unseal(moved, ring()).data == {"k": b"v"}
        return
    with pytest.raises(ManyErrors) as caught:
        unseal(moved, ring())
    assert all(isinstance(error, UnsealError) for error in caught.value.errors)


@given(data=DATA, scope=SCOPES)
def test_resealing_keeps_every_value_and_is_done_once(data: dict[str, bytes], scope: Scope) -> None:
    secret = Secret(name="db", namespace="prod", data=data)
    sealed = seal(secret, pair("one").certificate, scope=scope)
    changed = reseal(sealed, ring("one"), pair("two").certificate)
    after = replace(sealed, encrypted_data={**sealed.encrypted_data, **changed})
    assert unseal(after, ring("two")).data == data
    assert reseal(after, ring("two"), pair("two").certificate) == {}


@given(value=st.dictionaries(TEXT, JSON, max_size=5))
@example(value={"\u2028": "\u0085", "a": "\r\n", "b": " x\n", "c": "\t", "d": "\ufeff"})
def test_loading_undoes_dumping(value: dict[str, Any]) -> None:
    for dump in (to_yaml, to_json):
        [document] = read_documents(dump(value), "f")
        assert document.value == value


@given(text=TEXT | WORDS)
def test_a_dumped_string_is_a_string_to_kubernetes(text: str) -> None:
    [document] = read_documents(to_yaml({"k": text}), "f")
    assert document.value == {"k": text}
    assert resolve("plain-" + text) == "plain-" + text


@given(stream=TEXT | st.text("ab:-{}[]\"'\n #&*!|>\t\r,", max_size=80))
@example(stream='{"a": 1}{"b": }')
def test_documents_joined_are_the_stream_and_fail_inside_the_tree(stream: str) -> None:
    documents = list(read_documents(stream, "f"))
    joined = "".join(document.text for document in documents)
    # A marker right before JSON is YAML's: the one thing that is left out.
    assert joined == stream or joined.replace("---", "") == stream.replace("---", "")
    for document in documents:
        try:
            for resource in document.resources():
                Secret.from_dict(resource.value)
        except SealerError:
            continue


@given(raw=st.binary(max_size=200), text=st.text(max_size=120))
def test_random_bytes_raise_nothing_outside_the_tree(raw: bytes, text: str) -> None:
    for attempt in (
        lambda: ring().open(raw, b""),
        lambda: Certificate.from_pem(raw),
        lambda: Certificate.from_pem(_armoured(raw, b"CERTIFICATE")),
        lambda: KeyPair.from_pem(_armoured(raw, b"PRIVATE KEY")),
        lambda: KeyPair.from_pem(_armoured(raw, b"RSA PRIVATE KEY")),
        lambda: read_keys(text, "f"),
        lambda: [list(one.resources()) for one in read_documents(text, "f")],
    ):
        try:
            attempt()
        except SealerError:
            continue


def _armoured(raw: bytes, kind: bytes) -> bytes:
    return b"-----BEGIN %s-----\n%s\n-----END %s-----" % (kind, encoding.encode(raw).encode(), kind)


@given(at=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_damaged_certificate_or_key_is_a_key_file_error_or_still_good(at: int, bit: int) -> None:
    for pem, read in (
        (pair().certificate.pem, Certificate.from_pem),
        (private_pem(pair().private_key), KeyPair.from_pem),
    ):
        damaged = bytearray(pem)
        damaged[at % len(pem)] ^= 1 << bit
        try:
            read(bytes(damaged))
        except KeyFileError:
            continue


@given(manifest=st.dictionaries(st.sampled_from(["metadata", "data", "stringData", "x"]), JSON))
def test_any_manifest_reads_or_fails_inside_the_tree(manifest: dict[str, Any]) -> None:
    for kind, version, read in (
        ("Secret", "v1", Secret.from_dict),
        ("SealedSecret", "bitnami.com/v1alpha1", SealedSecret.from_dict),
    ):
        whole = {"apiVersion": version, "kind": kind, "spec": manifest, **manifest}
        try:
            read(whole)
        except SealerError:
            continue


@given(
    items=st.dictionaries(KEYS, BASE64, min_size=1, max_size=4),
    new=st.lists(BASE64, min_size=4, max_size=4),
    style=st.sampled_from(["yaml", "json", "crlf", "flow"]),
    comment=TEXT.filter(str.isprintable),
)
def test_replaced_items_are_all_that_changes(
    items: dict[str, str], new: list[str], style: str, comment: str
) -> None:
    manifest = {"kind": "SealedSecret", "spec": {"encryptedData": items}, "note": comment}
    text = {
        "yaml": f"# {comment}\n{to_yaml(manifest)}",
        "crlf": f"# {comment}\n{to_yaml(manifest)}".replace("\n", "\r\n"),
        "json": to_json(manifest),
        "flow": json.dumps(manifest),
    }[style]
    [document] = read_documents(text, "f")
    changes = dict(zip(items, new, strict=False))
    edited = replace_scalars(
        document, {("spec", "encryptedData", key): item for key, item in changes.items()}
    )
    assert edited.value == {**manifest, "spec": {"encryptedData": {**items, **changes}}}
    before, after = (
        [line for line in one.splitlines() if not any(f"{key}" in line for key in items)]
        for one in (text, edited.text)
    )
    assert before == after


@given(items=st.dictionaries(KEYS, BASE64, max_size=3), key=KEYS, item=BASE64, indent=st.booleans())
def test_an_item_put_is_there_and_the_rest_stays(
    items: dict[str, str], key: str, item: str, indent: bool
) -> None:
    manifest = {"spec": {"encryptedData": items, "template": {}}, "z": [1]}
    text = to_json(manifest) if indent else to_yaml(manifest)
    [document] = read_documents(text, "f")
    edited = put(document, ("spec", "encryptedData", key), item)
    assert edited.value["spec"]["encryptedData"] == {**items, key: item}
    assert edited.value["z"] == [1]
