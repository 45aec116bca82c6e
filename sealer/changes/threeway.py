"""Three versions of a file made alike in every key that only one side changed.

What is left between them is what both sides changed, and all that is no ciphertext: a plain merge
of the three texts then conflicts on just that. No key is needed, and no value is seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sealer.errors import ManifestError
from sealer.fields import Path
from sealer.manifest import Document, read_documents
from sealer.manifest.edit import put
from sealer.manifest.entries import remove
from sealer.sealed import KIND, SealedSecret

_Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Unified:
    """The three texts, and what a clean merge of them must hold."""

    base: str
    ours: str
    theirs: str
    expected: Mapping[_Place, Mapping[str, str]]
    """Merged items of each SealedSecret that both sides have."""
    conflicts: tuple[str, ...]
    """``prod/db: password`` for each key that both sides changed."""

    def holds(self, merged: str) -> bool:
        """Whether a merged text has each key as it must be; false where it cannot be read."""
        try:
            found = _index(_documents(merged))
        except ManifestError:
            return False
        return all(
            place in found and _compact(found[place][2]) == dict(items)
            for place, items in self.expected.items()
        )


def unify(base: str, ours: str, theirs: str) -> Unified:
    """Settle every key that one side alone changed, in all three texts.

    Raises ManifestError (or ManyErrors) for a text that cannot be read or edited in place, and
    where a SealedSecret's scope differs: its ciphertext is of no use on the other side.
    """
    texts = [_documents(text) for text in (base, ours, theirs)]
    places = [_index(documents) for documents in texts]
    expected: dict[_Place, dict[str, str]] = {}
    conflicts: list[str] = []
    for place in places[1]:
        if place not in places[2]:
            continue
        versions = [found.get(place) for found in places]
        scopes = {one[2].scope for one in versions if one}
        if len(scopes) > 1:
            raise ManifestError(f"{'/'.join(place)}: its scope differs")
        items = [_compact(one[2]) if one else {} for one in versions]
        merged, open_keys = _merge(*items)
        conflicts += [f"{'/'.join(filter(None, place))}: {key}" for key in open_keys]
        for documents, version in zip(texts, versions, strict=True):
            if version is not None:
                _settle(documents, version, merged, open_keys)
        expected[place] = {key: item for key, item in merged.items() if item is not None}
    joined = ["".join(document.text for document in documents) for documents in texts]
    return Unified(joined[0], joined[1], joined[2], expected, tuple(conflicts))


def _merge(
    base: dict[str, str], ours: dict[str, str], theirs: dict[str, str]
) -> tuple[dict[str, str | None], list[str]]:
    """The settled items, None for one that is gone, and the keys that both sides changed."""
    merged: dict[str, str | None] = {}
    conflicts: list[str] = []
    for key in {**base, **ours, **theirs}:
        before, mine, other = base.get(key), ours.get(key), theirs.get(key)
        if mine == other or other == before:
            merged[key] = mine
        elif mine == before:
            merged[key] = other
        else:
            conflicts.append(key)
    return merged, conflicts


_Version = tuple[int, Path, SealedSecret]


def _settle(
    documents: list[Document],
    version: _Version,
    merged: Mapping[str, str | None],
    conflicts: list[str],
) -> None:
    at, path, sealed = version
    mine = _compact(sealed)
    for key, item in merged.items():
        where: Path = (*path, "spec", "encryptedData", key)
        if key in conflicts or mine.get(key) == item:
            continue
        if item is None:
            documents[at] = remove(documents[at], where)
        else:
            documents[at] = put(documents[at], where, item, base64=True)


def _documents(text: str) -> list[Document]:
    return list(read_documents(text, "<merge>"))


def _index(documents: list[Document]) -> dict[_Place, _Version]:
    found: dict[_Place, _Version] = {}
    for at, document in enumerate(documents):
        if document.is_empty or KIND not in document.text:
            continue
        for resource in document.resources():
            if resource.kind != KIND:
                continue
            sealed = SealedSecret.from_dict(resource.value)
            place = (sealed.namespace, sealed.name)
            if place in found:
                raise ManifestError(f"{'/'.join(place)} is there twice")
            found[place] = (at, resource.path, sealed)
    return found


def _compact(sealed: SealedSecret) -> dict[str, str]:
    return {key: "".join(item.split()) for key, item in sealed.encrypted_data.items()}
