"""What a cluster refuses of a SealedSecret's Secret: keys, labels, types; before it is applied."""

from __future__ import annotations

from collections.abc import Iterator

from sealer.check import shown
from sealer.check.findings import Finding
from sealer.check.tree import Source, mapping, text_of
from sealer.fields import Path
from sealer.manifest.names import is_secret_key, missing_keys, refused_metadata
from sealer.sealed import PATCH_ANNOTATION
from sealer.secret import TOKEN_TYPES

_CURE = "seal the value again under a key of letters, digits, '-', '_' and '.', 253 at most"


def check_refused(source: Source) -> Iterator[Finding]:
    """Keys that no Secret may have, labels that no object may, and types without their keys."""
    spec = mapping(source.value.get("spec"))
    template = mapping(spec.get("template"))
    sealed, texts = mapping(spec.get("encryptedData")), mapping(template.get("data"))
    for at, keys in ((("encryptedData",), sealed), (("template", "data"), texts)):
        for key in keys:
            if not is_secret_key(str(key)):
                words = "a key of it is none that Kubernetes takes in a Secret"
                yield _finding(source, ("spec", *at, key), words, _CURE)
    for metadata, path in (
        (source.value.get("metadata"), ("metadata",)),
        (template.get("metadata"), ("spec", "template", "metadata")),
    ):
        for error in refused_metadata(metadata, path):
            words = f"{shown.qualified_key(str(error.path[-1]))} {error.problem}"
            yield _finding(source, error.path, words, error.hint or "correct it")
    kind = text_of(template, "type")
    if kind in TOKEN_TYPES:
        cure = "the controller makes none, or only with --allow-service-account-tokens"
        yield _finding(source, ("spec", "template", "type"), f"{kind} hands out rights", cure)
    # What merges into another's Secret finds the other keys there.
    patches = PATCH_ANNOTATION in mapping(mapping(template.get("metadata")).get("annotations"))
    made = {*sealed, *(key for key, text in texts.items() if text is not None)}
    made -= {key for key, text in texts.items() if text is None}
    if made and not patches and (missing := missing_keys(kind, made)):
        words = f"the type {kind} needs {' and '.join(missing)}"
        yield _finding(source, ("spec", "template", "type"), words, "seal that key, too: seal set")


def _finding(source: Source, path: Path, words: str, cure: str) -> Finding:
    return Finding(source.place(*path), "refused", f"{source.title}: {words}", cure)
