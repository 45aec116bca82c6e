"""PEM texts: the blocks in one, and the RSA private key of a block.

One pass over the text, whatever it holds; refuses what is encrypted, damaged or not RSA, with no
word of what it read.
"""

from __future__ import annotations

import re
from bisect import bisect

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa

from sealer.errors import KeyFileError

_PEM_LINE = re.compile(rb"-----(BEGIN|END) ([A-Z0-9 ]+)(?=-----)")


def private_key_blocks(pem: bytes) -> list[bytes]:
    """Return the PEM text of each private key in it, in order."""
    return [block for kind, block in pem_blocks(pem) if kind.endswith(b"PRIVATE KEY")]


def pem_blocks(pem: bytes) -> list[tuple[bytes, bytes]]:
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


def load_private_key(pem: bytes) -> rsa.RSAPrivateKey:
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
