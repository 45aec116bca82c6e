"""Values of a Secret under a field that no Secret has: they lie in Git, and reach no cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sealer.check import shown
from sealer.check.findings import Finding
from sealer.check.rules.cleartext import values_of
from sealer.check.tree import Tree, is_core_secret, mapping, title
from sealer.fields import Path
from sealer.secret import misspelt


def check_misspelt(tree: Tree) -> Iterator[Finding]:
    """Every Secret of the tree, and those inside of other objects."""
    for source in tree.sources:
        for at, manifest in _secrets(source.value, ()):
            for path in misspelt(manifest):
                if path != ("sops",) and _is_clear(_at(manifest, path)):
                    words = f"{title(manifest)} is in clear: {shown.key(path[-1])} is no field of a"
                    words += " Secret, and the cluster drops it"
                    cure = "correct its name (data, stringData), and seal it"
                    yield Finding(source.place(*at, *path), "raw-secret", words, cure)


def _secrets(value: Any, at: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    if isinstance(value, dict):
        # A reference names its kind, too, and has no metadata.
        whole = not at or isinstance(value.get("metadata"), dict)
        if whole and isinstance(value.get("kind"), str) and is_core_secret(value):
            yield at, value
        for key, item in value.items():
            yield from _secrets(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _secrets(item, (*at, index))


def _at(manifest: Mapping[str, Any], path: Path) -> Any:
    value: Any = manifest
    for step in path:
        value = mapping(value).get(str(step))
    return value


def _is_clear(value: Any) -> bool:
    """Whether anything in it is a value, and no placeholder."""
    if isinstance(value, dict):
        return any(map(_is_clear, value.values()))
    if isinstance(value, list):
        return any(map(_is_clear, value))
    return any(True for _ in values_of({"stringData": {"value": value}}))
