"""A key is followed only if the key that is known announced it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from sealer.encoding import encode
from sealer.keys.pair import KeyPair
from sealer.keys.succession import DOMAIN, MAX_SIGNERS, announced, key_list
from tests.sealing_keys import pair, rsa_key, small_pair

OLD, NEW, OTHER = pair("one"), pair("two"), pair("three")


def body(*keys: KeyPair) -> bytes:
    return json.dumps(key_list(keys)).encode()


def is_announced(answer: bytes, *, old: KeyPair = OLD, new: KeyPair = NEW) -> bool:
    assert new.certificate is not None
    return announced(answer, by=old.fingerprint, certificate=new.certificate)


def test_each_older_key_announces_the_newest() -> None:
    answer = body(NEW, OLD, OTHER)
    assert is_announced(answer, old=OLD)
    assert is_announced(answer, old=OTHER)


def test_the_newest_key_announces_nothing_and_an_older_one_is_never_announced() -> None:
    answer = body(NEW, OLD)
    assert not is_announced(answer, old=NEW, new=OLD)
    assert not is_announced(answer, old=NEW, new=NEW)
    assert not is_announced(answer, old=OLD, new=OTHER)


def test_a_key_that_is_not_listed_announces_nothing() -> None:
    assert not is_announced(body(NEW, OTHER), old=OLD)


def test_the_form_of_a_signature_is_what_the_page_says() -> None:
    """Verified here by cryptography alone, from the documented form."""
    entry = key_list([NEW, OLD])["keys"][1]
    message = b"sealer.dev/v1/key-succession\x00" + bytes.fromhex(OLD.fingerprint + NEW.fingerprint)
    OLD.private_key.public_key().verify(
        base64.b64decode(entry["successor"]["signature"]),
        message,
        padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32),
        hashes.SHA256(),
    )


def signed_by(key: KeyPair, message: bytes, scheme: padding.AsymmetricPadding) -> str:
    return encode(key.private_key.sign(message, scheme, hashes.SHA256()))


PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
BOTH = bytes.fromhex(OLD.fingerprint + NEW.fingerprint)


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(lambda: signed_by(OTHER, DOMAIN + BOTH, PSS), id="of another key"),
        pytest.param(lambda: signed_by(OLD, BOTH, PSS), id="without the domain"),
        pytest.param(
            lambda: signed_by(OLD, DOMAIN + BOTH[32:] + BOTH[:32], PSS), id="the other way round"
        ),
        pytest.param(
            lambda: signed_by(OLD, DOMAIN + BOTH, padding.PKCS1v15()), id="as certificates are"
        ),
        pytest.param(
            lambda: signed_by(
                OLD, DOMAIN + BOTH, padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=0)
            ),
            id="without salt",
        ),
        pytest.param(lambda: "", id="empty"),
        pytest.param(lambda: "not base64!", id="not base64"),
        pytest.param(lambda: 7, id="a number"),
    ],
)
def test_no_other_signature_counts(signature: Callable[[], Any]) -> None:
    value = key_list([NEW, OLD])
    value["keys"][1]["successor"]["signature"] = signature()
    assert not is_announced(json.dumps(value).encode())


def changed(**fields: Any) -> bytes:
    value = key_list([NEW, OLD])
    value["keys"][1].update(fields)
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>", id="a page"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"\xff", id="not a text"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"keys": {}}', id="keys are a map"),
        pytest.param(b'{"keys": [1, null, "x", {}]}', id="keys are odd"),
        pytest.param(changed(certificate="x"), id="no certificate"),
        pytest.param(changed(certificate="\u00e9"), id="not ASCII"),
        pytest.param(changed(certificate=7), id="a number"),
        pytest.param(changed(certificate=OTHER.certificate.pem.decode()), id="another's"),
        pytest.param(changed(successor=None), id="without a successor"),
        pytest.param(changed(successor=[]), id="successors"),
    ],
)
def test_what_is_not_a_list_of_keys_announces_nothing(answer: bytes) -> None:
    assert not is_announced(answer)


def test_a_list_cannot_lie_about_who_signs() -> None:
    """The attacker's key under the fingerprint that is known."""
    value = key_list([NEW, OTHER])
    value["keys"][1]["fingerprint"] = OLD.fingerprint
    assert not is_announced(json.dumps(value).encode())


def test_a_key_too_small_to_seal_announces_nothing() -> None:
    small = small_pair()
    assert small.certificate is not None
    assert [entry["fingerprint"] for entry in key_list([NEW, small])["keys"]] == [NEW.fingerprint]
    message = DOMAIN + bytes.fromhex(small.fingerprint + NEW.fingerprint)
    entry = {
        "fingerprint": small.fingerprint,
        "certificate": small.certificate.pem.decode(),
        "successor": {
            "fingerprint": NEW.fingerprint,
            "signature": signed_by(small, message, PSS),
        },
    }
    assert not is_announced(json.dumps({"keys": [entry]}).encode(), old=small)


def test_keys_without_a_certificate_are_not_listed_and_the_list_ends() -> None:
    bare = KeyPair(private_key=rsa_key(2048), certificate=None)
    assert key_list([bare]) == {"version": 1, "keys": []}
    assert key_list([]) == {"version": 1, "keys": []}
    many = [NEW, *[OLD] * (MAX_SIGNERS + 5)]
    assert len(key_list(many)["keys"]) == MAX_SIGNERS + 1


def test_no_private_key_is_in_a_list() -> None:
    assert b"PRIVATE" not in body(NEW, OLD)
