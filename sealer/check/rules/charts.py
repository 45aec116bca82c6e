"""Secrets in charts' templates: actions are blanked, and what is left is read as YAML.

What an action prints is not known, so a value with one in it is looked over as text; a literal
within an action (``{{ "x" | b64enc }}``) is what it prints. Jinja's blocks are passed over, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sealer.check import shown
from sealer.check.credentials.verdict import decoded, in_text, looks_like_credential
from sealer.check.findings import Finding, Place
from sealer.errors import SealerError
from sealer.manifest import Document
from sealer.manifest.nodes import ListNode, MapNode, Node, ScalarNode
from sealer.values.placeholders import is_stand_in, literal, spans_of

_CURE = "take the value out of the template, and let the chart read a sealed Secret"
_MARK = "ZzActionzZ"
_BLOCK = "ZzBlockzZ"
_CONTROL = re.compile(
    r"-?\s*(?:if|else|end|range|with|define|block|/\*)\b|-?\s*(?:/\*|\$\w+\s*:?=)"
)
_JINJA = re.compile(r"\{%[^%\n]*%\}|\{#[^#\n]*#\}")
_ENTRY = re.compile(r"^(\s+)[\"']?([\w.-]+)[\"']?:\s*(\S.*)$")
_DATA = re.compile(r"(string)?[dD]ata:\s*(#.*)?$")


def check_template(path: str, document: Document) -> Iterator[Finding]:
    """The first value in clear of each Secret in a document that is a template."""
    text = blanked(document.text)
    try:
        node = Document(text).node
    except SealerError:
        found = list(_by_lines(text))[:1]
    else:
        found = list(_secrets(node, set())) if node else []
    for line, key in found:
        words = f"a Secret in a template holds {shown.key(key)} in clear"
        yield Finding(Place(path, document.first_line + line), "raw-secret", words, _CURE)


def is_in_clear(text: str) -> bool:
    """Whether a value, with marks for actions, holds something in clear."""
    if _MARK not in text:
        return bool(text.strip()) and not is_stand_in(text)
    filled = text.replace(_MARK, "${action}")
    return looks_like_credential(filled) or in_text(filled) is not None


def blanked(text: str) -> str:
    """A template with marks in the place of its actions; as many lines as before."""
    parts, last = [], 0
    for start, end in spans_of(text):
        inner = text[start + 2 : end - 2]
        parts += [text[last:start], _printed(inner), "\n" * inner.count("\n")]
        last = end
    done = _JINJA.sub("", "".join((*parts, text[last:])))
    return "\n".join(_without_bare_marks(done.split("\n")))


def _printed(action: str) -> str:
    if _CONTROL.match(action):
        return _BLOCK
    text = literal(action)
    if text and not is_stand_in(text):
        return re.sub(r"[^\w.@/+=-]", "x", text)
    return _MARK


def _without_bare_marks(lines: list[str]) -> Iterator[str]:
    """Lines of actions alone become comments; in a block of text, a comment of that text."""
    indents: list[str] = []
    following = ""
    for line in reversed(lines):
        if _bare(line).strip():
            following = line[: len(line) - len(line.lstrip())]
        indents.append(following)
    for line, indent in zip(lines, reversed(indents), strict=True):
        alone = line != _bare(line) and not _bare(line).strip()
        yield f"{indent}# {_MARK}" if alone else line.replace(_BLOCK, "")


def _bare(line: str) -> str:
    return line.replace(_MARK, "").replace(_BLOCK, "")


def _secrets(node: Node, seen: set[int]) -> Iterator[tuple[int, str]]:
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, ListNode):
        for item in node.items:
            yield from _secrets(item, seen)
    elif isinstance(node, MapNode):
        if _word(node, "kind") == "Secret" and _word(node, "apiVersion") in ("", "v1", _MARK):
            found = next(_values(node), None)
            if found:
                yield found
        for _, value in node.entries:
            yield from _secrets(value, seen)


def _word(node: MapNode, key: str) -> str:
    value = node.values().get(key)
    return value.text if isinstance(value, ScalarNode) else ""


def _values(secret: MapNode) -> Iterator[tuple[int, str]]:
    """Every branch's entries: a template may have one key under an if and an else."""
    for field, value in secret.entries:
        name = field.text if isinstance(field, ScalarNode) else ""
        if name not in ("data", "stringData") or not isinstance(value, MapNode):
            continue
        for key, item in value.entries:
            if not isinstance(item, ScalarNode) or item.value is None:
                continue
            text = item.text if name == "stringData" or _MARK in item.text else decoded(item.text)
            if is_in_clear(text):
                yield key.line, key.text if isinstance(key, ScalarNode) else ""


def _by_lines(text: str) -> Iterator[tuple[int, str]]:
    """The same of what is no YAML even so."""
    inside = False
    for number, line in enumerate(text.split("\n")):
        if not line.startswith((" ", "\t")):
            inside = _DATA.match(line) is not None or (inside and not line.strip("# \r"))
            continue
        entry = _ENTRY.match(line) if inside else None
        value = entry[3].strip("\"'") if entry else ""
        if entry and value not in ("", "|", "|-", ">", ">-") and is_in_clear(decoded(value)):
            yield number, entry[2]
