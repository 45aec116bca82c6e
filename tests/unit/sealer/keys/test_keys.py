"""Certificates, key pairs, rings: what is taken, what is refused, what is never shown."""

from __future__ import annotations

import time
from base64 import encodebytes
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID

from sealer import crypto
from sealer.errors import KeyFileError, NoKeyError, UnsealError
from sealer.keys.certificate import Certificate
from sealer.keys.pair import KeyPair, generate
from sealer.keys.pem import private_key_blocks
from sealer.keys.ring import KeyRing
from tests.sealing_keys import (
    NOW,
    YEARS,
    certificate_pem,
    ec_key,
    pair,
    private_pem,
    ring,
    rsa_key,
    small_certificate,
    small_pair,
)

LABEL = b"prod/db"


def sealed_for(name: str) -> bytes:
    return crypto.encrypt(pair(name).certificate.public_key, b"value", LABEL)


def test_a_certificate_is_read_from_the_first_block_of_a_chain() -> None:
    chain = b"some words\n" + pair("one").certificate.pem + pair("two").certificate.pem
    assert Certificate.from_pem(chain).fingerprint == pair("one").certificate.fingerprint


def test_a_certificate_agrees_with_pyca() -> None:
    mine = Certificate.from_pem(certificate_pem(rsa_key(2048), subject="prod"))
    theirs = x509.load_pem_x509_certificate(mine.pem)
    assert mine.fingerprint == theirs.fingerprint(hashes.SHA256()).hex()
    assert mine.subject == "CN=prod" == theirs.subject.rfc4514_string()
    assert mine.bits == 2048
    assert (mine.not_before, mine.not_after) == (NOW, NOW + YEARS)


@pytest.mark.parametrize(
    ("pem", "message"),
    [
        pytest.param(b"", "there is no PEM certificate", id="empty"),
        pytest.param(b"\x30\x82\x01", "there is no PEM certificate", id="DER"),
        pytest.param(
            private_pem(rsa_key(1024)), "this is a private key, not a certificate", id="key"
        ),
        pytest.param(certificate_pem(ec_key()), "holds no RSA key", id="elliptic curve"),
        pytest.param(
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "the PEM certificate is damaged",
            id="not a certificate inside",
        ),
        pytest.param(
            b"-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----\n",
            "the PEM certificate is damaged",
            id="not base64 inside",
        ),
    ],
)
def test_a_text_without_a_usable_certificate_says_what_it_is(pem: bytes, message: str) -> None:
    with pytest.raises(KeyFileError, match=message):
        Certificate.from_pem(pem)


def crafted(modulus: int, exponent: int, *, subject: bytes = b"", trailing: bytes = b"") -> bytes:
    """A PEM certificate that no tool would make; its signature is nobody's."""

    def tlv(tag: int, content: bytes) -> bytes:
        size = len(content)
        if size < 0x80:
            return bytes([tag, size]) + content
        digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
        return bytes([tag, 0x80 | len(digits)]) + digits + content

    def integer(number: int) -> bytes:
        return tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))

    signature = tlv(0x30, bytes.fromhex("06092a864886f70d01010b0500"))
    rsa = tlv(0x30, bytes.fromhex("06092a864886f70d0101010500"))
    key = tlv(0x30, rsa + tlv(3, b"\0" + tlv(0x30, integer(modulus) + integer(exponent))))
    dates = tlv(0x30, tlv(0x17, b"200101000000Z") + tlv(0x17, b"400101000000Z"))
    name = tlv(0x30, subject)
    head = tlv(0xA0, integer(2)) + integer(1) + signature
    tbs = tlv(0x30, head + tlv(0x30, b"") + dates + name + key)
    der = tlv(0x30, tbs + signature + tlv(3, b"\0" + b"\1" * 256)) + trailing
    return b"-----BEGIN CERTIFICATE-----\n" + encodebytes(der) + b"-----END CERTIFICATE-----\n"


GOOD = 2**2047 + 1


@pytest.mark.parametrize(
    ("pem", "message"),
    [
        pytest.param(crafted(2**2047, 65537), "modulus", id="even modulus"),
        pytest.param(crafted(2**16384 + 1, 65537), "modulus", id="more than 16384 bits"),
        pytest.param(crafted(-GOOD, 65537), "modulus", id="negative modulus"),
        pytest.param(crafted(GOOD, 1), "exponent", id="no exponent at all"),
        pytest.param(crafted(GOOD, 2**16), "exponent", id="even exponent"),
        pytest.param(crafted(GOOD, 2**31 + 1), "exponent", id="large exponent"),
        pytest.param(crafted(GOOD, 65537, trailing=b"\0"), "is damaged", id="trailing bytes"),
    ],
)
def test_a_crafted_certificate_is_refused(pem: bytes, message: str) -> None:
    with pytest.raises(KeyFileError, match=message):
        Certificate.from_pem(pem)


