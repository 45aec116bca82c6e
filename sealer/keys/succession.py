"""A new sealing key, announced by the keys before it: the list at ``/v1/keys.json``.

Each older key signs which certificate is the newest. Whoever knows the fingerprint of an older
certificate can verify that without asking anybody, so a key that is renewed is not taken for a
swapped one. The signature is RSA-PSS (SHA-256, MGF1 with SHA-256, 32 bytes of salt; RFC 8017) over

    "sealer.dev/v1/key-succession" 00 || fingerprint of the signer || fingerprint of the successor

with fingerprints as 32 bytes of SHA-256 over the DER certificate. Nothing else that these keys do
has that form: they decrypt RSA-OAEP, and sign X.509 certificates by PKCS#1 v1.5.

Says nothing of freshness: an old list stays as true as it was.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Iterator, Sequence
from typing import Any

from sealer.errors import KeyFileError
from sealer.keys.certificate import MIN_SEALING_BITS, Certificate
from sealer.keys.pair import KeyPair

DOMAIN = b"sealer.dev/v1/key-succession\x00"
VERSION = 1
MAX_SIGNERS = 100
"""Older keys that announce; the newest of them, where there are more."""
_SALT_BYTES = 32


def key_list(keys: Sequence[KeyPair]) -> dict[str, Any]:
    """Return the value of ``/v1/keys.json`` for keys in order, the newest first.

    Keys without a certificate, and keys too small to be believed, are left out.
    """
    known = [(pair, pair.certificate) for pair in keys if pair.certificate is not None]
    listed: list[dict[str, Any]] = []
    for pair, certificate in known[: MAX_SIGNERS + 1]:
        newest = known[0][1]
        if certificate.bits < MIN_SEALING_BITS:
            continue
        entry: dict[str, Any] = {
            "fingerprint": certificate.fingerprint,
            "certificate": certificate.pem.decode("ascii"),
        }
        if certificate.fingerprint != newest.fingerprint:
            signature = _signed(pair, _message(certificate.fingerprint, newest.fingerprint))
            entry["successor"] = {"fingerprint": newest.fingerprint, "signature": signature}
        listed.append(entry)
    return {"version": VERSION, "keys": listed}


def announced(body: bytes, *, by: str, certificate: Certificate) -> bool:
    """Whether a key list proves that the key with the fingerprint ``by`` announced a certificate.

    ``body`` is whatever somebody answered; what cannot be understood proves nothing.
    """
    for signer, signature in _claims(body, by, certificate.fingerprint):
        if _verifies(signer, signature, _message(by, certificate.fingerprint)):
            return True
    return False


def _message(signer: str, successor: str) -> bytes:
    return DOMAIN + bytes.fromhex(signer) + bytes.fromhex(successor)


def _signed(pair: KeyPair, message: bytes) -> str:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=_SALT_BYTES)
    signature = pair.private_key.sign(message, scheme, hashes.SHA256())
    return binascii.b2a_base64(signature, newline=False).decode("ascii")


def _claims(body: bytes, by: str, successor: str) -> Iterator[tuple[Certificate, bytes]]:
    """The signatures that a list has from one key for one certificate, not yet verified."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return
    keys = value.get("keys") if isinstance(value, dict) else None
    for entry in keys if isinstance(keys, list) else []:
        try:
            claim = entry["successor"]
            if entry["fingerprint"] != by or claim["fingerprint"] != successor:
                continue
            signer = Certificate.from_pem(entry["certificate"].encode("ascii"))
            signature = binascii.a2b_base64(claim["signature"], strict_mode=True)
        except (KeyError, TypeError, AttributeError, ValueError, KeyFileError):
            continue
        # The list's word for a fingerprint is nobody's.
        if signer.fingerprint == by and signer.bits >= MIN_SEALING_BITS:
            yield signer, signature


def _verifies(signer: Certificate, signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=_SALT_BYTES)
    try:
        signer.public_key.verify(signature, message, scheme, hashes.SHA256())
    except InvalidSignature:
        return False
    return True
