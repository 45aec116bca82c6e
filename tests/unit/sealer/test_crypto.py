"""The envelope: what opens, what does not, and what is said of it."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sealer import crypto
from sealer.errors import NoKeyError, UnsealError
from tests.sealing_keys import pair, rsa_key

LABEL = b"prod/db"


def sealed(value: bytes = b"value", label: bytes = LABEL) -> bytes:
    return crypto.encrypt(pair().certificate.public_key, value, label)


@pytest.mark.parametrize("value", [b"", b"\0", b"text", bytes(range(256)) * 4096])
@pytest.mark.parametrize("label", [b"", b"prod", LABEL])
def test_what_was_sealed_opens_under_the_same_label(value: bytes, label: bytes) -> None:
    assert crypto.decrypt(pair().private_key, sealed(value, label), label) == value


def test_the_envelope_is_laid_out_as_bitnami_lays_it_out() -> None:
    session_key = bytes(range(32))
    envelope = crypto._encrypt_with_session_key(
        pair().certificate.public_key, b"value", LABEL, session_key
    )
    assert envelope[:2] == b"\x01\x00"
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=LABEL)
    assert pair().private_key.decrypt(envelope[2:258], oaep) == session_key
    assert AESGCM(session_key).decrypt(bytes(12), envelope[258:], None) == b"value"
    assert len(envelope) == 2 + 256 + len(b"value") + 16


def test_every_value_has_a_session_key_of_its_own() -> None:
    # With one session key and the constant nonce, the values' XOR would show.
    assert len({sealed()[258:] for _ in range(20)}) == 20


@pytest.mark.parametrize("label", [b"", b"prod", b"prod/other", b"other/db"])
def test_another_label_opens_nothing(label: bytes) -> None:
    with pytest.raises(NoKeyError, match="not sealed for this key"):
        crypto.decrypt(pair().private_key, sealed(), label)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(NoKeyError, match="not sealed for this key"):
        crypto.decrypt(pair("two").private_key, sealed(), LABEL)


def test_a_key_of_another_size_is_told_by_the_length_prefix() -> None:
    with pytest.raises(NoKeyError, match="another size"):
        crypto.decrypt(rsa_key(1024), sealed(), LABEL)


@pytest.mark.parametrize("at", [258, -17, -1], ids=["first byte", "last byte", "tag"])
def test_a_damaged_value_is_not_taken_for_a_missing_key(at: int) -> None:
    envelope = bytearray(sealed())
    envelope[at] ^= 1
    with pytest.raises(UnsealError, match="damaged") as caught:
        crypto.decrypt(pair().private_key, bytes(envelope), LABEL)
    assert not isinstance(caught.value, NoKeyError)


@pytest.mark.parametrize(
    "envelope",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x01", id="half a length"),
        pytest.param(b"\x00\x00" + bytes(64), id="no session key"),
        pytest.param(b"\x01\x00" + bytes(256), id="no value"),
        pytest.param(b"\x01\x00" + bytes(256 + 15), id="half a tag"),
        pytest.param(b"\xff\xff" + bytes(300), id="longer than it is"),
    ],
)
def test_a_cut_envelope_says_so(envelope: bytes) -> None:
    for read in (
        lambda: crypto.decrypt(pair().private_key, envelope, LABEL),
        lambda: crypto.wrapped_key_bytes(envelope),
        lambda: crypto.plaintext_bytes(envelope),
    ):
        with pytest.raises(UnsealError, match="cut short"):
            read()


def test_sizes_are_read_without_a_key() -> None:
    assert crypto.wrapped_key_bytes(sealed()) == 256
    assert crypto.plaintext_bytes(sealed(b"12345")) == 5
