"""A private key that unseals, with the certificate that seals for it; and how one is made.

Never shows private key bytes in a repr or an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from sealer.errors import KeyFileError
from sealer.keys.certificate import Certificate
from sealer.keys.pem import load_private_key


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key that unseals, with the certificate that seals for it where it is known."""

    private_key: rsa.RSAPrivateKey = field(repr=False, compare=False)
    certificate: Certificate | None
    name: str = ""
    """Where it came from: the key Secret's name or the file's; for people, never compared."""

    @classmethod
    def from_pem(cls, key: bytes, certificate: bytes | None = None, *, name: str = "") -> KeyPair:
        """Read a PKCS#1 or PKCS#8 PEM private key and, if given, the certificate made for it.

        Raises KeyFileError: not PEM, encrypted, not RSA, or the certificate is another key's.
        """
        private_key = load_private_key(key)
        known = None if certificate is None else Certificate.from_pem(certificate)
        if known and known.public_key.public_numbers() != private_key.public_key().public_numbers():
            raise KeyFileError("the certificate was not made for this private key")
        return cls(private_key=private_key, certificate=known, name=name)

    @property
    def fingerprint(self) -> str:
        """The certificate's fingerprint; empty where only the private key is known."""
        return self.certificate.fingerprint if self.certificate else ""

    def private_pem(self) -> bytes:
        """The private key as PKCS#1 PEM ("RSA PRIVATE KEY"), as Bitnami stores it, in clear."""
        from cryptography.hazmat.primitives import serialization

        return self.private_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )

    def fits(self, certificate: Certificate) -> bool:
        """Tell whether this private key opens what the certificate seals."""
        mine = self.private_key.public_key().public_numbers()
        return mine == certificate.public_key.public_numbers()


@dataclass(frozen=True, slots=True)
class SealingKeyPair(KeyPair):
    """A key pair whose certificate is known, so that it can seal as well."""

    certificate: Certificate


def generate(
    *, now: datetime, validity: timedelta, common_name: str = "", bits: int = 4096
) -> SealingKeyPair:
    """Make a sealing key with a self-signed certificate as Bitnami's controller writes it.

    ``now`` must be aware; it becomes NotBefore, to the second.
    Source: bitnami-labs/sealed-secrets ``pkg/crypto/keys.go`` (SignKey).
    """
    import hashlib

    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.x509.oid import ExtensionOID, NameOID

    private_key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    public_key = private_key.public_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])
    pkcs1 = public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    start = now.replace(microsecond=0)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .serial_number(x509.random_serial_number() >> 32 or 1)
        .not_valid_before(start)
        .not_valid_after(start + validity)
        .public_key(public_key)
        # Key usage "encipher only", which pyca's KeyUsage refuses to build: BIT STRING, 1 bit.
        .add_extension(
            x509.UnrecognizedExtension(ExtensionOID.KEY_USAGE, b"\x03\x02\x00\x01"), critical=True
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier(hashlib.sha256(pkcs1).digest()[:20]), critical=False
        )
        .sign(private_key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    return SealingKeyPair(private_key=private_key, certificate=Certificate.from_block(pem))
