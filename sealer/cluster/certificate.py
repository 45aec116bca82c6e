"""A certificate from where people keep it: a file, ``file://``, or an http(s) URL."""

from __future__ import annotations

from sealer.cluster.web import MAX_BYTES, fetch, is_url, shown
from sealer.errors import KeyFileError
from sealer.files.text import Encoding, read_bytes
from sealer.keys.certificate import Certificate
from sealer.keys.pem import private_key_blocks


def read_certificate(location: str, *, alone: bool = False) -> Certificate:
    """Read the first certificate of a PEM file or URL; ``alone`` refuses private keys beside it.

    URLs honour the proxy environment and certificates are verified. Raises FileError,
    DownloadError, or KeyFileError naming the location.
    """
    path = location.removeprefix("file://")
    pem = fetch(location) if is_url(location) else read_bytes(path, limit=MAX_BYTES)
    try:
        text = _as_ascii(pem)
        if alone and private_key_blocks(text):
            raise KeyFileError(
                "there is a private key in it",
                hint="keep it away from here: the certificate alone is needed",
            )
        return Certificate.from_pem(text)
    except KeyFileError as error:
        raise KeyFileError(f"{shown(location)}: {error.message}", hint=error.hint) from None


def _as_ascii(pem: bytes) -> bytes:
    """PowerShell's ``>`` writes UTF-16."""
    encoding = Encoding.of(pem[:4])
    if encoding.name == "utf-8":
        return pem
    return pem[len(encoding.bom) :].decode(encoding.name, "replace").encode("ascii", "replace")
