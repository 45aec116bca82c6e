"""sprig's functions on passwords: bcrypt, derived passwords, AES."""

from __future__ import annotations

import hmac
import struct
from typing import Final

from sealer.template.functions.encoding import CorruptError, decode_base64
from sealer.template.registry import CallError, Environment, Group

GROUP = Group()

_SALT_ALPHABET: Final = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_STANDARD_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BCRYPT_COST: Final = 10
_LONGEST_PASSWORD: Final = 72

# They take 50 ms and 120 ms, which is far more: it is the limit of seconds that holds here, at
# which a rendering looks at every few hundred steps.
BCRYPT_STEPS: Final = 1_000
SCRYPT_STEPS: Final = 1_000


@GROUP.function(
    "bcrypt",
    "func(string) string",
    takes_environment=True,
    deterministic=False,
    cost=BCRYPT_STEPS,
)
def hashed(environment: Environment, password: bytes) -> bytes:
    if len(password) > _LONGEST_PASSWORD:
        # What Go's bcrypt says, as the output: sprig has no other place for it.
        return b"failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes"
    import base64

    import bcrypt

    table = bytes.maketrans(_STANDARD_ALPHABET, _SALT_ALPHABET)
    salt = base64.b64encode(environment.random(16)).rstrip(b"=").translate(table)
    return bcrypt.hashpw(password, b"$2a$%02d$%s" % (_BCRYPT_COST, salt))


@GROUP.function(
    "htpasswd",
    "func(string, string) string",
    takes_environment=True,
    deterministic=False,
    cost=BCRYPT_STEPS,
)
def htpasswd(environment: Environment, user: bytes, password: bytes) -> bytes:
    if b":" in user:
        return b"invalid username: " + user
    return user + b":" + hashed(environment, password)


# The character classes and templates of the Master Password algorithm, version 3 (Spectre).
_CLASSES: Final = {
    "V": "AEIOU",
    "C": "BCDFGHJKLMNPQRSTVWXYZ",
    "v": "aeiou",
    "c": "bcdfghjklmnpqrstvwxyz",
    "A": "AEIOUBCDFGHJKLMNPQRSTVWXYZ",
    "a": "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
    "n": "0123456789",
    "o": "@&%?,=[]_:-+*$#!'^~;()/.",
    "x": "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
}
_TEMPLATES: Final = {
    b"maximum": "anoxxxxxxxxxxxxxxxxx axxxxxxxxxxxxxxxxxno",
    b"long": "CvcvnoCvcvCvcv CvcvCvcvnoCvcv CvcvCvcvCvcvno CvccnoCvcvCvcv CvccCvcvnoCvcv "
    "CvccCvcvCvcvno CvcvnoCvccCvcv CvcvCvccnoCvcv CvcvCvccCvcvno CvcvnoCvcvCvcc CvcvCvcvnoCvcc "
    "CvcvCvcvCvccno CvccnoCvccCvcv CvccCvccnoCvcv CvccCvccCvcvno CvcvnoCvccCvcc CvcvCvccnoCvcc "
    "CvcvCvccCvccno CvccnoCvcvCvcc CvccCvcvnoCvcc CvccCvcvCvccno",
    b"medium": "CvcnoCvc CvcCvcno",
    b"short": "Cvcn",
    b"basic": "aaanaaan aannaaan aaannaaa",
    b"pin": "nnnn",
}
_SCOPE: Final = b"com.lyndir.masterpassword"


@GROUP.function(
    "derivePassword", "func(uint32, string, string, string, string) string", cost=SCRYPT_STEPS
)
def derive_password(counter: int, form: bytes, password: bytes, user: bytes, site: bytes) -> bytes:
    if form not in _TEMPLATES:
        return b"cannot find password template " + form
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    salt = _SCOPE + struct.pack(">I", len(user)) + user
    key = Scrypt(salt=salt, length=64, n=32768, r=8, p=2).derive(password)
    message = _SCOPE + struct.pack(">I", len(site)) + site + struct.pack(">I", counter)
    seed = hmac.digest(key, message, "sha256")
    templates = _TEMPLATES[form].split()
    template = templates[seed[0] % len(templates)]
    chars = (_CLASSES[each] for each in template)
    return "".join(c[byte % len(c)] for c, byte in zip(chars, seed[1:], strict=False)).encode()


@GROUP.function(
    "encryptAES",
    "func(string, string) (string, error)",
    takes_environment=True,
    deterministic=False,
    cost=20,
)
def encrypt_aes(environment: Environment, password: bytes, text: bytes) -> bytes:
    if not text:
        return b""
    import base64

    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    environment.allocate(3 * len(text))
    size = 16 - len(text) % 16
    vector = environment.random(16)
    cipher = Cipher(algorithms.AES256(_aes_key(password)), modes.CBC(vector)).encryptor()
    sealed = cipher.update(text + bytes([size]) * size) + cipher.finalize()
    return base64.b64encode(vector + sealed)


@GROUP.function(
    "decryptAES",
    "func(string, string) (string, error)",
    takes_environment=True,
    cost=20,
)
def decrypt_aes(environment: Environment, password: bytes, text: bytes) -> bytes:
    if not text:
        return b""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    environment.spend(len(text) // 16)
    try:
        data = decode_base64(text)
    except CorruptError:
        raise CallError("the text is not base64") from None
    if len(data) < 32 or len(data) % 16:
        raise CallError("the text is not whole blocks of AES")
    cipher = Cipher(algorithms.AES256(_aes_key(password)), modes.CBC(data[:16])).decryptor()
    opened = cipher.update(data[16:]) + cipher.finalize()
    # As sprig does, without a look at the padding but for its length.
    if opened[-1] > len(opened):
        raise CallError("slice bounds out of range")
    return opened[: len(opened) - opened[-1]]


def _aes_key(password: bytes) -> bytes:
    """Cut or fill the password to 32 bytes: sprig derives no key."""
    return password[:32].ljust(32, b"\0")
