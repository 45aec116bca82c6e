"""Private keys and certificates from PEM and back, in the forms that sprig writes."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final, TypeAlias

from sealer.template.registry import CallError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    PrivateKey: TypeAlias = PrivateKeyTypes

_BLOCK: Final = re.compile(
    rb"^-----BEGIN ([^\n-]+)-----[ \t\r]*\n(.*?)\n?-----END \1-----", re.DOTALL | re.MULTILINE
)


def _decoded(text: bytes) -> tuple[bytes, bytes]:
    """Return type and bytes of the first PEM block."""
    for match in _BLOCK.finditer(text):
        body = match[2]
        if b":" in body:
            head, _, body = body.partition(b"\n\n")
            if not re.fullmatch(rb"(?:[^\n:]+:[^\n]*\n?)*", head):
                continue
        try:
            return match[1], base64.b64decode(b"".join(body.split()), validate=True)
        except ValueError:
            continue
    raise CallError("no PEM data in input")


def certificate(text: bytes) -> x509.Certificate:
    """Read the first block as a certificate, whatever its type says."""
    from cryptography import x509

    _, der = _decoded(text)
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        raise CallError("error parsing certificate") from None


_KINDS: Final = frozenset({b"PRIVATE KEY", b"RSA PRIVATE KEY", b"EC PRIVATE KEY"})


def parsed_private_key(text: bytes) -> PrivateKey:
    """Read a PKCS#8, PKCS#1, SEC 1 or DSA key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    kind, der = _decoded(text)
    if kind != b"PRIVATE KEY" and not kind.endswith(b" PRIVATE KEY"):
        raise CallError("no private key data in PEM block")
    if kind == b"DSA PRIVATE KEY":
        block = b"-----BEGIN %s-----\n%s-----END %s-----\n" % (kind, base64.encodebytes(der), kind)
    elif kind not in _KINDS:
        raise CallError("invalid private key type")
    try:
        if kind == b"DSA PRIVATE KEY":
            return serialization.load_pem_private_key(block, None)
        return serialization.load_der_private_key(der, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CallError("error parsing private key") from None


def private_key(key: PrivateKey) -> bytes:
    """Write a key as sprig does: RSA as PKCS#1, EC as SEC 1, others as PKCS#8."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    modern = isinstance(key, ed25519.Ed25519PrivateKey)
    form = serialization.PrivateFormat
    return key.private_bytes(
        serialization.Encoding.PEM,
        form.PKCS8 if modern else form.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
