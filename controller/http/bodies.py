"""PURE: what verify and rotate are sent, as data, at a bounded cost.

kubeseal sends JSON, and its parser takes milliseconds; but it keeps the interpreter's lock, so
the number of parts is bounded before. YAML costs seconds a MiB: people send it by hand, and it is
small. No error quotes a body: whatever was sent may be somebody's Secret.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from sealer.errors import ManifestError
from sealer.manifest import read_documents
from sealer.sealed import SealedSecret

# A List in one request costs no more than this many requests one after another would.
MAX_LIST_ITEMS = 100
# Each may cost an RSA operation for each key; etcd holds no SealedSecret with as many.
MAX_CIPHERTEXTS = 5000
MAX_YAML_BYTES = 256 * 1024
# etcd holds no SealedSecret with a tenth of this; a parser is done with it in 50 ms.
_MAX_PARTS = 100_000
_JSON = re.compile(rb"\s*\{")
_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
Mapping = dict[str, Any]


def read_json(body: bytes) -> Mapping | None:
    """Parse a body that is JSON, None where it is not; ManifestError where it must not be taken."""
    if not _JSON.match(body):
        return None
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) > _MAX_PARTS:
        raise ManifestError("too many parts")
    try:
        value: Mapping = json.loads(
            body.decode(), object_pairs_hook=_once, parse_float=_finite, parse_constant=_finite
        )
        if _HALF_CHARACTER.search(body):
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError:
        return None
    except (ValueError, RecursionError):
        raise ManifestError("not JSON that can be written again") from None
    return value


def read_yaml(body: bytes) -> Mapping:
    """Parse a body of one YAML document; ManifestError."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise ManifestError("not UTF-8") from None
    documents = [one for one in read_documents(text, "the body") if not one.is_empty]
    if len(documents) != 1:
        raise ManifestError("not one document")
    value = documents[0].value
    if not isinstance(value, dict):
        raise ManifestError("not a mapping")
    return value


def sealed_secrets(value: Mapping) -> SealedSecret | list[SealedSecret]:
    """One SealedSecret, or the items of a List: an extension, for `seal reencrypt`."""
    many = value.get("items") if value.get("kind") == "List" else None
    each = many if isinstance(many, list) else [value]
    if len(each) > MAX_LIST_ITEMS or sum(map(_ciphertexts, each)) > MAX_CIPHERTEXTS:
        raise ManifestError("not a List of SealedSecrets, or too long")
    read = [SealedSecret.from_dict(one) for one in each]
    return read if each is many else read[0]


def _ciphertexts(manifest: Any) -> int:
    """Count them before anything is made of them; ManifestError where there cannot be any."""
    spec = manifest.get("spec") if isinstance(manifest, dict) else None
    if not isinstance(spec, dict):
        raise ManifestError("not a SealedSecret")
    items = spec.get("encryptedData")
    return len(items) if isinstance(items, dict) else 1


def _once(pairs: list[tuple[str, Any]]) -> Mapping:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ManifestError("a field is there twice")
    return mapping


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("no number of JSON")
    return number
