"""The envelope of one value: bytes to bytes, and nothing of Kubernetes.

``len(wrapped key), 2 bytes big-endian || RSA-OAEP(session key) || AES-256-GCM(value)``. OAEP and
its MGF1 use SHA-256 and the caller's label; the session key is 32 fresh random bytes a value, which
is why GCM's nonce may be 12 zero bytes; no associated data; the 16-byte tag comes last.
Source: bitnami-labs/sealed-secrets, ``pkg/crypto/crypto.go`` (HybridEncrypt, HybridDecrypt).

Refuses to say anything of a plaintext, and to return a bool: what does not open raises.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sealer.errors import KeyFileError, NoKeyError, UnsealError

_LENGTH_BYTES = 2
_TAG_BYTES = 16
_SESSION_KEY_BYTES = 32
_NONCE = bytes(12)


def encrypt(public_key: RSAPublicKey, plaintext: bytes, label: bytes) -> bytes:
    """Seal one value under a session key of its own; ``label`` must be given again to open it.

    Raises KeyFileError for a key that OpenSSL does not seal with, such as one of 512 bits.
    """
    session_key = AESGCM.generate_key(bit_length=8 * _SESSION_KEY_BYTES)
    return _encrypt_with_session_key(public_key, plaintext, label, session_key)


def _encrypt_with_session_key(
    public_key: RSAPublicKey, plaintext: bytes, label: bytes, session_key: bytes
) -> bytes:
    try:
        wrapped = public_key.encrypt(session_key, _oaep(label))
    except ValueError:
        raise KeyFileError("nothing can be sealed with this certificate's key") from None
    sealed = AESGCM(session_key).encrypt(_NONCE, plaintext, None)
    return len(wrapped).to_bytes(_LENGTH_BYTES, "big") + wrapped + sealed


def decrypt(private_key: RSAPrivateKey, ciphertext: bytes, label: bytes) -> bytes:
    """Open one value.

    Raises NoKeyError when this key or this label does not unwrap the session key (OAEP does not
    tell which), and UnsealError when it does but the value was damaged, or the envelope is cut.
    """
    wrapped, sealed = _split(ciphertext)
    if len(wrapped) != (private_key.key_size + 7) // 8:
        raise NoKeyError("sealed for a key of another size")
    try:
        session_key = private_key.decrypt(wrapped, _oaep(label))
    except ValueError:
        # OpenSSL's words are dropped on purpose: they differ by version and tell nothing.
        raise NoKeyError("not sealed for this key, or not for this namespace and name") from None
    try:
        return AESGCM(session_key).decrypt(_NONCE, sealed, None)
    except (InvalidTag, ValueError):
        raise UnsealError("the ciphertext is damaged") from None


def wrapped_key_bytes(ciphertext: bytes) -> int:
    """Return the modulus size in bytes of the key that sealed this; UnsealError if it is cut."""
    return len(_split(ciphertext)[0])


def plaintext_bytes(ciphertext: bytes) -> int:
    """Return the size of the value inside, which GCM does not hide; UnsealError if it is cut."""
    return len(_split(ciphertext)[1]) - _TAG_BYTES


def _split(ciphertext: bytes) -> tuple[bytes, bytes]:
    end = _LENGTH_BYTES + int.from_bytes(ciphertext[:_LENGTH_BYTES], "big")
    if end <= _LENGTH_BYTES or len(ciphertext) < end + _TAG_BYTES:
        raise UnsealError("the ciphertext is cut short or not a sealed value")
    return ciphertext[_LENGTH_BYTES:end], ciphertext[end:]


def _oaep(label: bytes) -> padding.OAEP:
    # pyca takes None for "no label"; b"" means the same to RFC 8017.
    sha256 = hashes.SHA256()
    return padding.OAEP(mgf=padding.MGF1(sha256), algorithm=sha256, label=label or None)