def test_the_limits_of_a_key_are_taken() -> None:
    largest = Certificate.from_pem(crafted(2**16383 + 1, 2**31 - 1))
    assert largest.bits == 16384
    crypto.encrypt(largest.public_key, b"x", b"")


def test_a_key_that_openssl_does_not_seal_with_is_told() -> None:
    small = Certificate.from_pem(crafted(2**511 + 1, 3))
    with pytest.raises(KeyFileError, match="nothing can be sealed"):
        crypto.encrypt(small.public_key, b"x", b"")


def test_a_subject_that_cannot_be_read_is_told() -> None:
    found = Certificate.from_pem(crafted(GOOD, 65537, subject=b"\x31\x02\x05\x00"))
    with pytest.raises(KeyFileError, match="subject"):
        assert found.subject


def test_a_text_of_many_beginnings_is_read_in_one_pass() -> None:
    many = b"".join(b"-----BEGIN A%d-----\n" % number for number in range(40_000))
    certificate = pair().certificate
    start = time.process_time()
    assert Certificate.from_pem(many + certificate.pem) == certificate
    assert time.process_time() - start < 1


def test_a_good_certificate_is_checked_without_a_word() -> None:
    assert pair().certificate.check(NOW) == []
    assert pair().certificate.check(NOW + YEARS - timedelta(days=30)) == []


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(days=29, hours=1), "in 29 days, on 2035-12-30"),
        (timedelta(days=2), "in 2 days"),
        (timedelta(days=1, hours=23), "within two days"),
        (timedelta(0), "within two days"),
    ],
)
def test_the_last_thirty_days_are_warned_of(left: timedelta, words: str) -> None:
    [warning] = pair().certificate.check(NOW + YEARS - left)
    assert words in warning


def test_expired_not_yet_valid_and_small_certificates_seal_nothing() -> None:
    with pytest.raises(KeyFileError, match="expired on 2035-12-30 00:00 UTC"):
        pair().certificate.check(NOW + YEARS + timedelta(seconds=1))
    with pytest.raises(KeyFileError, match="not valid before 2026-01-01 00:00 UTC"):
        pair().certificate.check(NOW - timedelta(seconds=1))
    with pytest.raises(KeyFileError, match="1024 bits, fewer than 2048"):
        small_certificate().check(NOW)


def test_an_old_small_key_still_unseals() -> None:
    sealed = crypto.encrypt(small_certificate().public_key, b"value", LABEL)
    assert KeyRing.of([small_pair()]).open(sealed, LABEL)[0] == b"value"


@pytest.mark.parametrize("pkcs8", [True, False], ids=["PKCS#8", "PKCS#1"])
def test_private_keys_are_read_in_both_forms(pkcs8: bool) -> None:
    key = KeyPair.from_pem(private_pem(pair().private_key, pkcs8=pkcs8), name="k")
    assert key.fits(pair().certificate)
    assert key.certificate is None
    assert key.fingerprint == ""
    assert key.private_pem().startswith(b"-----BEGIN RSA PRIVATE KEY-----")


def test_a_key_pair_knows_its_certificate() -> None:
    key = KeyPair.from_pem(private_pem(pair().private_key), pair().certificate.pem)
    assert key.fingerprint == pair().certificate.fingerprint
    assert not key.fits(pair("two").certificate)


def broken_key() -> bytes:
    """A private key whose numbers do not belong together, well-formed all the same."""
    numbers = rsa_key(2048).private_numbers()
    # Swapped exponents keep the encoding valid.
    bad = rsa.RSAPrivateNumbers(
        p=numbers.p,
        q=numbers.q,
        d=numbers.d,
        dmp1=numbers.dmq1,
        dmq1=numbers.dmp1,
        iqmp=numbers.iqmp,
        public_numbers=numbers.public_numbers,
    )
    return private_pem(bad.private_key(unsafe_skip_rsa_key_validation=True))


