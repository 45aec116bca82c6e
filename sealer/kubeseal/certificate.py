"""``--cert``: a file, ``file://`` or an http(s) URL, opened as kubeseal does."""

from __future__ import annotations

import re

from sealer.cluster.web import opened, request_of, shown
from sealer.errors import KeyFileError
from sealer.files.text import FileError
from sealer.kubeseal.gofiles import read
from sealer.kubeseal.gotext import quote

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)
_MAX_BYTES = 1024 * 1024


def read_certificate(location: str) -> bytes:
    """Return the PEM; KeyFileError or FileError with Go's words."""
    escape = _BAD_ESCAPE.search(location)
    if escape:
        # Go quotes it, even where it is a piece of a password.
        piece = "" if "@" in location[escape.start() :] else f" {quote(escape[0])}"
        problem = f"parse {quote(shown(location))}: invalid URL escape{piece}"
        raise KeyFileError(problem)
    scheme, rest = _split(location)
    if len(scheme) < 2:
        # No scheme, or a drive letter.
        return read(location)
    if scheme == "file":
        return _read_file_url(location, rest)
    if scheme not in ("http", "https"):
        problem = f"Get {quote(location)}: unsupported protocol scheme {quote(scheme)}"
        raise KeyFileError(problem)
    return _fetch(location)


def _split(location: str) -> tuple[str, str]:
    match = _SCHEME.fullmatch(location)
    if match:
        return match[1].lower(), match[2]
    head = location.partition("/")[0]
    if ":" in head:
        problem = f"parse {quote(location)}: first path segment in URL cannot contain colon"
        raise KeyFileError(problem)
    return "", location


def _read_file_url(location: str, rest: str) -> bytes:
    from urllib.parse import unquote

    path = "/" + rest.removeprefix("//").partition("/")[2]
    try:
        return read(unquote(path))
    except FileError:
        raise KeyFileError(f"cannot fetch {quote(location)}: 404 Not Found") from None


def _fetch(url: str) -> bytes:
    import urllib.error
    import urllib.request
    from http.client import HTTPException

    from sealer.kubeseal.gonet import request_error

    asked, credentials = request_of(url)
    place = shown(url)
    try:
        request = urllib.request.Request(asked)  # noqa: S310 http and https alone come here
        for name, value in credentials.items():
            # Not sent along where a redirect leads.
            request.add_unredirected_header(name, value)
        with opened(request) as answer:
            body = answer.read(_MAX_BYTES)
            status, words = answer.status, answer.reason
    except urllib.error.HTTPError as error:
        status, words = error.code, error.reason
        body = b""
        error.close()
    except (OSError, HTTPException, ValueError) as error:
        raise KeyFileError(request_error("get", place, error)) from None
    if status != 200:
        raise KeyFileError(f"cannot fetch {quote(place)}: {status} {words}")
    return body
