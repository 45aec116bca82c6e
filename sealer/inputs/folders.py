"""A folder where a file is asked for: the manifests below it that hold what is looked for."""

from __future__ import annotations

from collections.abc import Sequence

from sealer.errors import ManifestError, SealerError
from sealer.files.text import display, manifests_below, read_text
from sealer.manifest import read_documents


def expanded(paths: Sequence[str], kinds: tuple[str, ...]) -> tuple[str, ...]:
    """``paths``, each folder replaced by its files with an object of one of ``kinds``.

    A file below a folder that cannot be read as a manifest stays: whoever reads it says why.
    Raises ManifestError for a folder without any.
    """
    found: list[str] = []
    for path in paths:
        below = manifests_below(path)
        if below is None:
            found.append(path)
            continue
        some = [one for one in below if _holds(one, kinds)]
        if not some:
            raise ManifestError(f"{path}: there is no {' and no '.join(kinds)} below it")
        found += some
    return tuple(found)


def _holds(path: str, kinds: tuple[str, ...]) -> bool:
    try:
        text, _ = read_text(path)
        if not any(kind in text for kind in kinds):
            return False
        return any(
            resource.kind in kinds and resource.api_version.split("/")[0] in ("v1", "bitnami.com")
            for document in read_documents(text, display(path))
            if not document.is_empty
            for resource in document.resources()
        )
    except SealerError:
        return True
