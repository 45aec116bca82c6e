"""The certificate that seals: X.509 as Bitnami's controller writes it, or any RSA one.

Certificates are those that ``sealer.keys.pair.generate`` makes, and any RSA certificate that
people bring. They serve as dated containers of a public key: no chain is
built, no extension is read. Never touch ``x509.Certificate.extensions`` here: Bitnami's key
usage (encipherOnly without keyAgreement) makes pyca raise ValueError.

Refuses keys that must not be used for sealing (not RSA, under 2048 bits, expired, not yet
valid); an old small key may still unseal.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from sealer.errors import DamagedKeyError, KeyFileError, OtherKeyError
from sealer.keys.der import certificate_parts
from sealer.keys.pem import pem_blocks

MIN_SEALING_BITS = 2048
EXPIRY_WARNING = timedelta(days=30)
MAX_BITS = 16384
"""What OpenSSL and Go still compute with."""
MAX_EXPONENT = 2**31 - 1
"""As Go: a larger one is refused by kubeseal and by the controller."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A public sealing key with its validity; compare by ``fingerprint``."""

    pem: bytes = field(repr=False)
    """PEM, one block, ending in a newline."""
    fingerprint: str
    """SHA-256 of the DER certificate, 64 lower-case hex digits; as ``openssl x509 -sha256``."""
    public_key: rsa.RSAPublicKey = field(repr=False, compare=False)
    not_before: datetime
    not_after: datetime

    @classmethod
    def from_pem(cls, pem: bytes) -> Certificate:
        """Read the first certificate of a PEM text (a chain's leaf); KeyFileError otherwise."""
        blocks = pem_blocks(pem)
        for kind, block in blocks:
            if kind == b"CERTIFICATE":
                return cls.from_block(block + b"\n")
        if any(b"PRIVATE KEY" in kind for kind, _ in blocks):
            raise KeyFileError(
                "this is a private key, not a certificate",
                hint="seal with the certificate; keep the private key away from here",
            )
        raise KeyFileError(
            "there is no PEM certificate in it",
            hint="a certificate begins with -----BEGIN CERTIFICATE-----",
        )

    @classmethod
    def from_block(cls, pem: bytes) -> Certificate:
        """Read one PEM block, which ends in a newline; KeyFileError otherwise."""
        try:
            der = binascii.a2b_base64(b"".join(pem.split(b"-----")[2].split()), strict_mode=True)
            parts = certificate_parts(der)
            if parts.rsa is None:
                raise OtherKeyError(
                    "the certificate holds no RSA key",
                    hint="sealing needs an RSA certificate, as the controller makes them",
                )
            modulus, exponent = parts.rsa
            if modulus % 2 == 0 or not 0 < modulus < 2**MAX_BITS:
                raise DamagedKeyError("the certificate's RSA modulus is none that a key may have")
            if exponent % 2 == 0 or not 3 <= exponent <= MAX_EXPONENT:
                raise DamagedKeyError("the certificate's RSA exponent is none that a key may have")
            public_key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
        except ValueError:
            raise DamagedKeyError("the PEM certificate is damaged") from None
        digest = hashes.Hash(hashes.SHA256())
        digest.update(der)
        return cls(
            pem=pem,
            fingerprint=digest.finalize().hex(),
            public_key=public_key,
            not_before=parts.not_before,
            not_after=parts.not_after,
        )

    @property
    def subject(self) -> str:
        """The subject as RFC 4514 writes it; empty for Bitnami's default certificates.

        Raises KeyFileError where it cannot be read: sealing does not look at it.
        """
        from cryptography.x509 import load_pem_x509_certificate

        try:
            return load_pem_x509_certificate(self.pem).subject.rfc4514_string()
        except ValueError:
            raise KeyFileError("the subject of the certificate is damaged") from None

    @property
    def bits(self) -> int:
        """The modulus size in bits."""
        return self.public_key.key_size

    def check(self, now: datetime) -> list[str]:
        """Raise KeyFileError if nothing may be sealed with it at ``now``; return warnings."""
        if self.bits < MIN_SEALING_BITS:
            raise KeyFileError(
                f"the certificate's RSA key has {self.bits} bits, fewer than {MIN_SEALING_BITS}",
                hint="fetch the cluster's current certificate",
            )
        if now > self.not_after:
            raise KeyFileError(
                f"the certificate expired on {self.not_after:%Y-%m-%d %H:%M} UTC",
                hint="fetch the cluster's current certificate",
            )
        if now < self.not_before:
            raise KeyFileError(
                f"the certificate is not valid before {self.not_before:%Y-%m-%d %H:%M} UTC",
                hint="check this machine's clock",
            )
        left = self.not_after - now
        if left < EXPIRY_WARNING:
            soon = f"in {left.days} days" if left.days > 1 else "within two days"
            return [f"the certificate expires {soon}, on {self.not_after:%Y-%m-%d}"]
        return []
