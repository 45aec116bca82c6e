"""How much work a PFX asks for is known before any of it is done."""

from __future__ import annotations

import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12
from hypothesis import given
from hypothesis import strategies as st

from controller.keyvault.target.certificate import parse
from controller.keyvault.target.pfx import MOST_ITERATIONS, iterations
from controller.keyvault.target.values import BadValueError
from tests.sealing_keys import pair
from tests.testbed.pfx import costly_pfx, element, in_base64


@pytest.mark.parametrize("count", [90_000_000, 0x7FFFFFFF, 2**200, MOST_ITERATIONS + 1])
def test_a_costly_pfx_is_refused_before_any_work(count: int) -> None:
    started = time.process_time()
    with pytest.raises(BadValueError, match="asks for more than 1000000 rounds"):
        parse(in_base64(costly_pfx(count)))
    assert time.process_time() - started < 1


@pytest.mark.parametrize("rounds", [2048, 4097, 100_000])
@pytest.mark.parametrize(
    "algorithm",
    [
        pkcs12.PBES.PBESv2SHA256AndAES256CBC,
        pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC,
    ],
)
def test_the_count_of_every_kind_of_encryption_is_found(
    rounds: int, algorithm: pkcs12.PBES
) -> None:
    encryption = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(rounds)
        .key_cert_algorithm(algorithm)
        .hmac_hash(hashes.SHA256())
        .build(b"password")
    )
    key = pair("one").private_key
    pfx = pkcs12.serialize_key_and_certificates(b"name", key, None, None, encryption)
    assert iterations(pfx) == rounds


def test_indefinite_lengths_and_pieces_hide_no_count() -> None:
    inner = element(0x30, element(0x04, b"salt"), element(0x02, b"\x7f\xff\xff\xff"))
    pieces = b"\x24\x80" + b"".join(element(0x04, inner[at : at + 3]) for at in (0, 3, 6, 9, 12))
    hidden = b"\x30\x80" + pieces + b"\0\0" + b"\0\0"
    assert iterations(hidden) == 0x7FFFFFFF


def test_bytes_behind_it_hide_no_count() -> None:
    inner = element(0x30, element(0x04, b"salt"), element(0x02, b"\x7f\xff\xff\xff"))
    assert iterations(element(0x04, inner + b"\x30\x7f")) == 0x7FFFFFFF


@pytest.mark.parametrize(
    "data", [b"\x30\x80" * 3000, b"\x24\x80" * 3000, b"\x30\x05a", b"\x1f\1\1"]
)
def test_what_is_no_ber_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"not BER|nested"):
        iterations(data)


@given(st.binary(max_size=300))
def test_other_bytes_are_a_value_error_or_none_at_all(data: bytes) -> None:
    try:
        assert iterations(data) >= 0
    except ValueError:
        return
