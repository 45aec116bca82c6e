"""Texts that may be written to a mirror: kustomizations and manifests without a Secret's values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sealer.check.tree import is_core_secret, is_manifest, listing, mapping
from sealer.errors import SealerError
from sealer.manifest import read_documents, to_yaml
from sealer.sealed import PATCH_ANNOTATION

_SECRET = re.compile(rb"kind\W{1,40}Secret\b")
_WORD = "redacted"
# "redacted" in base64, so that `data` stays valid.
_BASE64 = "cmVkYWN0ZWQ="


def may_hold_secret(data: bytes) -> bool:
    """Whether a file's bytes may be a core Secret's; cheap, and sure only where it says no."""
    return _SECRET.search(data) is not None


def without_literals(value: Mapping[str, Any]) -> dict[str, Any]:
    """A kustomization without the literals of its generators of Secrets."""
    changed = dict(value)
    if "secretGenerator" in value:
        changed["secretGenerator"] = [_generator(one) for one in listing(value["secretGenerator"])]
    return changed


def redacted_text(path: str, text: str) -> str:
    """A file's text without secrets; empty where it cannot be read well enough to tell."""
    if not is_manifest(path):
        # Only generators read such files, and nothing here depends on what they read.
        return f"{_WORD}={_WORD}\n"
    try:
        documents = [one for one in read_documents(text, path) if not one.is_empty]
        parts = [to_yaml(redacted(one.value)) for one in documents]
    except SealerError:
        return ""
    return "---\n".join(parts)


def redacted(value: Any) -> Any:
    """A manifest or kustomization without the values of Secrets, its shape kept."""
    if isinstance(value, list):
        return [redacted(item) for item in value]
    if not isinstance(value, dict):
        return value
    if is_core_secret(value):
        return _secret(value)
    changed = {key: redacted(item) for key, item in value.items()}
    for key in ("secretGenerator", "configMapGenerator"):
        if key in value:
            changed[key] = [_generator(item) for item in listing(value[key])]
    for key in ("patches", "patchesJson6902", "patchesStrategicMerge"):
        if key in value:
            changed[key] = [item for item in listing(value[key]) if not _touches_secret(item)]
    return changed


def _secret(value: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(value)
    for field, word in (("data", _BASE64), ("stringData", _WORD)):
        if isinstance(value.get(field), dict):
            changed[field] = dict.fromkeys(value[field], word)
    metadata = dict(mapping(value.get("metadata")))
    annotations = mapping(metadata.pop("annotations", None))
    # kubectl keeps the whole Secret in one; that others may write it is no secret.
    if annotations.get(PATCH_ANNOTATION) == "true":
        metadata["annotations"] = {PATCH_ANNOTATION: "true"}
    changed["metadata"] = metadata
    return changed


def _generator(value: Any) -> Any:
    generator = dict(mapping(value))
    literals = listing(generator.get("literals"))
    if literals:
        generator["literals"] = [f"{str(item).partition('=')[0]}={_WORD}" for item in literals]
    return generator


def _touches_secret(patch: Any) -> bool:
    if isinstance(patch, str):
        return "kind: Secret" in patch or '"Secret"' in patch
    found = mapping(patch)
    text = str(found.get("patch", ""))
    kind = mapping(found.get("target")).get("kind")
    return kind == "Secret" or "kind: Secret\n" in f"{text}\n" or '"Secret"' in text
