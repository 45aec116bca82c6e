"""Certificates in PEM, as people upload them to a vault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID


def self_signed(key: Any) -> str:
    """A key and its certificate as PEM."""
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    plain = serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, form, plain)
    return str((text + certificate.public_bytes(serialization.Encoding.PEM)).decode())


def certificate_in(pem: str) -> x509.Certificate:
    """The first certificate of a text that begins with its key."""
    return x509.load_pem_x509_certificate(pem[pem.index("-----BEGIN CERT") :].encode())
