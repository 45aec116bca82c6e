"""How Go tells of a connection that failed."""

from __future__ import annotations

import socket
import ssl
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
        if isinstance(cause, ssl.SSLError):
            return f"tls: {_tls(cause)}"
        if isinstance(cause, socket.gaierror):
            return f"dial tcp: lookup {host}: no such host"
        if isinstance(cause, TimeoutError):
            return f"dial tcp {address}: i/o timeout"
        if isinstance(cause, ConnectionResetError):
            return f"read tcp {address}: read: connection reset by peer"
        if isinstance(cause, OSError) and cause.strerror:
            return f"dial tcp {address}: connect: {cause.strerror.lower()}"
    return "EOF"


def _tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        words = str(error.verify_message or "")
        if "self" in words or "local issuer" in words:
            words = "certificate signed by unknown authority"
        elif "expired" in words:
            words = "certificate has expired or is not yet valid"
        return f"failed to verify certificate: x509: {words}"
    return "first record does not look like a TLS handshake"


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
