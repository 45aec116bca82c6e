"""The tree of one document with places in its text, and its value as Kubernetes reads it.

Nodes are what both syntaxes parse to. Offsets are characters of the document's own text; lines
count from 0 there. An alias is the same node again, so a tree may be a graph without cycles.
"""

from __future__ import annotations

import math
from typing import Any

from sealer.errors import ManifestError
from sealer.fields import Path, type_name


# Plain classes: a dataclass costs a millisecond each when the command line starts.
class ScalarNode:
    """A string, number, boolean or null; ``style`` is ``'``, ``"``, ``|``, ``>`` or empty.

    ``is_merge`` says that, as a key, it is YAML's merge key ``<<``.
    """

    __slots__ = ("end", "is_merge", "line", "start", "style", "text", "value")

    def __init__(
        self,
        start: int,
        end: int,
        line: int,
        text: str,
        value: str | int | float | bool | None,
        style: str,
        is_merge: bool = False,
    ) -> None:
        self.start, self.end, self.line = start, end, line
        self.text, self.value, self.style = text, value, style
        self.is_merge = is_merge


class ListNode:
    """A sequence."""

    __slots__ = ("end", "flow", "items", "line", "start")

    def __init__(self, start: int, line: int, *, flow: bool) -> None:
        self.start, self.end, self.line, self.flow = start, start, line, flow
        self.items: list[Node] = []


class MapNode:
    """A mapping; entries in their order, duplicates and merge keys (``<<``) included."""

    __slots__ = ("_places", "_values", "end", "entries", "flow", "line", "start")

    def __init__(self, start: int, line: int, *, flow: bool) -> None:
        self.start, self.end, self.line, self.flow = start, start, line, flow
        self.entries: list[tuple[Node, Node]] = []
        self._values: dict[str, Node] | None = None
        self._places: dict[str | int, tuple[int, Node]] | None = None

    def values(self) -> dict[str, Node]:
        """The values by key, merge keys followed; kept, so ask for it once all is parsed."""
        if self._values is None:
            found: dict[str, Node] = {}
            for name, value in self.entries:
                if is_merge(name):
                    for source in merge_sources(value):
                        found.update(source.values() if isinstance(source, MapNode) else {})
                elif isinstance(name, ScalarNode) and isinstance(name.value, str):
                    found[name.value] = value
            self._values = found
        return self._values

    def places(self) -> dict[str | int, tuple[int, Node]]:
        """The line and value of each key that stands here, by its text; kept, as ``values``."""
        if self._places is None:
            self._places = {
                name.text: (name.line, value)
                for name, value in reversed(self.entries)
                if isinstance(name, ScalarNode)
            }
        return self._places


Node = ScalarNode | ListNode | MapNode


class _Reader:
    """Turns nodes into a JSON value and collects every fault on the way."""

    def __init__(self) -> None:
        self.faults: list[ManifestError] = []

    def read(self, node: Node, path: Path) -> Any:
        if isinstance(node, ScalarNode):
            if isinstance(node.value, float) and not math.isfinite(node.value):
                self._fault("is not a number that JSON has", path, "quote it")
            return node.value
        if isinstance(node, ListNode):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.items)]
        return self._read_map(node, path)

    def _read_map(self, node: MapNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        own: set[str] = set()
        for key_node, value_node in node.entries:
            if is_merge(key_node):
                for source in merge_sources(value_node):
                    if isinstance(source, MapNode):
                        result.update(self._read_map(source, path))
                    else:
                        self._fault("<< merges mappings only", path, None, source.line)
                continue
            name = self._key(key_node, path)
            if name is None:
                continue
            if name in own:
                line = key_node.line
                self._fault("the key is there twice", (*path, name), "remove one", line)
            own.add(name)
            result[name] = self.read(value_node, (*path, name))
        return result

    def _key(self, node: Node, path: Path) -> str | None:
        if not isinstance(node, ScalarNode):
            self._fault("a key must be a string", path, None, node.line)
            return None
        value = node.value
        if isinstance(value, str):
            return value
        # Kubernetes turns integer keys into their digits; the same digits are no surprise.
        if type(value) is int and str(value) == node.text:
            return node.text
        self._fault(
            f"the key {node.text} is not a string but {type_name(value)}, as Kubernetes reads YAML",
            path,
            f'quote it: "{node.text}"',
            node.line,
        )
        return None

    def _fault(self, message: str, path: Path, hint: str | None, line: int | None = None) -> None:
        self.faults.append(ManifestError(message, hint=hint, path=path, line=line))


def to_value(node: Node) -> tuple[Any, list[ManifestError]]:
    """Return the JSON value of a tree and all faults in it; the value is usable if there are none.

    A fault: a key that Kubernetes would not read as the string it looks like (``y: on``), a
    duplicate key, a number that JSON does not have.
    """
    reader = _Reader()
    value = reader.read(node, ())
    return value, reader.faults


def find(node: Node, path: Path) -> Node | None:
    """Return the node at ``path``, or None; merge keys are followed."""
    for step in path:
        if isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            continue
        found = node.values().get(str(step)) if isinstance(node, MapNode) else None
        if found is None:
            return None
        node = found
    return node


def line_of(node: Node, path: Path) -> int:
    """Return the line of ``path``, or of its nearest ancestor that is there."""
    line = node.line
    for step in path:
        if isinstance(node, MapNode):
            if step not in node.places():
                return line
            line, node = node.places()[step]
            continue
        found = find(node, (step,))
        if found is None:
            return line
        line, node = found.line, found
    return line


def is_merge(key: Node) -> bool:
    """Whether a key is YAML's merge key ``<<``."""
    return isinstance(key, ScalarNode) and key.is_merge


def merge_sources(node: Node) -> list[Node]:
    """What ``<<`` merges, in the order in which Kubernetes puts it in, later over earlier.

    It does so where the ``<<`` stands: keys before it give way to it, keys after it win. Source:
    sigs.k8s.io/yaml ``goyaml.v2/decode.go`` (mapping, merge); the YAML paper differs.
    """
    return node.items[::-1] if isinstance(node, ListNode) else [node]
