"""What a manifest says without its values: scope, keys, sizes, digests. Safe to show and to cache.

A ciphertext's digest tells that it changed. A digest of clear text (templates, annotations, raw
Secrets) would confirm a guess, so it is keyed with the caller's salt, and left out without one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sealer.changes.edit import item_bytes
from sealer.encoding import printable
from sealer.errors import SealerError
from sealer.manifest import Document, Resource, read_documents, to_yaml
from sealer.scope import SCOPE_ANNOTATIONS
from sealer.sealed import FINGERPRINT_ANNOTATION, KIND, SealedSecret
from sealer.secret import Secret

_DIGEST_DIGITS = 12
# Of what cannot be read as a manifest: may it be a Secret all the same? A tag, an anchor, quotes
# or a line end may stand between the key and its value.
_SECRET = re.compile(
    r"kind[\"']?\s*:\s*(?:[&!]\S*\s+)*[\"']?(?:Sealed)?Secret(?:List)?\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Item:
    """One key: the size of its value, and what changes when the ciphertext does."""

    size: int | None
    digest: str

    def __str__(self) -> str:
        size = "damaged" if self.size is None else f"{self.size} bytes"
        return f"{size}, ciphertext {self.digest}"


@dataclass(frozen=True, slots=True)
class Summary:
    """One SealedSecret without its values; compares equal where nothing changed."""

    namespace: str
    name: str
    scope: str
    certificate: str
    items: dict[str, Item]
    facts: dict[str, str] = field(default_factory=dict)
    """Type, labels, template keys and so on, by what they are; no value of the Secret."""

    @property
    def title(self) -> str:
        """``prod/db``."""
        return "/".join(filter(None, (self.namespace, self.name))) or "without a name"


def summarize(sealed: SealedSecret, salt: bytes = b"") -> Summary:
    """Describe a SealedSecret; ``salt`` keys the digests of what stands in clear."""
    items = {
        key: Item(item_bytes(item), _digest(item)) for key, item in sealed.encrypted_data.items()
    }
    if sealed.legacy_data:
        items["(spec.data)"] = Item(item_bytes(sealed.legacy_data), _digest(sealed.legacy_data))
    facts: dict[str, str] = {}
    template = sealed.template
    if template.type:
        facts["type"] = template.type
    if template.immutable is not None:
        facts["immutable"] = str(template.immutable).lower()
    for word, metadata in (("", sealed.metadata), ("template ", template.metadata)):
        for key, text in (metadata.get("labels") or {}).items():
            facts[f"{word}label {key}"] = str(text)
        for key, text in (metadata.get("annotations") or {}).items():
            if key not in (*SCOPE_ANNOTATIONS, FINGERPRINT_ANNOTATION):
                facts[f"{word}annotation {key}"] = _clear(str(text), salt)
    for key, text in template.data.items():
        facts[f"template.data {key}"] = "null" if text is None else _clear(text, salt)
    return Summary(
        sealed.namespace, sealed.name, sealed.scope.value, sealed.fingerprint, items, facts
    )


def textconv(text: str, source: str, salt: bytes = b"") -> str:
    """A file as `git diff` may show it: Secrets of both kinds without a value, all else as is."""
    return "".join(_lines(document, salt) for document in read_documents(text, source))


def unread(data: bytes, salt: bytes = b"") -> bytes:
    """What is no text, as `git diff` may show it: itself, or its size with a Secret in it."""
    # UTF-16 without its mark has a zero beside every letter.
    if not _SECRET.search(data.replace(b"\0", b"").decode("latin-1")):
        return data
    return f"unreadable: {_clear(data, salt)}\n".encode()


def _lines(document: Document, salt: bytes) -> str:
    # What cannot hold a Secret is nobody's secret, whether it can be read or not.
    if "secret" not in document.text.lower():
        return document.text
    try:
        resources = list(document.resources()) if not document.is_empty else []
    except SealerError:
        # Workflows, charts and the like are other people's: a reviewer must see every change.
        if not _SECRET.search(document.text):
            return document.text
        return f"---\nunreadable: {_clear(document.text, salt)}\n"
    if not any(one.kind == KIND or _is_secret(one) for one in resources):
        return document.text
    return "".join(f"---\n{_resource(one, salt)}" for one in resources)


def _is_secret(resource: Resource) -> bool:
    """Whether it is a core Secret, or was meant to be one; other groups have kinds of that name."""
    return resource.kind.lower() == "secret" and "/" not in resource.api_version


def _resource(resource: Resource, salt: bytes) -> str:
    try:
        if resource.kind == KIND:
            return _text(_summary(summarize(SealedSecret.from_dict(resource.value), salt)))
        if _is_secret(resource):
            return _text(_raw(Secret.from_dict(resource.value), salt))
    except SealerError:
        return _text([f"{resource.title}: unreadable: {_clear(to_yaml(resource.value), salt)}"])
    return to_yaml(resource.value)


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{printable(line)}\n" for line in lines)


def _summary(one: Summary) -> Iterator[str]:
    yield f"SealedSecret {one.title}"
    yield f"  scope: {one.scope}"
    if one.certificate:
        yield f"  sealed with: {one.certificate}"
    yield from (f"  {what}: {text}" for what, text in one.facts.items())
    yield from (f"  key {key}: {item}" for key, item in one.items.items())


def _raw(secret: Secret, salt: bytes) -> Iterator[str]:
    place = "/".join(filter(None, (secret.namespace, secret.name)))
    yield f"Secret {place} NOT SEALED"
    for key, value in secret.data.items():
        yield f"  key {key}: {_clear(value, salt)}"


def _clear(value: str | bytes, salt: bytes) -> str:
    data = value.encode() if isinstance(value, str) else value
    if not salt:
        return f"{len(data)} bytes"
    digest = hmac.new(salt, data, hashlib.sha256).hexdigest()[:_DIGEST_DIGITS]
    return f"{len(data)} bytes, digest {digest}"


def _digest(item: str) -> str:
    compact = "".join(item.split())
    return hashlib.sha256(compact.encode()).hexdigest()[:_DIGEST_DIGITS]


def sealed_in(text: str, source: str) -> list[Any]:
    """The SealedSecrets of a file, and the names of raw Secrets, in order; raises its faults."""
    found: list[Any] = []
    for document in read_documents(text, source):
        if document.is_empty or "Secret" not in document.text:
            continue
        for one in document.resources():
            if one.kind == KIND:
                found.append(SealedSecret.from_dict(one.value))
            elif one.kind == "Secret" and one.api_version == "v1":
                found.append(one.title)
    return found
