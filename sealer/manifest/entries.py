"""Entries taken out of a mapping or given another key, every other byte of a document left alone.

A comment above an entry is somebody's word and stays; one on the entry's own line goes with it.
As in ``edit``, the result is read back before it is handed out.
"""

from __future__ import annotations

from typing import Any

from sealer.errors import ManifestError, SealerError
from sealer.fields import Path
from sealer.manifest.document import Document
from sealer.manifest.edit import Splice, apply_splices, end_of_line, last_leaf, scalar_splice
from sealer.manifest.nodes import MapNode, Node, ScalarNode, find


def remove(document: Document, path: Path) -> Document:
    """Return the document without the entry at ``path``; the mapping it was in stays, as ``{}``.

    Raises a located ManifestError where it is not there or its layout cannot be edited in place.
    """
    parent, at = _entry(document, path)
    if parent.flow:
        splices = [_flow_removal(parent, at)]
    elif len(parent.entries) == 1:
        splices = _last_removal(document, parent, path)
    else:
        splices = [_block_removal(document.text, parent, at)]
    expected = _without(document.value, path)
    return _verified(document, apply_splices(document.text, splices), expected, path)


def rename(document: Document, path: Path, key: str) -> Document:
    """Return the document with the entry at ``path`` under another key of the same mapping.

    Raises a located ManifestError where it is not there or the new key is taken.
    """
    parent, at = _entry(document, path)
    if find(parent, (key,)) is not None:
        raise document.locate(ManifestError(f"cannot become {key}: that is taken", path=path))
    node = parent.entries[at][0]
    assert isinstance(node, ScalarNode)  # noqa: S101 _entry looks for nothing else
    text = apply_splices(document.text, [scalar_splice(document, node, key)])
    expected = _without(document.value, path, key)
    return _verified(document, text, expected, path)


def _entry(document: Document, path: Path) -> tuple[MapNode, int]:
    parent = find(document.node, path[:-1]) if document.node else None
    if isinstance(parent, MapNode):
        for at, (key, _) in enumerate(parent.entries):
            if isinstance(key, ScalarNode) and key.text == path[-1]:
                return parent, at
    raise document.locate(ManifestError("is not there", path=path))


def _flow_removal(parent: MapNode, at: int) -> Splice:
    entries = parent.entries
    if len(entries) == 1:
        return parent.start + 1, parent.end - 1, ""
    if at == 0:
        return entries[0][0].start, entries[1][0].start, ""
    return entries[at - 1][1].end, entries[at][1].end, ""


def _block_removal(text: str, parent: MapNode, at: int) -> Splice:
    key, value = parent.entries[at]
    line = text.rfind("\n", 0, key.start) + 1
    if text[line : key.start].strip():
        # It shares its line with a dash: the next entry takes its place.
        return key.start, parent.entries[at + 1][0].start, ""
    return line, _end_of_entry(text, key, value), ""


def _last_removal(document: Document, parent: MapNode, path: Path) -> list[Splice]:
    """The last entry goes, and the mapping's own key gets an empty mapping."""
    text = document.text
    owner = find(document.node, path[:-2]) if document.node and len(path) > 1 else None
    entries = owner.entries if isinstance(owner, MapNode) else []
    keys = [key for key, value in entries if value is parent]
    if not keys:
        raise document.locate(ManifestError("is all there is in its mapping", path=path))
    colon = text.find(":", keys[0].end)
    line = text.rfind("\n", 0, parent.entries[0][0].start) + 1
    end = _end_of_entry(text, *parent.entries[0])
    return [(colon + 1, colon + 1, " {}"), (line, end, "")]


def _end_of_entry(text: str, key: Node, value: Node) -> int:
    end = max(key.end, last_leaf(value))
    if isinstance(value, ScalarNode) and value.style in ("|", ">"):
        # libyaml ends a block scalar where the next token begins.
        return end if text[end - 1 : end] == "\n" else text.rfind("\n", 0, end) + 1 or end
    return end_of_line(text, end)


def _without(value: Any, path: Path, key: str | None = None) -> Any:
    """The value with one entry dropped, or kept under ``key`` in its place."""
    step, *rest = path
    if rest:
        changed = _without(value[step], tuple(rest), key)
        if isinstance(value, list):
            index = int(step)
            return [*value[:index], changed, *value[index + 1 :]]
        return {**value, step: changed}
    kept = {name: item for name, item in value.items() if name != step}
    return kept if key is None else {**kept, key: value[step]}


def _verified(document: Document, text: str, expected: Any, path: Path) -> Document:
    edited = document.with_text(text)
    try:
        same = edited.value == expected
    except SealerError:
        same = False
    if not same:
        raise document.locate(ManifestError("cannot be edited in place in this layout", path=path))
    return edited
