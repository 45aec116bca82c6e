"""What findings print of names: a name only where it is one, for anything can be put in its place.

A build's names may be made of any text that kustomize read; a text that no cluster would take for
a name says nothing to the reader, and is not printed.
"""

from __future__ import annotations

import re

from sealer.manifest.names import MAX_NAME, is_name

_NO_NAME = "a name that Kubernetes does not take"
_NO_KEY = "a key that Kubernetes does not take"
_NO_VARIABLE = "a variable that Flux does not take"
_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]{0,62}\}")
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]{0,62}")
_KEY = re.compile(r"[-._A-Za-z0-9]{1,253}")


def name(text: str) -> str:
    """A name or namespace (RFC 1123 subdomain), Flux' variables in it for what they will be."""
    if not text:
        return text
    filled = _VARIABLE.sub("x", text)
    return text if len(text) <= MAX_NAME and is_name(filled) else _NO_NAME


def kind(text: str) -> str:
    """A kind."""
    return text if _KIND.fullmatch(text) else "object"


def key(text: object) -> str:
    """A key of a Secret, or a field's."""
    return str(text) if _KEY.fullmatch(str(text)) else _NO_KEY


def qualified_key(text: str) -> str:
    """A key of labels and annotations, which may have a prefix."""
    prefix, slash, last = text.rpartition("/")
    if slash and name(prefix) != prefix:
        return _NO_KEY
    return text if key(last) == last else _NO_KEY


def variable(text: str) -> str:
    """The name of one of Flux' variables."""
    return text if _VARIABLE.fullmatch("${" + text + "}") else _NO_VARIABLE
