"""What Kubernetes takes as names, keys and labels, and as a Secret of a type: its own rules.

One place for all that must say beforehand what an API server will refuse. Sources:
``k8s.io/apimachinery`` pkg/util/validation (IsDNS1123Subdomain, IsConfigMapKey, IsQualifiedName,
IsValidLabelValue), ``k8s.io/kubernetes`` pkg/apis/core/validation (ValidateSecret).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sealer.errors import ManifestError
from sealer.fields import Path

_LABEL = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_SPACE = re.compile(_LABEL, re.ASCII)
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?", re.ASCII)
MAX_NAME, MAX_NAMESPACE, _MAX_WORD = 253, 63, 63
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}


def is_name(text: str) -> bool:
    """Whether it may be an object's name."""
    return len(text) <= MAX_NAME and _NAME.fullmatch(text) is not None


def is_namespace(text: str) -> bool:
    """Whether it may be a namespace's name."""
    return len(text) <= MAX_NAMESPACE and _SPACE.fullmatch(text) is not None


def is_secret_key(key: str) -> bool:
    """Whether it may be a key of a Secret's data."""
    return bool(_KEY.fullmatch(key)) and key not in (".", "..") and not key.startswith("..")


def is_qualified(text: str) -> bool:
    """Whether it may be the key of a label or an annotation."""
    prefix, slash, word = text.rpartition("/")
    return (not slash or is_name(prefix)) and _is_word(word)


def is_label_value(text: str) -> bool:
    """Whether it may be the value of a label."""
    return not text or _is_word(text)


def missing_keys(kind: str, keys: Collection[str]) -> tuple[str, ...]:
    """What a Secret of this type lacks that the API server asks for, in words."""
    if kind == "kubernetes.io/basic-auth":
        return () if {"username", "password"} & set(keys) else ("username or password",)
    return tuple(key for key in _NEEDED.get(kind, ()) if key not in keys)


def refused_metadata(metadata: Any, path: Path) -> Iterator[ManifestError]:
    """Yield labels and annotations that no object may have; what is no text is told elsewhere."""
    fields = metadata if isinstance(metadata, Mapping) else {}
    for place in ("labels", "annotations"):
        entries = fields.get(place)
        for key, value in entries.items() if isinstance(entries, Mapping) else ():
            at = (*path, place, key)
            if not is_qualified(str(key)):
                yield ManifestError("is no key that Kubernetes takes here", path=at)
            elif place == "labels" and isinstance(value, str) and not is_label_value(value):
                hint = "letters, digits, '-', '_' and '.', 63 at most; or make it an annotation"
                yield ManifestError("is no label's value", path=at, hint=hint)


def _is_word(text: str) -> bool:
    return len(text) <= _MAX_WORD and _WORD.fullmatch(text) is not None
