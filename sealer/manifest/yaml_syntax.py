"""YAML text to nodes, as Kubernetes reads YAML (1.1, sigs.k8s.io/yaml), within bounds.

libyaml's events are composed here without recursion, because PyYAML's own composer neither
bounds its depth nor says what an alias expands to. Error texts are libyaml's constant ones; the
text around a fault is never quoted, since it may be a secret.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import yaml

from sealer.encoding import decode
from sealer.errors import ManifestError, NotYamlError
from sealer.manifest.nodes import ListNode, MapNode, Node, ScalarNode

MAX_DEPTH = 100
_EXPANSION_FACTOR = 10
_EXPANSION_ALLOWANCE = 10_000

_BOOLEANS = {
    word: truth
    for truth, words in (
        (True, "y Y yes Yes YES true True TRUE on On ON"),
        (False, "n N no No NO false False FALSE off Off OFF"),
    )
    for word in words.split()
}
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_INTEGER = re.compile(
    r"[-+]?(?:0[bB][01_]+|0[oO]?[0-7_]+|0[xX][0-9a-fA-F_]+|[1-9][0-9_]*|0)", re.ASCII
)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_SPECIAL_FLOAT = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NO_TEXT = "not YAML: it holds a character that text does not have"
_TAG = "tag:yaml.org,2002:"
_TAGS = {"str", "bool", "int", "float", "null", "map", "seq", "timestamp", "binary", "merge"}
_UNDERSCORES = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?", re.ASCII)
_DATE = re.compile(
    r"[0-9]{4}-(?:0?[1-9]|1[0-2])-(?:0?[1-9]|[12][0-9]|3[01])"
    r"(?:[Tt ][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]*)?(?:Z|[-+][0-9]{2}:[0-9]{2})?)?",
    re.ASCII,
)


def resolve(text: str) -> str | int | float | bool | None:
    """Return what Kubernetes takes a plain (unquoted, untagged) scalar for.

    Source: sigs.k8s.io/yaml ``goyaml.v2/resolve.go``; dates stay strings there.
    """
    if text in _NULLS:
        return None
    if text[0] not in "yYnNtTfFoO+-.0123456789":
        return text
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if text[0] == "." and "_" in text and not _UNDERSCORES.fullmatch(text):
        return text
    if _FLOAT.fullmatch(text.replace("_", "")):
        return _float(text)
    if _SPECIAL_FLOAT.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text


def _integer(text: str) -> str | int | float:
    digits = text.replace("_", "")
    sign = -1 if digits[0] == "-" else 1
    digits = digits.lstrip("+-")
    base = {"0b": 2, "0o": 8, "0x": 16}.get(digits[:2].lower())
    if base is None and len(digits) > 1 and digits[0] == "0":
        base, digits = 8, "0o" + digits[1:]
    try:
        number = sign * int(digits, base or 10)
    except ValueError:
        return text
    # Go falls back to a float where neither int64 nor uint64 holds it.
    return number if -(2**63) <= number < 2**64 else _float(text)


def _float(text: str) -> str | float:
    """Read a decimal; what is beyond a float stays the string it is, as for Go."""
    try:
        number = float(text.replace("_", ""))
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def compose(text: str) -> tuple[Node | None, list[ManifestError]]:
    """Parse the one document in ``text``; None if it holds nothing but comments.

    Beside it come faults that leave it readable, with ``line`` set (from 0): tags that have no
    meaning in JSON, which Kubernetes passes over. Raises such a ManifestError for the others: bad
    syntax, several documents, too deep, aliases that expand beyond reason, a tag that is not true.
    """
    composer = _Composer()
    if not text.isascii() and (half := _SURROGATE.search(text)):
        # No file holds these, a str may; libyaml's encoder would raise.
        raise ManifestError(_NO_TEXT, line=text.count("\n", 0, half.start()))
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            composer.feed(event)
    except yaml.YAMLError as error:
        raise _syntax_error(error, text) from None
    return composer.root, composer.faults


def _syntax_error(error: yaml.YAMLError, text: str) -> ManifestError:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        # libyaml puts the end of the text on a line after the last.
        line = min(error.problem_mark.line, max(0, len(text.splitlines()) - 1))
        return NotYamlError(str(error.problem), line=line)
    position = getattr(error, "position", 0)
    return ManifestError(
        _NO_TEXT,
        line=text.count("\n", 0, position),
    )


class _Open:
    """A collection whose end is still to come."""

    def __init__(self, node: ListNode | MapNode, anchor: str | None) -> None:
        self.node, self.anchor = node, anchor
        self.weight = 1
        self.depth = 1
        self.key: Node | None = None


class _Composer:
    def __init__(self) -> None:
        self.root: Node | None = None
        self.faults: list[ManifestError] = []
        self.documents = 0
        self.weight = 0
        self.stack: list[_Open] = []
        # anchor -> node, weight and depth; None while the node is still open
        self.anchors: dict[str, tuple[Node, int, int] | None] = {}

    def feed(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent():
                self._check_tag(event.tag, _line(event))
                node = _scalar(event)
                weight = 1 + len(node.text) // 100
                self.weight += weight
                if event.anchor:
                    self.anchors[event.anchor] = (node, weight, 1)
                self._add(node, weight, 1)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._open(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._close(event)
            case yaml.DocumentStartEvent():
                self.documents += 1
                if event.version not in (None, (1, 1)):
                    raise NotYamlError("found incompatible YAML document", line=_line(event))
                if self.documents > 1:
                    raise ManifestError(
                        "more than one YAML document without a --- line of its own",
                        line=_line(event),
                    )
            case _:
                pass

    def _alias(self, event: yaml.AliasEvent) -> None:
        known = self.anchors.get(str(event.anchor))
        if known is None:
            reason = "itself" if event.anchor in self.anchors else "no anchor"
            raise ManifestError(f"an alias refers to {reason}", line=_line(event))
        node, weight, depth = known
        self.weight += 1
        self._add(node, weight, depth)

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise ManifestError(f"nested deeper than {MAX_DEPTH}", line=_line(event))
        self._check_tag(event.tag, _line(event))
        start, line, flow = _start(event), _line(event), bool(event.flow_style)
        node: ListNode | MapNode
        if isinstance(event, yaml.MappingStartEvent):
            node = MapNode(start, line, flow=flow)
        else:
            node = ListNode(start, line, flow=flow)
        if event.anchor:
            self.anchors[event.anchor] = None
        self.weight += 1
        self.stack.append(_Open(node, event.anchor))

    def _close(self, event: yaml.CollectionEndEvent) -> None:
        done = self.stack.pop()
        done.node.end = _end(event)
        if done.anchor:
            self.anchors[done.anchor] = (done.node, done.weight, done.depth)
        self._add(done.node, done.weight, done.depth)

    def _check_tag(self, tag: str | None, line: int) -> None:
        if tag not in (None, "!") and _kind(tag) not in _TAGS:
            problem = "a YAML tag that Kubernetes has no use for"
            self.faults.append(ManifestError(problem, line=line))

    def _add(self, node: Node, weight: int, depth: int) -> None:
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        parent.weight += weight
        parent.depth = max(parent.depth, depth + 1)
        too_heavy = parent.weight > self.weight * _EXPANSION_FACTOR + _EXPANSION_ALLOWANCE
        if too_heavy or parent.depth > MAX_DEPTH:
            raise ManifestError("its aliases expand to too much", line=node.line)
        if isinstance(parent.node, ListNode):
            parent.node.items.append(node)
        elif parent.key is None:
            parent.key = node
        else:
            parent.node.entries.append((parent.key, node))
            parent.key = None


def _scalar(event: yaml.ScalarEvent) -> ScalarNode:
    text: str = event.value
    value: str | int | float | bool | None = text
    is_merge = text == "<<"
    if event.tag is None:
        is_merge = is_merge and event.implicit[0]
        value = resolve(text) if event.implicit[0] else text
    elif event.tag != "!":
        kind = _kind(event.tag)
        is_merge = is_merge and kind == "merge"
        value = _tagged(kind, text, _line(event))
    style = event.style or ""
    return ScalarNode(_start(event), _end(event), _line(event), text, value, style, is_merge)


def _tagged(kind: str, text: str, line: int) -> str | int | float | bool | None:
    """What a tag makes of a scalar; ManifestError where it is none of that kind.

    Source: sigs.k8s.io/yaml ``goyaml.v2/resolve.go``.
    """
    value = resolve(text)
    match kind:
        case "int" | "float" | "bool" | "null":
            found = {int: "int", float: "float", bool: "bool", type(None): "null"}.get(type(value))
            if found == kind:
                return value
            if kind == "float" and type(value) is int and value < 2**63:
                return float(value)
        case "timestamp":
            if _DATE.fullmatch(text):
                return text
        case "binary":
            try:
                return decode(text).decode()
            except ValueError:
                # Go goes on with other bytes than were meant where they are no UTF-8.
                raise ManifestError("!!binary is not base64 of a text", line=line) from None
        case _:
            return text
    raise ManifestError(f"is no !!{kind}, as its tag says", line=line)


def _kind(tag: str | None) -> str:
    return tag.removeprefix(_TAG) if tag and tag.startswith(_TAG) else ""


# libyaml marks every event; only the type stubs allow for none.
def _start(event: yaml.Event) -> int:
    return event.start_mark.index if event.start_mark else 0


def _end(event: yaml.Event) -> int:
    return event.end_mark.index if event.end_mark else 0


def _line(event: yaml.Event) -> int:
    return event.start_mark.line if event.start_mark else 0


def block_lines(text: str) -> Iterator[str]:
    """Yield the lines of ``text`` with their ends, as YAML and not as Python counts them."""
    yield from re.findall(r"[^\n]*\n|[^\n]+", text)
