"""Edits that change one value's characters and leave every other byte of a document alone.

Comments, quotes, block headers, indentation, line ends and the order of keys are people's; a
dump would lose them. Each edit is read back before it is handed out, so that a layout this
module does not understand is an error and never damage.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

from sealer.errors import ManifestError, SealerError, dotted
from sealer.fields import Path
from sealer.manifest.document import Document
from sealer.manifest.dump import to_yaml
from sealer.manifest.nodes import ListNode, MapNode, Node, ScalarNode, find
from sealer.manifest.yaml_syntax import block_lines, resolve

Splice = tuple[int, int, str]

_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9+/=._-]*", re.ASCII)


def replace_scalars(
    document: Document, values: Mapping[Path, str], *, base64: bool = False
) -> Document:
    """Return the document with the strings at these paths replaced, in the style they had.

    With ``base64`` line ends in a value do not count, as its readers pass over them: a block
    stays wrapped as wide as it was, and keeps a newline at its end. Raises a located ManifestError
    if a path is not a scalar or the result does not read back.
    """
    splices: dict[int, Splice] = {}
    for path, value in values.items():
        node = find(document.node, path) if document.node else None
        if not isinstance(node, ScalarNode):
            raise document.locate(ManifestError("is not there as a single value", path=path))
        splice = scalar_splice(document, node, value, base64=base64)
        if splices.setdefault(node.start, splice) != splice and node.start in splices:
            problem = "shares its value with another key by an alias"
            raise document.locate(ManifestError(problem, path=path, hint="write it out"))
    text = apply_splices(document.text, splices.values())
    return _verified(document, text, dict(values), base64=base64)


def put(document: Document, path: Path, value: Any, *, base64: bool = False) -> Document:
    """Return the document with the value at ``path`` set; parents that are missing are made.

    A string replaces a scalar in its own style; anything else is added after the last entry of
    its mapping. Raises a located ManifestError for layouts that cannot be edited in place.
    """
    if isinstance(find(document.node, path) if document.node else None, ScalarNode):
        return replace_scalars(document, {path: value}, base64=base64)
    parent, known = _deepest_map(document, path)
    if isinstance(parent, ScalarNode) and known:
        # An empty value, such as that of "encryptedData:" alone, becomes a mapping first.
        splice = (parent.start, parent.end, _spaced(document.text, parent.start, "{}"))
        text = apply_splices(document.text, [splice])
        return put(_verified(document, text, {path[:known]: {}}), path, value, base64=base64)
    for step in reversed(path[known + 1 :]):
        value = {step: value}
    splice = _entry_splice(document, parent, str(path[known]), value)
    return _verified(document, apply_splices(document.text, [splice]), {path[: known + 1]: value})


def apply_splices(text: str, splices: Any) -> str:
    pieces: list[str] = []
    at = 0
    for start, end, new in sorted(splices):
        pieces += [text[at:start], new]
        at = end
    return "".join([*pieces, text[at:]])


def _verified(
    document: Document, text: str, expected: Mapping[Path, Any], *, base64: bool = False
) -> Document:
    """Read the edit back: the new values are there, and all else is what it was."""
    edited = document.with_text(text)
    whole = [copy.deepcopy(document.value)]
    try:
        after = edited.value
    except SealerError:
        raise _unknown_layout(document, expected) from None
    for path, value in expected.items():
        found = find(edited.node, path) if base64 and edited.node else None
        wrapped = isinstance(found, ScalarNode) and "".join(found.text.split("\n")) == value
        _put(whole, (0, *path), found.text if wrapped else value)  # type: ignore[union-attr]
    if whole != [after]:
        raise _unknown_layout(document, expected)
    return edited


def _unknown_layout(document: Document, expected: Mapping[Path, Any]) -> ManifestError:
    path = next(iter(expected), ())
    problem = "cannot be edited in place in this layout"
    hint = "write its mapping as plain lines, key: value"
    return document.locate(ManifestError(problem, path=path, hint=hint))


def _put(value: Any, path: Path, new: Any) -> None:
    """Put a value into nested mappings and lists that are there."""
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = new


def scalar_splice(
    document: Document, node: ScalarNode, value: str, *, base64: bool = False
) -> Splice:
    text = document.text
    properties = _PROPERTIES.match(text, node.start)
    start = properties.end() if properties and not document.json else node.start
    if node.style in ("|", ">") and _PLAIN.fullmatch(value):
        return start, node.end, _block(text[start : node.end], node.style, value, base64=base64)
    return start, node.end, _scalar_text(value, node.style)


def _scalar_text(value: str, style: str) -> str:
    if style == "'" and "\n" not in value:
        return "'" + value.replace("'", "''") + "'"
    if style == "" and _PLAIN.fullmatch(value) and resolve(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _block(text: str, style: str, value: str, *, base64: bool) -> str:
    """Rewrite a block scalar under its own header."""
    header, *body = block_lines(text)
    if not base64 and "-" not in header.partition("#")[0]:
        # Without the sign the value would end in a newline.
        header = header[:1] + "-" + header[1:].replace("+", "", 1)
    newline = "\r\n" if header.endswith("\r\n") else "\n"
    filled = [line for line in body if line.strip()]
    indent = filled[0][: len(filled[0]) - len(filled[0].lstrip(" "))] if filled else "  "
    trailer = body[len(body) - next(_trailing_blank(body)) :] if body else []
    wrap = base64 and style == "|" and len(filled) > 1
    width = len(filled[0].strip()) if wrap else max(1, len(value))
    lines = [value[at : at + width] for at in range(0, len(value), width)] or [""]
    closing = newline if not body or body[-1].endswith("\n") else ""
    return header + newline.join(indent + line for line in lines) + closing + "".join(trailer)


def _trailing_blank(lines: list[str]) -> Any:
    count = 0
    while count < len(lines) and not lines[len(lines) - 1 - count].strip():
        count += 1
    yield count


def _deepest_map(document: Document, path: Path) -> tuple[MapNode | ScalarNode, int]:
    """Return the mapping (or null) nearest to ``path`` that is there, and how deep it lies."""
    for known in range(len(path) - 1, -1, -1):
        node = find(document.node, path[:known]) if document.node else None
        if isinstance(node, MapNode) or (isinstance(node, ScalarNode) and node.value is None):
            return node, known
        if node is not None:
            break
    raise document.locate(ManifestError(f"has no room for {dotted(path)}", path=path[:1]))


def _entry_splice(document: Document, parent: MapNode | ScalarNode, key: str, value: Any) -> Splice:
    if isinstance(parent, ScalarNode):
        raise document.locate(
            ManifestError(f"{key} cannot be added under an empty value", hint="write {} there")
        )
    if parent.flow:
        return _flow_splice(document, parent, key, value)
    text, newline = document.text, document.newline
    first = parent.entries[0][0].start
    indent = first - (text.rfind("\n", 0, first) + 1)
    at = end_of_line(text, last_leaf(parent))
    block = to_yaml({key: value})
    lines = "".join(" " * indent + line for line in block_lines(block))
    lines = lines.replace("\n", newline)
    if at > 0 and text[at - 1] != "\n":
        return at, at, newline + lines.removesuffix(newline)
    return at, at, lines


def _spaced(text: str, at: int, word: str) -> str:
    return word if text[at - 1 : at].isspace() else f" {word}"


def _flow_splice(document: Document, parent: MapNode, key: str, value: Any) -> Splice:
    text = document.text
    entry = f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
    if not parent.entries:
        return parent.start + 1, parent.end - 1, entry
    first, last = parent.entries[0][0], parent.entries[-1][1]
    # Between two entries stands what stands before the first: a space, or a line's indentation.
    gap = text[parent.start + 1 : first.start]
    gap = gap if not gap or gap.isspace() else " "
    return last.end, last.end, f",{gap or ' '}{entry}"


def last_leaf(node: Node) -> int:
    """Where the last thing inside ends; libyaml puts a block mapping's end at the next token."""
    if isinstance(node, ScalarNode) or node.flow:
        return node.end
    if isinstance(node, ListNode):
        return max((last_leaf(item) for item in node.items), default=node.end)
    return max(
        (max(last_leaf(key), last_leaf(value)) for key, value in node.entries), default=node.end
    )


def end_of_line(text: str, at: int) -> int:
    if at > 0 and text[at - 1] == "\n":
        return at
    newline = text.find("\n", at)
    return len(text) if newline < 0 else newline + 1
