"""Keys and certificates for the tests: made once a process, small, and of every shape.

Only ``generate`` is ours; certificates that it would never make (too small, not RSA, expired) are
made with cryptography here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from sealer.keys.certificate import Certificate
from sealer.keys.pair import KeyPair, SealingKeyPair, generate
from sealer.keys.ring import KeyRing

NOW = datetime(2026, 1, 1, tzinfo=UTC)
YEARS = timedelta(days=3650)
SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


def pair(name: str = "one") -> SealingKeyPair:
    """The RSA-2048 key pair of this name, valid for ten years from 2026."""
    return _made(name)


@cache
def _made(name: str) -> SealingKeyPair:
    made = generate(now=NOW, validity=YEARS, common_name=name, bits=2048)
    return SealingKeyPair(private_key=made.private_key, certificate=made.certificate, name=name)


def ring(*names: str) -> KeyRing:
    """A ring of key pairs by name."""
    return KeyRing(tuple(pair(name) for name in names or ("one",)))


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    """A bare RSA key of this size."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    """A key that is not RSA."""
    return ec.generate_private_key(ec.SECP256R1())


def certificate_pem(
    key: SigningKey,
    *,
    start: datetime = NOW,
    end: datetime = NOW + YEARS,
    subject: str = "test",
) -> bytes:
    """A self-signed certificate as PEM."""
    return _certificate(key.public_key(), key, start=start, end=end, subject=subject)


def _certificate(
    public_key: PublicKey, signer: SigningKey, *, start: datetime, end: datetime, subject: str
) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)] if subject else [])
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(end)
        .public_key(public_key)
    )
    return builder.sign(signer, digest).public_bytes(serialization.Encoding.PEM)


def large_certificate_pem(bits: int) -> bytes:
    """A certificate for a public key of this size that has no private key: such take long."""
    public_key = rsa.RSAPublicNumbers(65537, 2**bits - 1).public_key()
    return _certificate(public_key, rsa_key(2048), start=NOW, end=NOW + YEARS, subject="large")


def private_pem(key: SigningKey, *, pkcs8: bool = True, password: bytes | None = None) -> bytes:
    """A private key as PEM."""
    form = serialization.PrivateFormat
    return key.private_bytes(
        serialization.Encoding.PEM,
        form.PKCS8 if pkcs8 else form.TraditionalOpenSSL,
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption(),
    )


def small_pair() -> KeyPair:
    """An RSA-1024 key: it may open old things, and seal nothing."""
    key = rsa_key(1024)
    return KeyPair.from_pem(private_pem(key), certificate_pem(key), name="small")


def small_certificate() -> Certificate:
    """Its certificate."""
    return Certificate.from_pem(certificate_pem(rsa_key(1024)))