@pytest.mark.parametrize(
    ("pem", "message"),
    [
        pytest.param(b"words", "there is no PEM private key", id="no key"),
        pytest.param(
            private_pem(rsa_key(1024), password=b"x"), "protected by a passphrase", id="encrypted"
        ),
        pytest.param(
            private_pem(rsa_key(1024), pkcs8=False, password=b"x"),
            "protected by a passphrase",
            id="old encryption",
        ),
        pytest.param(
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "damaged", id="cut"
        ),
        pytest.param(private_pem(ec_key()), "no RSA key but EC", id="elliptic curve"),
        pytest.param(broken_key(), "damaged", id="inconsistent"),
    ],
)
def test_a_private_key_that_cannot_be_used_is_refused(pem: bytes, message: str) -> None:
    with pytest.raises(KeyFileError, match=message):
        KeyPair.from_pem(pem)


def test_a_certificate_of_another_key_is_refused() -> None:
    with pytest.raises(KeyFileError, match="was not made for this private key"):
        KeyPair.from_pem(private_pem(pair("one").private_key), pair("two").certificate.pem)


def test_the_blocks_of_private_keys_are_found_in_order() -> None:
    one, two = private_pem(rsa_key(1024)), private_pem(ec_key())
    text = one + pair().certificate.pem + two
    assert private_key_blocks(text) == [one.strip(), two.strip()]


def test_a_ring_has_the_newest_first_and_keys_without_a_date_last() -> None:
    bare = KeyPair.from_pem(private_pem(rsa_key(1024)), name="bare")
    old = KeyPair.from_pem(
        private_pem(rsa_key(1024)),
        certificate_pem(rsa_key(1024), start=NOW - timedelta(days=9)),
        name="old",
    )
    assert [key.name for key in KeyRing.of([bare, old, pair()]).keys] == ["one", "old", "bare"]


def test_a_ring_opens_with_the_key_that_fits() -> None:
    value, key = ring("one", "two").open(sealed_for("two"), LABEL)
    assert (value, key.name) == (b"value", "two")


@pytest.mark.parametrize("prefer", [pair("two"), pair("two").fingerprint], ids=["pair", "print"])
def test_the_preferred_key_is_tried_first(prefer: str | KeyPair) -> None:
    keys = ring("one", "two", "three")
    with pytest.raises(NoKeyError) as caught:
        keys.open(sealed_for("other"), LABEL, prefer=prefer)
    assert [name for name, _ in caught.value.reasons] == ["two", "one", "three"]


def test_each_keys_reason_is_kept() -> None:
    keys = KeyRing((pair("one"), small_pair()))
    with pytest.raises(NoKeyError, match="no key could decrypt it") as caught:
        keys.open(sealed_for("two"), LABEL)
    assert caught.value.reasons == (
        ("one", "not sealed for this key, or not for this namespace and name"),
        ("small", "another size than 2048 bits"),
    )


def test_an_empty_ring_opens_nothing() -> None:
    with pytest.raises(NoKeyError):
        KeyRing(()).open(sealed_for("one"), LABEL)


def test_a_damaged_value_is_told_from_a_missing_key() -> None:
    envelope = bytearray(sealed_for("one"))
    envelope[-1] ^= 1
    with pytest.raises(UnsealError, match="damaged"):
        ring("one", "two").open(bytes(envelope), LABEL)


def test_a_generated_certificate_is_as_bitnami_writes_it() -> None:
    made = generate(now=NOW.replace(microsecond=5), validity=YEARS, bits=2048)
    theirs = x509.load_pem_x509_certificate(made.certificate.pem)
    assert theirs.subject == theirs.issuer == x509.Name([])
    assert made.certificate.subject == ""
    assert theirs.not_valid_before_utc == NOW
    assert theirs.not_valid_after_utc == NOW + YEARS
    assert 0 < theirs.serial_number < 2**128
    der = theirs.public_bytes(encoding=Encoding.DER)
    for oid, value in {
        "2.5.29.15": bytes.fromhex("0101ff0404 03020001"),  # key usage, critical
        "2.5.29.19": bytes.fromhex("0101ff0405 30030101ff"),  # basic constraints, critical: CA
    }.items():
        encoded = x509.ObjectIdentifier(oid)
        assert encoded in (ExtensionOID.KEY_USAGE, ExtensionOID.BASIC_CONSTRAINTS)
        assert value in der
    theirs.verify_directly_issued_by(theirs)


def test_no_repr_shows_a_private_key() -> None:
    assert "BEGIN" not in repr(pair())
    assert repr(ring()).count("SealingKeyPair") == 1


def test_keys_that_only_unseal_have_no_certificate_to_seal_with() -> None:
    keys = (pair("one"),)
    assert KeyRing(()).certificate is None
    assert KeyRing(keys).certificate == pair("one").certificate
    assert KeyRing(keys, seals=False).certificate is None
    assert KeyRing(keys, seals=False).open(sealed_for("one"), LABEL)[1] is keys[0]
