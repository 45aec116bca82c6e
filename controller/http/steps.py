"""PURE: verify and rotate a step at a time, so that they can be shared, counted and left off.

Each step yields its cost in tries: how many private keys were tried on an item. Work ends at the
first item that no key opens: whoever sends junk has little of our time.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from typing import Any, TypeVar

from sealer.changes import noted
from sealer.errors import ManifestError, UnsealError
from sealer.keys.pair import KeyPair
from sealer.keys.ring import KeyRing
from sealer.resealing import reseal_legacy, resealed
from sealer.scope import SCOPE_ANNOTATIONS
from sealer.sealed import FINGERPRINT_ANNOTATION, SealedSecret
from sealer.unsealing import each_item, open_item

T = TypeVar("T")
Steps = Generator[int, None, T]


def verify(sealed: SealedSecret, ring: KeyRing) -> Steps[None]:
    """Open every item up to the first that fails; a template rendered would be an oracle."""
    costs: list[int] = []
    try:
        if sealed.legacy_data and not sealed.encrypted_data:
            open_item(sealed.legacy_data, ring, sealed.label(), key="data")
            yield len(ring.keys)
        for _ in _opened(sealed, ring, costs):
            yield costs.pop()
    except UnsealError:
        yield len(ring.keys)
        raise


def rotate(sealed: SealedSecret, ring: KeyRing) -> Steps[bytes]:
    """Return the SealedSecret as JSON, its ciphertext for the ring's newest key.

    All else stays, but for the annotation that names the certificate.
    """
    certificate = ring.certificate
    if certificate is None:
        raise ManifestError("no key")
    manifest, costs = sealed.to_dict(), list[int]()
    try:
        if sealed.legacy_data:
            legacy = reseal_legacy(sealed, ring, certificate)
            manifest["spec"]["data"] = legacy or sealed.legacy_data
            yield len(ring.keys)
        for key, item in resealed(sealed, _opened(sealed, ring, costs), certificate):
            if item is not None:
                manifest["spec"]["encryptedData"][key] = item
            yield costs.pop()
    except UnsealError:
        yield len(ring.keys)
        raise
    noting = noted.after(sealed, sealed.encrypted_data, certificate.fingerprint)
    if noting is not None:
        annotations = {**sealed.annotations, FINGERPRINT_ANNOTATION: noting}
        manifest["metadata"] = {**manifest["metadata"], "annotations": annotations}
    _align_scope(manifest)
    return json.dumps(manifest, separators=(",", ":"), ensure_ascii=False).encode()


def _opened(
    sealed: SealedSecret, ring: KeyRing, costs: list[int]
) -> Iterator[tuple[str, tuple[bytes, KeyPair]]]:
    """Each item that opens, its cost appended to ``costs``; UnsealError at the first other."""
    likely: KeyPair | None = None
    for key, item in each_item(sealed, ring):
        if isinstance(item, UnsealError):
            raise item
        pair = item[1]
        known = pair is likely or pair.fingerprint == sealed.fingerprint != ""
        costs.append(1 if known else ring.keys.index(pair) + 1)
        likely = pair
        yield key, item


def _align_scope(manifest: dict[str, Any]) -> None:
    """Let the template's scope annotations be the outer ones: they could widen it later.

    The peer once took the scope from the template (CVE-2026-22728).
    """
    template = manifest["spec"].get("template")
    metadata = template.get("metadata") if template else None
    theirs = (metadata or {}).get("annotations") or {}
    outer = manifest["metadata"].get("annotations") or {}
    mine = {key: outer[key] for key in SCOPE_ANNOTATIONS if key in outer}
    if not metadata or {key: theirs[key] for key in SCOPE_ANNOTATIONS if key in theirs} == mine:
        return
    kept = {key: value for key, value in theirs.items() if key not in SCOPE_ANNOTATIONS}
    metadata = {key: value for key, value in metadata.items() if key != "annotations"}
    annotations = {**kept, **mine}
    template["metadata"] = {**metadata, **({"annotations": annotations} if annotations else {})}
