"""The small DER reader, held against pyca's on certificates of every shape."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from sealer.keys.der import certificate_parts
from tests.sealing_keys import SigningKey, certificate_pem, ec_key, pair, rsa_key


def der_of(pem: bytes) -> bytes:
    return x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)


def with_dates(start: datetime, end: datetime) -> bytes:
    return certificate_pem(rsa_key(1024), start=start, end=end)


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param(lambda: pair().certificate.pem, id="as we make them"),
        pytest.param(lambda: certificate_pem(rsa_key(1024), subject=""), id="no subject"),
        pytest.param(lambda: certificate_pem(rsa_key(1024), subject="n" * 60), id="long names"),
        pytest.param(lambda: certificate_pem(ec_key()), id="elliptic curve"),
        pytest.param(lambda: certificate_pem(ed25519_key()), id="ed25519"),
        pytest.param(
            lambda: with_dates(
                datetime(1950, 1, 1, tzinfo=UTC), datetime(1999, 12, 31, tzinfo=UTC)
            ),
            id="the last century",
        ),
        pytest.param(
            lambda: with_dates(
                datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
            ),
            id="generalized time",
        ),
    ],
)
def test_it_reads_what_pyca_reads(pem: object) -> None:
    assert callable(pem)
    der = der_of(pem())
    theirs = x509.load_der_x509_certificate(der)
    mine = certificate_parts(der)
    assert mine.not_before == theirs.not_valid_before_utc
    assert mine.not_after == theirs.not_valid_after_utc
    key = theirs.public_key()
    numbers = key.public_numbers() if isinstance(key, rsa.RSAPublicKey) else None
    assert mine.rsa == (numbers and (numbers.n, numbers.e))


def ed25519_key() -> SigningKey:
    return ed25519.Ed25519PrivateKey.generate()


def test_a_certificate_without_a_version_field_is_read() -> None:
    # X.509 version 1 leaves the field out: cut it from one that has it.
    der = der_of(certificate_pem(rsa_key(2048)))
    version = bytes.fromhex("a003020102")
    at = der.index(version)
    cut = der[:at] + der[at + len(version) :]
    outer, inner = int.from_bytes(der[2:4], "big"), int.from_bytes(der[6:8], "big")
    assert der[0:2] == der[4:6] == b"\x30\x82"
    fixed = (
        der[:2]
        + (outer - len(version)).to_bytes(2, "big")
        + der[4:6]
        + (inner - len(version)).to_bytes(2, "big")
        + cut[8:]
    )
    assert certificate_parts(fixed) == certificate_parts(der)


def test_every_cut_and_no_other_error() -> None:
    der = der_of(certificate_pem(rsa_key(1024)))
    for end in range(len(der)):
        with pytest.raises(ValueError, match=r"."):
            certificate_parts(der[:end])


@pytest.mark.parametrize(
    "time",
    [
        pytest.param(b"\x17\x0b2601010000Z", id="no seconds"),
        pytest.param(b"\x17\x0d260101000000+", id="no Z"),
        pytest.param(b"\x17\x0d261301000000Z", id="month 13"),
        pytest.param(b"\x04\x0d260101000000Z", id="not a time"),
        pytest.param(b"\x17\x0dxx0101000000Z", id="no digits"),
    ],
)
def test_a_bad_date_is_refused(time: bytes) -> None:
    der = der_of(certificate_pem(rsa_key(1024)))
    at = der.index(b"\x17\x0d")
    # Shorter times are padded after the element: the certificate is broken anyway.
    broken = der[:at] + time.ljust(15, b"\0") + der[at + 15 :]
    with pytest.raises(ValueError, match=r"."):
        certificate_parts(broken)
