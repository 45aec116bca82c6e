"""Credentials in the midst of a line: options, queries, headers, JSON, files of logins.

Each pattern names a place where nothing but a credential stands; what stands there is judged by its
form, so that placeholders and names are none. Whoever opens a merge request writes what these look
at: they stay linear in the length of a text.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from sealer.check.credentials.forms import Form, form_of
from sealer.values.placeholders import is_placeholder

_VALUE = r"(?P<value>[^\s\"'&;,<>{}()$\[\]|\\]{6,200})"
# Of these only what a generator makes: a word is the name of a Secret, or of its key.
_MADE = re.compile(
    r"(?i)(?<![\w.-])(?:--?)?[\w.-]{0,40}(?:api_?key|secret_?key|client_?secret|access_?token)[\"']?"
    rf"\s{{0,4}}[=:]\s{{0,4}}[\"']?{_VALUE}(?=[\s\"'&;,<>}})|]|$)"
)
_PLACES = (
    # --password x
    re.compile(rf"(?i)(?<![\w.-])--?[\w-]{{0,40}}(?:password|passphrase) {_VALUE}(?=[\s\"']|$)"),
    # --password=x, password="x" (JAAS, libpq, XML), "password": "x" (JSON).
    re.compile(
        r"(?i)(?<![\w.-])(?:--?)?[\w.-]{0,40}(?:password|passwd|passphrase)[\"']?\s{0,4}[=:]"
        rf"\s{{0,4}}[\"']?{_VALUE}(?=[\s\"'&;,<>}})|]|$)"
    ),
    # RFC 6750, RFC 3986: what a URL's query hands over. Azure's sig is the SAS itself.
    re.compile(rf"(?i)[?&](?:access_token|api_?key|client_secret|password|sig|token)={_VALUE}"),
    re.compile(rf"(?i)\bauthorization[\"']?\s{{0,4}}[:=]\s{{0,4}}[\"']?(?:bearer|basic|token)\s+{_VALUE}"),
    # npm's .npmrc.
    re.compile(rf":_(?:authToken|auth|password)={_VALUE}"),
)  # fmt: skip
# curl's and inetutils' .netrc: on one line or on three.
_NETRC = re.compile(
    r"\bmachine\s{1,9}\S{1,253}\s{1,9}login\s{1,9}\S{1,253}\s{1,9}password\s{1,9}(?P<value>\S{1,253})"
)
# Docker's config.json: user and password in base64.
_DOCKER = re.compile(r"\"auth\"\s{0,9}:\s{0,9}\"(?P<value>[A-Za-z0-9+/]{8,4000}={0,2})\"")
_GENERATED = frozenset({Form.CHANCE, Form.OTHER, Form.DIGITS})


def holds_credential(text: str) -> bool:
    """Whether a credential stands in the midst of the text."""
    made = (found["value"] for found in _MADE.finditer(text))
    if any(form_of(one) is Form.CHANCE and not is_placeholder(one) for one in made):
        return True
    return any(map(_is_one, _values(text))) or any(
        b":" in _decoded(found["value"]) for found in _DOCKER.finditer(text)
    )


def _values(text: str) -> Iterator[str]:
    for pattern in (*_PLACES, _NETRC):
        for found in pattern.finditer(text):
            yield found["value"]


def _is_one(value: str) -> bool:
    return form_of(value) in _GENERATED and not is_placeholder(value)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
