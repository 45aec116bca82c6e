"""PURE: who made a backup: SSH signatures, which ``ssh-keygen -Y`` makes and checks, too.

A backup is encrypted for somebody, which says nothing of who wrote it: whoever may write where it
is kept could put keys of his own in its place. Ed25519 and RSA keys, signatures over SHA-512.
Source: openssh/openssh-portable ``PROTOCOL.sshsig``; RFC 8332 for RSA, RFC 8709 for Ed25519.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from sealer.errors import KeyFileError

NAMESPACE = "seal-backup"
"""For ``ssh-keygen -Y sign -n``: a signature of mail or of a commit is none of a backup."""
SUFFIX = ".sig"
_MAGIC, _VERSION, _HASH = b"SSHSIG", 1, b"sha512"
_RSA = b"rsa-sha2-512"
_HEAD, _TAIL = b"-----BEGIN SSH SIGNATURE-----", b"-----END SSH SIGNATURE-----"
_MAX_BYTES = 64 * 1024
_BY_HAND = f"ssh-keygen -Y sign -n {NAMESPACE} -f KEY FILE signs with any key"
PrivateKey = Ed25519PrivateKey | RSAPrivateKey
PublicKey = Ed25519PublicKey | RSAPublicKey


def read_signer(text: bytes) -> PrivateKey:
    """Read a private key as OpenSSH or PEM has it, without a passphrase; KeyFileError."""
    load = (
        serialization.load_ssh_private_key
        if b"OPENSSH PRIVATE KEY" in text
        else serialization.load_pem_private_key
    )
    try:
        key = load(text, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyFileError(
            "this is not a private key that can sign, or it has a passphrase", hint=_BY_HAND
        ) from None
    if not isinstance(key, Ed25519PrivateKey | RSAPrivateKey):
        raise KeyFileError("only Ed25519 and RSA keys sign backups", hint=_BY_HAND)
    return key


def sign(data: bytes, key: PrivateKey) -> bytes:
    """Return the signature of these bytes, as a file holds it."""
    message = _signed(data)
    if isinstance(key, Ed25519PrivateKey):
        algorithm, signature = b"ssh-ed25519", key.sign(message)
    else:
        algorithm, signature = _RSA, key.sign(message, padding.PKCS1v15(), hashes.SHA512())
    blob = b"".join(
        (
            _MAGIC,
            struct.pack(">I", _VERSION),
            _string(_blob(key.public_key())),
            _string(NAMESPACE.encode()),
            _string(b""),
            _string(_HASH),
            _string(_string(algorithm) + _string(signature)),
        )
    )
    text = base64.b64encode(blob)
    lines = [text[at : at + 70] for at in range(0, len(text), 70)]
    return b"\n".join((_HEAD, *lines, _TAIL, b""))


def read_public_keys(text: str) -> list[PublicKey]:
    """Read lines as ``.pub`` files and ``authorized_keys`` have them; KeyFileError without one."""
    keys = []
    for line in text.splitlines():
        found = re.search(r"\b(?:ssh-ed25519|ssh-rsa) [A-Za-z0-9+/=]+", line)
        if found is None or line.lstrip().startswith("#"):
            continue
        try:
            key = serialization.load_ssh_public_key(found[0].encode())
        except (ValueError, UnsupportedAlgorithm):
            continue
        if isinstance(key, Ed25519PublicKey | RSAPublicKey):
            keys.append(key)
    if not keys:
        raise KeyFileError("there is no ssh-ed25519 or ssh-rsa public key in it")
    return keys


def verify(data: bytes, signature: bytes, signers: Iterable[PublicKey]) -> PublicKey:
    """Return the one of ``signers`` that made this signature of these bytes; KeyFileError."""
    blob, algorithm, made = _read(signature)
    signer = next((one for one in signers if _blob(one) == blob), None)
    if signer is None:
        raise KeyFileError(f"the backup is signed by another key: {_fingerprint(blob)}")
    try:
        if isinstance(signer, Ed25519PublicKey):
            if algorithm != b"ssh-ed25519":
                raise InvalidSignature
            signer.verify(made, _signed(data))
        else:
            if algorithm != _RSA:
                raise InvalidSignature
            signer.verify(made, _signed(data), padding.PKCS1v15(), hashes.SHA512())
    except InvalidSignature:
        raise KeyFileError("the signature is not one of this backup") from None
    return signer


def fingerprint(key: PublicKey) -> str:
    """The key's fingerprint as ssh-keygen prints it."""
    return _fingerprint(_blob(key))


def _fingerprint(blob: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _read(text: bytes) -> tuple[bytes, bytes, bytes]:
    """The public key, the algorithm and the signature; KeyFileError where it is none of ours."""
    head, body = text.strip()[: len(_HEAD)], text.strip()[len(_HEAD) : -len(_TAIL)]
    if head != _HEAD or not text.strip().endswith(_TAIL) or len(text) > _MAX_BYTES:
        raise KeyFileError("this is not an SSH signature")
    try:
        blob = base64.b64decode(b"".join(body.split()), validate=True)
        if blob[:10] != _MAGIC + struct.pack(">I", _VERSION):
            raise ValueError
        public, namespace, _, digest, signature = _strings(blob[10:], 5)
        algorithm, made = _strings(signature, 2)
    except (ValueError, binascii.Error, struct.error):
        raise KeyFileError("the signature is damaged") from None
    if namespace != NAMESPACE.encode() or digest != _HASH:
        raise KeyFileError(
            "the signature is not made for a backup", hint=f"ssh-keygen -Y sign -n {NAMESPACE}"
        )
    return public, algorithm, made


def _signed(data: bytes) -> bytes:
    """The bytes that are signed in truth."""
    digest = _string(hashlib.sha512(data).digest())
    return _MAGIC + _string(NAMESPACE.encode()) + _string(b"") + _string(_HASH) + digest


def _blob(key: PublicKey) -> bytes:
    text = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return base64.b64decode(text.split()[1])


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _strings(data: bytes, count: int) -> list[bytes]:
    """Read so many strings, and nothing behind them; ValueError, struct.error."""
    found = []
    for _ in range(count):
        (size,) = struct.unpack_from(">I", data)
        if len(data) < 4 + size:
            raise ValueError
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    if data:
        raise ValueError
    return found
