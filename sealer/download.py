"""A certificate from where people keep it: a file, ``file://``, or an http(s) URL."""

from __future__ import annotations

from sealer.errors import KeyFileError, SealerError
from sealer.files.text import Encoding, read_bytes
from sealer.keys.certificate import Certificate
from sealer.weburl import is_url, request_of, shown

_TIMEOUT_SECONDS = 15
_MAX_BYTES = 1024 * 1024


class DownloadError(SealerError):
    """A URL that does not answer with what was asked for."""


def read_certificate(location: str) -> Certificate:
    """Read the first certificate of a PEM file or URL.

    URLs honour the proxy environment and certificates are verified. Raises FileError,
    DownloadError, or KeyFileError naming the location.
    """
    path = location.removeprefix("file://")
    pem = fetch(location) if is_url(location) else read_bytes(path, limit=_MAX_BYTES)
    try:
        return Certificate.from_pem(_as_ascii(pem))
    except KeyFileError as error:
        raise KeyFileError(f"{shown(location)}: {error.message}", hint=error.hint) from None


def _as_ascii(pem: bytes) -> bytes:
    """PowerShell's ``>`` writes UTF-16."""
    encoding = Encoding.of(pem[:4])
    if encoding.name == "utf-8":
        return pem
    return pem[len(encoding.bom) :].decode(encoding.name, "replace").encode("ascii", "replace")


def fetch(url: str) -> bytes:
    """Return the body of a GET; DownloadError for any status but 200."""
    # urllib costs 30 ms to import, and most runs read a file.
    import urllib.error
    import urllib.request
    from http.client import HTTPException

    place = shown(url)
    try:
        asked, credentials = request_of(url)
        request = urllib.request.Request(asked, headers={"User-Agent": "sealer"})  # noqa: S310 is_url
        for name, value in credentials.items():
            # Not sent along where a redirect leads.
            request.add_unredirected_header(name, value)
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            body: bytes = answer.read(_MAX_BYTES + 1)
            status, reason = answer.status, answer.reason
    except urllib.error.HTTPError as error:
        error.close()
        raise DownloadError(f'cannot fetch "{place}": {error.code} {error.reason}') from None
    except (OSError, HTTPException, ValueError) as error:
        # Other texts than the system's may quote the URL.
        known = getattr(error, "reason", error) if isinstance(error, OSError) else None
        reason = getattr(known, "strerror", None) or known or type(error).__name__
        raise DownloadError(
            f'cannot fetch "{place}": {reason}', hint="check the URL, the network and the proxy"
        ) from None
    if status != 200:
        raise DownloadError(f'cannot fetch "{place}": {status} {reason}')
    if len(body) > _MAX_BYTES:
        raise DownloadError(f'cannot fetch "{place}": it answers more than a certificate')
    return body
