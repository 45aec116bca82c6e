"""Certificates as Key Vault hands them out (PFX or PEM) into the forms that workloads read.

Key Vault keeps the order in which somebody imported a chain; nginx, Envoy and Java want the leaf
first. So the chain is sorted by who issued whom, not by where it stood.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12PrivateKeyTypes

from controller.keyvault.target.pfx import MOST_ITERATIONS, iterations
from controller.keyvault.target.values import BadValueError

_MOST_BITS = 4096
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A certificate with its private key and as much of its chain as the vault holds."""

    key: PKCS12PrivateKeyTypes | None = field(repr=False)
    chain: tuple[x509.Certificate, ...]
    """Leaf first, each issued by the next."""
    pfx: bytes | None = field(default=None, repr=False)
    """The PFX as it was, where it was one."""

    @property
    def root(self) -> x509.Certificate | None:
        """The self-signed end of the chain, where the vault holds it."""
        last = self.chain[-1]
        return last if last.issuer == last.subject and len(self.chain) > 1 else None

    def key_pem(self) -> bytes:
        """PKCS#8; BadValueError where the vault holds no key."""
        if self.key is None:
            raise BadValueError(
                "has no private key in the vault",
                hint="make the key exportable in the certificate's policy, and issue it anew",
            )
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def tls(self, chain: str) -> dict[str, bytes]:
        """tls.crt, tls.key and, where a root is held, ca.crt. ``chain``: Full, LeafOnly, NoRoot."""
        shown: Iterable[x509.Certificate] = self.chain
        if chain == "LeafOnly":
            shown = self.chain[:1]
        elif chain == "NoRoot" and self.root is not None:
            shown = self.chain[:-1]
        data = {"tls.crt": _pem(shown), "tls.key": self.key_pem()}
        if self.root is not None:
            data["ca.crt"] = _pem([self.root])
        return data

    def form(self, form: str) -> bytes:
        """``as``: PEM (key and chain), PFX, Key, Leaf, Chain (without the leaf)."""
        if form == "PFX":
            return self.pfx if self.pfx is not None else self._to_pfx()
        if form == "Key":
            return self.key_pem()
        if form == "Leaf":
            return _pem(self.chain[:1])
        if form == "Chain":
            return _pem(self.chain[1:])
        return self.key_pem() + _pem(self.chain)

    def _to_pfx(self) -> bytes:
        self.key_pem()
        leaf, *rest = self.chain
        return pkcs12.serialize_key_and_certificates(None, self.key, leaf, rest, NoEncryption())


def parse(value: bytes) -> Bundle:
    """Read a certificate's secret; raises BadValueError, which quotes nothing of it.

    Its content type is what somebody typed where it was imported: what is there decides.
    """
    if b"-----BEGIN" in value:
        return _parse_pem(value)
    try:
        pfx = base64.b64decode(b"".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise BadValueError("is neither PEM nor a PFX in base64") from None
    _refuse_costly(pfx)
    try:
        loaded: Any = pkcs12.load_key_and_certificates(pfx, None)
        key, leaf, more = loaded
        found = [*([leaf] if leaf else []), *more]
        # Names and keys are read here, not when the whole is loaded.
        return Bundle(key, _sorted(found, key), pfx)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadValueError("is a PFX that cannot be read, or has a password") from None


def credential(value: bytes) -> bytes:
    """PEM of a certificate and its key, to sign in with; PEM or the PFX's bytes; BadValueError."""
    bundle = parse(value if b"-----BEGIN" in value else base64.b64encode(value))
    # Signing with a larger one would take its time again and again, where it must not.
    if not isinstance(bundle.key, rsa.RSAPrivateKey) or bundle.key.key_size > _MOST_BITS:
        raise BadValueError(f"has no RSA key, or one of more than {_MOST_BITS} bits")
    return bundle.form("PEM")


def _refuse_costly(pfx: bytes) -> None:
    try:
        count = iterations(pfx)
    except ValueError:
        raise BadValueError("is a PFX that cannot be read, or has a password") from None
    if count > MOST_ITERATIONS:
        raise BadValueError(
            f"is a PFX that asks for more than {MOST_ITERATIONS} rounds of key derivation",
            hint="export it again with fewer, as openssl pkcs12 -iter 2048 does",
        )


def _parse_pem(value: bytes) -> Bundle:
    key = None
    found = []
    try:
        for block in _BLOCK.finditer(value):
            if block[1] == b"CERTIFICATE":
                found.append(x509.load_pem_x509_certificate(block[0]))
            elif block[1].endswith(b"PRIVATE KEY"):
                key = _load_key(block[0] + b"\n")
        return Bundle(key, _sorted(found, key))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _unreadable(value) from None


def _unreadable(value: bytes) -> BadValueError:
    if b"ENCRYPTED" in value:
        return BadValueError(
            "is PEM whose private key has a password", hint="store the key without one"
        )
    if b"\\n" in value:
        return BadValueError(
            "is PEM with the two characters \\n in place of line ends",
            hint="store the file itself: az keyvault secret set --file",
        )
    return BadValueError("is PEM that cannot be read")


def _load_key(pem: bytes) -> PKCS12PrivateKeyTypes:
    key: Any = load_pem_private_key(pem, None)
    loaded: PKCS12PrivateKeyTypes = key
    return loaded


def _sorted(
    found: list[x509.Certificate], key: PKCS12PrivateKeyTypes | None
) -> tuple[x509.Certificate, ...]:
    """Leaf first; what does not belong to the leaf's chain is left out."""
    if not found:
        raise BadValueError("holds no certificate")
    leaf = _leaf(found, key)
    chain = [leaf]
    rest = [one for one in found if one != leaf]
    while chain[-1].issuer != chain[-1].subject:
        issuer = next((one for one in rest if _issued(chain[-1], one)), None)
        if issuer is None:
            break
        rest.remove(issuer)
        chain.append(issuer)
    return tuple(chain)


def _leaf(found: list[x509.Certificate], key: PKCS12PrivateKeyTypes | None) -> x509.Certificate:
    if key is not None:
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for one in found:
            if _public(one) == public:
                return one
        raise BadValueError("has a private key that fits none of its certificates")
    others = [
        one for one in found if not any(_issued(child, one) for child in found if child != one)
    ]
    return (others or found)[0]


def _public(certificate: x509.Certificate) -> bytes | None:
    """Its public key, None of an algorithm that is unknown here: some others of a chain may be."""
    try:
        return certificate.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _issued(child: x509.Certificate, issuer: x509.Certificate) -> bool:
    if child.issuer != issuer.subject:
        return False
    try:
        child.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _pem(certificates: Iterable[x509.Certificate]) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)
