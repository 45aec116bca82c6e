"""A certificate from where people keep it: a file, ``file://``, or an http(s) URL."""

from __future__ import annotations

from sealer.errors import KeyFileError, SealerError
from sealer.files import read_bytes
from sealer.keys import Certificate

_TIMEOUT_SECONDS = 15
_MAX_BYTES = 1024 * 1024


class DownloadError(SealerError):
    """A URL that does not answer with what was asked for."""


def is_url(location: str) -> bool:
    """Whether this names an http or https URL and not a file."""
    return location.lower().startswith(("http://", "https://"))


def read_certificate(location: str) -> Certificate:
    """Read the first certificate of a PEM file or URL.

    URLs honour the proxy environment and certificates are verified. Raises FileError,
    DownloadError, or KeyFileError naming the location.
    """
    path = location.removeprefix("file://")
    pem = fetch(location) if is_url(location) else read_bytes(path)
    try:
        return Certificate.from_pem(pem)
    except KeyFileError as error:
        raise KeyFileError(f"{location}: {error.message}", hint=error.hint) from None


def fetch(url: str) -> bytes:
    """Return the body of a GET; DownloadError for any status but 200."""
    # urllib costs 30 ms to import, and most runs read a file.
    import urllib.error
    import urllib.request
    from http.client import HTTPException

    try:
        request = urllib.request.Request(url, headers={"User-Agent": "sealer"})  # noqa: S310 is_url
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            body: bytes = answer.read(_MAX_BYTES + 1)
            status, reason = answer.status, answer.reason
    except urllib.error.HTTPError as error:
        raise DownloadError(f'cannot fetch "{url}": {error.code} {error.reason}') from None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise DownloadError(
            f'cannot fetch "{url}": {reason}', hint="check the URL, the network and the proxy"
        ) from None
    if status != 200:
        raise DownloadError(f'cannot fetch "{url}": {status} {reason}')
    if len(body) > _MAX_BYTES:
        raise DownloadError(f'cannot fetch "{url}": it answers more than a certificate')
    return body
