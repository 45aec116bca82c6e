"""A connection that failed, told as kubeseal tells it: ``Get "http://h:1/": dial tcp h:1: ...``.

The reason is what the system says: Go has other words for some, and no script can want them.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from sealer.kubeseal.gotext import quote

_PORTS = {"http": 80, "https": 443}


def request_error(verb: str, url: str, error: BaseException) -> str:
    """``Get "http://h:1/": dial tcp h:1: connect: connection refused`` (url.Error)."""
    return f"{verb.capitalize()} {quote(url)}: {_reason(url, error)}"


def _reason(url: str, error: BaseException) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return "invalid port after host"
    address = f"{f'[{host}]' if ':' in host else host}:{port}"
    for cause in _causes(error):
        if isinstance(cause, TimeoutError):
            return f"dial tcp {address}: i/o timeout"
        # An SSLCertVerificationError says why in words of its own, without the place in C.
        if words := getattr(cause, "verify_message", None):
            return f"tls: failed to verify certificate: {words[:1].lower()}{words[1:]}"
        words = getattr(cause, "strerror", None)
        if isinstance(cause, OSError) and words:
            return f"dial tcp {address}: connect: {words[:1].lower()}{words[1:]}"
    return "EOF"


def _causes(error: BaseException | None) -> list[BaseException]:
    """The error and what it wraps; urllib keeps it in ``reason``, urllib3 in ``__cause__``."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        reason = getattr(error, "reason", None)
        error = (
            reason if isinstance(reason, BaseException) else error.__cause__ or error.__context__
        )
    return found[::-1]
