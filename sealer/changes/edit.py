"""Changes to one SealedSecret where it stands in its file: values set, keys renamed or removed.

No private key is needed: a new value is sealed for the certificate, and all other ciphertext stays
as it is, since an item is not bound to its key. Refuses what the cluster would refuse later: keys
that no Secret may have, more bytes than a Secret may hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sealer import crypto, encoding
from sealer.changes import noted
from sealer.errors import ManifestError, UnsealError
from sealer.fields import Path
from sealer.keys.certificate import Certificate
from sealer.manifest import Document
from sealer.manifest.edit import put
from sealer.manifest.entries import remove, rename
from sealer.manifest.names import (
    is_name,
    is_namespace,
    is_secret_key,
    missing_keys,
    refused_metadata,
)
from sealer.scope import SCOPE_ANNOTATIONS
from sealer.sealed import SealedSecret
from sealer.sealing import seal_value
from sealer.secret import MAX_BYTES, TOKEN_TYPES, Secret
from sealer.values import foreign


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to become of a SealedSecret's keys; a key that is not named stays as it is."""

    values: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """New values by key, in clear."""
    taken: Mapping[str, str] = field(default_factory=dict)
    """New key to the old key whose ciphertext it gets: a rename or a copy."""
    removed: frozenset[str] = frozenset()
    """Old keys that are gone; a renamed key's old name is among them."""

    def __bool__(self) -> bool:
        return bool(self.values or self.taken or self.removed)


def apply(
    document: Document,
    place: Path,
    sealed: SealedSecret,
    changes: Changes,
    certificate: Certificate | None,
) -> Document:
    """Return the document with the SealedSecret at ``place`` changed, all other bytes as before.

    The annotation that names its certificate, where it has one, is kept true.
    ``certificate`` may be None only if there are no new values. Raises ManifestError: a key that
    is not there or that Kubernetes does not take, a layout that cannot be edited, too much data.
    """
    check(sealed, changes)
    items: Path = (*place, "spec", "encryptedData")
    if changes.values and certificate is not None:
        bound = sealed.label()
        for key, value in changes.values.items():
            item = seal_value(value, certificate, bound)
            document = put(document, (*items, key), item, base64=True)
    gone = set(changes.removed)
    for new, old in changes.taken.items():
        if old in gone and new not in sealed.encrypted_data:
            document = rename(document, (*items, old), new)
            gone.remove(old)
        else:
            # Wrapped where it was; where it goes it need not be.
            item = "".join(sealed.encrypted_data[old].split())
            document = put(document, (*items, new), item, base64=True)
    for key in sealed.encrypted_data:
        if key in gone:
            document = remove(document, (*items, key))
    text = noted.after(
        sealed,
        changes.values,
        certificate.fingerprint if certificate else "",
        taken=changes.taken,
        removed=changes.removed,
    )
    return document if text is None else put(document, (*place, *noted.PATH), text)


def check(sealed: SealedSecret, changes: Changes) -> None:
    """Raise ManifestError for changes that cannot be made or that the cluster would not take."""
    if sealed.legacy_data:
        raise ManifestError(
            "holds its values in the deprecated spec.data, all in one ciphertext",
            path=("spec", "data"),
            hint="seal the Secret anew",
        )
    there = sealed.encrypted_data
    for key in (*changes.removed, *changes.taken.values()):
        if key not in there:
            raise ManifestError(f"has no key {key}", path=("spec", "encryptedData"))
    for key in (*changes.values, *changes.taken):
        check_key(key)
    foreign.refuse(changes.values, "spec", "encryptedData")
    sizes = {key: item_bytes(item) or 0 for key, item in there.items()}
    left = {key: size for key, size in sizes.items() if key not in changes.removed}
    left.update({new: sizes[old] for new, old in changes.taken.items()})
    left.update({key: len(value) for key, value in changes.values.items()})
    total = sum(left.values())
    if total > MAX_BYTES:
        raise ManifestError(
            f"would hold {total} bytes, and Kubernetes takes {MAX_BYTES}",
            hint="split it into several Secrets",
        )


def check_key(key: str) -> None:
    """Raise ManifestError for a key that Kubernetes takes in no Secret."""
    if not is_secret_key(key):
        raise ManifestError(
            f"{key!r} is no key for a Secret",
            path=("spec", "encryptedData"),
            hint="letters, digits, '-', '_' and '.', 253 at most",
        )


def doubts(secret: Secret) -> Iterator[ManifestError]:
    """Tell, as errors not raised, what of a Secret the cluster refuses, or reads otherwise."""
    named = (("name", secret.name, is_name), ("namespace", secret.namespace, is_namespace))
    for word, text, is_taken in named:
        if text and not is_taken(text):
            problem = f"{text!r} is none that Kubernetes takes"
            yield ManifestError(problem, path=("metadata", word))
    for key, secret_value in secret.data.items():
        try:
            check_key(key)
        except ManifestError as error:
            yield ManifestError(error.message, path=("data", key))
        if what := foreign.reference_in(secret_value):
            yield ManifestError(f"is {what}, and is sealed as it stands", path=("data", key))
    yield from refused_metadata(secret.metadata, ("metadata",))
    yield from _type_doubts(secret)
    for key in sorted(SCOPE_ANNOTATIONS & secret.annotations.keys()):
        value = secret.annotations[key]
        if value not in ("true", "false"):
            problem = f"{value!r} counts for nothing: only true does"
            yield ManifestError(problem, path=("metadata", "annotations", key))


def _type_doubts(secret: Secret) -> Iterator[ManifestError]:
    if secret.type in TOKEN_TYPES:
        problem = f"{secret.type} hands out rights: our controller makes no Secret of that type"
        yield ManifestError(problem, path=("type",))
    if missing := missing_keys(secret.type or "", secret.data):
        problem = f"{secret.type} needs {' and '.join(missing)}: the API server refuses it without"
        yield ManifestError(problem, path=("type",))


def item_bytes(item: str) -> int | None:
    """Return the size of the value in a base64 item, told by its length; None if it is no item."""
    try:
        return crypto.plaintext_bytes(encoding.decode(item))
    except (ValueError, UnsealError):
        return None
