"""Connections that fail, in Go's words."""

from __future__ import annotations

import errno
import os
import socket
import ssl

import pytest

from sealer.kubeseal.gonet import request_error


def wrapped(inner: Exception, *, by_reason: bool) -> Exception:
    """An error as urllib3 (cause) or urllib (reason) hands it out."""
    outer = RuntimeError("outer")
    if by_reason:
        outer.reason = inner  # type: ignore[attr-defined]
    else:
        outer.__cause__ = inner
    return outer


def verification(words: str) -> ssl.SSLCertVerificationError:
    """A certificate that is not trusted."""
    error = ssl.SSLCertVerificationError(1, words)
    error.verify_message = words
    return error


@pytest.mark.parametrize("by_reason", [False, True])
@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(
            ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED)),
            "dial tcp h:1: connect: connection refused",
            id="refused",
        ),
        pytest.param(
            OSError(errno.ENETUNREACH, "Network is unreachable"),
            "dial tcp h:1: connect: network is unreachable",
            id="unreachable",
        ),
        pytest.param(
            socket.gaierror(-2, "Name or service not known"),
            "dial tcp h:1: connect: name or service not known",
            id="no host",
        ),
        pytest.param(TimeoutError("timed out"), "dial tcp h:1: i/o timeout", id="time-out"),
        pytest.param(
            ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
            "dial tcp h:1: connect: connection reset by peer",
            id="reset",
        ),
        pytest.param(
            verification("self-signed certificate in certificate chain"),
            "tls: failed to verify certificate: self-signed certificate in certificate chain",
            id="unknown authority",
        ),
        pytest.param(
            verification("certificate has expired"),
            "tls: failed to verify certificate: certificate has expired",
            id="expired",
        ),
        pytest.param(
            verification("Hostname mismatch"),
            "tls: failed to verify certificate: hostname mismatch",
            id="another reason",
        ),
        pytest.param(
            ssl.SSLError(1, "wrong version"),
            "dial tcp h:1: connect: wrong version",
            id="not TLS",
        ),
        pytest.param(ValueError("x"), "EOF", id="anything else"),
    ],
)
def test_the_reason_is_found_inside(error: Exception, words: str, *, by_reason: bool) -> None:
    found = request_error("get", "http://h:1/x", wrapped(error, by_reason=by_reason))
    assert found == f'Get "http://h:1/x": {words}'


def test_the_port_may_be_the_schemes() -> None:
    error = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    assert "dial tcp [::1]:443: connect" in request_error("post", "https://[::1]/x", error)
