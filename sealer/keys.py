"""Sealing keys: a certificate seals, a private key unseals, a ring tries its keys in turn.

Certificates are X.509 as Bitnami's controller writes them (``generate``), and any RSA
certificate that people bring. They serve as dated containers of a public key: no chain is
built, no extension is read. Never touch ``x509.Certificate.extensions`` here: Bitnami's key
usage (encipherOnly without keyAgreement) makes pyca raise ValueError.

Refuses keys that must not be used for sealing (not RSA, under 2048 bits, expired, not yet
valid); an old small key may still unseal. Never shows private key bytes in a repr or an error.
"""

from __future__ import annotations

import binascii
import re
from bisect import bisect
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from sealer.crypto import decrypt, wrapped_key_bytes
from sealer.der import certificate_parts
from sealer.errors import KeyFileError, NoKeyError, UnsealError

MIN_SEALING_BITS = 2048
EXPIRY_WARNING = timedelta(days=30)
MAX_BITS = 16384
"""What OpenSSL and Go still compute with."""
MAX_EXPONENT = 2**31 - 1
"""As Go: a larger one is refused by kubeseal and by the controller."""
_PEM_LINE = re.compile(rb"-----(BEGIN|END) ([A-Z0-9 ]+)(?=-----)")


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
        blocks = _pem_blocks(pem)
        for kind, block in blocks:
            if kind == b"CERTIFICATE":
                return cls._from_block(block + b"\n")
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
    def _from_block(cls, pem: bytes) -> Certificate:
        try:
            der = binascii.a2b_base64(b"".join(pem.split(b"-----")[2].split()), strict_mode=True)
            parts = certificate_parts(der)
            if parts.rsa is None:
                raise KeyFileError(
                    "the certificate holds no RSA key",
                    hint="sealing needs an RSA certificate, as the controller makes them",
                )
            modulus, exponent = parts.rsa
            if modulus % 2 == 0 or not 0 < modulus < 2**MAX_BITS:
                raise KeyFileError("the certificate's RSA modulus is none that a key may have")
            if exponent % 2 == 0 or not 3 <= exponent <= MAX_EXPONENT:
                raise KeyFileError("the certificate's RSA exponent is none that a key may have")
            public_key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
        except ValueError:
            raise KeyFileError("the PEM certificate is damaged") from None
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
        private_key = _load_private_key(key)
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


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Private keys, newest first: the first seals anew, all unseal."""

    keys: tuple[KeyPair, ...]

    @classmethod
    def of(cls, keys: Iterable[KeyPair]) -> KeyRing:
        """Order by the certificates' NotBefore, newest first; keys without one come last."""

        def age(pair: KeyPair) -> float:
            return -pair.certificate.not_before.timestamp() if pair.certificate else float("inf")

        return cls(tuple(sorted(keys, key=age)))

    def open(
        self, ciphertext: bytes, label: bytes, *, prefer: str | KeyPair = ""
    ) -> tuple[bytes, KeyPair]:
        """Return the plaintext and the key that opened it.

        Keys of another modulus size are passed over; the key pair ``prefer``, or the one whose
        certificate has this fingerprint, is tried first. Raises NoKeyError when none fits, with
        each key's reason in ``reasons``, and UnsealError when a key fits and the value is damaged.
        """
        size = wrapped_key_bytes(ciphertext)
        reasons: list[tuple[str, str]] = []
        damaged: UnsealError | None = None
        for pair in self._preferring(prefer):
            if (pair.private_key.key_size + 7) // 8 != size:
                reasons.append((pair.name, f"another size than {size * 8} bits"))
                continue
            try:
                return decrypt(pair.private_key, ciphertext, label), pair
            except NoKeyError as error:
                reasons.append((pair.name, error.message))
            except UnsealError as error:
                damaged = error
        if damaged:
            raise damaged
        raise NoKeyError("no key could decrypt it", reasons=tuple(reasons))

    def _preferring(self, prefer: str | KeyPair) -> Iterable[KeyPair]:
        if not prefer:
            return self.keys
        return sorted(self.keys, key=lambda pair: pair is not prefer and pair.fingerprint != prefer)


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
    return SealingKeyPair(private_key=private_key, certificate=Certificate._from_block(pem))


def private_key_blocks(pem: bytes) -> list[bytes]:
    """Return the PEM text of each private key in it, in order."""
    return [block for kind, block in _pem_blocks(pem) if kind.endswith(b"PRIVATE KEY")]


def _pem_blocks(pem: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and text of each block, from its first dash to its last, in one pass over the text."""
    lines = list(_PEM_LINE.finditer(pem))
    ends: dict[bytes, list[int]] = {}
    for line in lines:
        if line[1] == b"END":
            ends.setdefault(line[2], []).append(line.start())
    blocks: list[tuple[bytes, bytes]] = []
    after = 0
    for line in lines:
        start, content = line.start(), line.end() + len("-----")
        if line[1] == b"END" or start < after or not pem[content : content + 1].isspace():
            continue
        known = ends.get(line[2], [])
        at = bisect(known, content)
        if at < len(known):
            after = known[at] + len(b"-----END -----") + len(line[2])
            blocks.append((line[2], pem[start:after]))
    return blocks


def _load_private_key(pem: bytes) -> rsa.RSAPrivateKey:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    blocks = private_key_blocks(pem)
    if not blocks:
        raise KeyFileError(
            "there is no PEM private key in it",
            hint="a private key begins with -----BEGIN RSA PRIVATE KEY----- or PRIVATE KEY",
        )
    if b"ENCRYPTED" in blocks[0]:
        raise KeyFileError(
            "the private key is protected by a passphrase", hint="decrypt it with openssl pkey"
        )
    try:
        # OpenSSL's full check of a 4096-bit key takes 0.2 s, times the ring's length at start-up;
        # _is_consistent finds the same damage at once.
        private_key = load_pem_private_key(
            blocks[0], password=None, unsafe_skip_rsa_key_validation=True
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # pyca's text may quote the key's structure; ours must not.
        raise KeyFileError("the PEM private key is damaged") from None
    if not isinstance(private_key, rsa.RSAPrivateKey):
        kind = type(private_key).__name__.removesuffix("PrivateKey")
        raise KeyFileError(f"the private key is no RSA key but {kind}")
    if not _is_consistent(private_key.private_numbers()):
        raise KeyFileError("the PEM private key is damaged")
    return private_key


def _is_consistent(key: rsa.RSAPrivateNumbers) -> bool:
    """Tell whether the numbers of a key belong together (RFC 8017, 3.2)."""
    return (
        key.p * key.q == key.public_numbers.n
        and (key.d * key.public_numbers.e - 1) % (key.p - 1) == 0
        and (key.d * key.public_numbers.e - 1) % (key.q - 1) == 0
        and key.dmp1 == key.d % (key.p - 1)
        and key.dmq1 == key.d % (key.q - 1)
        and key.iqmp * key.q % key.p == 1
    )
