"""Documents of a stream, one at a time: their text kept to the byte, their value when asked.

A stream is split as Kubernetes' own reader does: at lines that begin with ``---``, and between
concatenated JSON objects. So ten thousand documents take no more memory than the largest one,
and a document that does not parse never hides the next.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from sealer.errors import ManifestError, ManyErrors, Place, SealerError, TemplateError
from sealer.fields import Path, type_name
from sealer.manifest import nodes, yaml_syntax
from sealer.manifest.nodes import ListNode, MapNode, Node, ScalarNode

MAX_DOCUMENT_CHARACTERS = 64 * 2**20
_MARKER = re.compile(r"---(?=\s|$)")
_BLANK = re.compile(r"\s*(?:#.*)?$")
_SPACE = re.compile(r"\s*")
_JSON_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[{}\[\]]')


@dataclass(frozen=True)
class Document:
    """One document of a file or stream; parsed on first use."""

    text: str = field(repr=False)
    """Its own characters, the ``---`` line before it included, as they stood in the stream."""
    source: str = "<text>"
    """The file's name for messages."""
    first_line: int = 1
    """The line of the stream on which ``text`` begins, from 1."""
    index: int = 1
    """Which document of its stream it is, from 1."""
    json: bool = False
    """Whether it is JSON and not YAML."""

    @property
    def node(self) -> Node | None:
        """The parsed tree, None for an empty document; raises a located ManifestError."""
        return self._composed[0]

    @cached_property
    def _composed(self) -> tuple[Node | None, list[ManifestError]]:
        try:
            if self.json:
                from sealer.manifest import json_syntax

                return json_syntax.compose(self.text, 0)[0], []
            return yaml_syntax.compose(self.text)
        except ManifestError as error:
            # Not by ``locate``, which would parse it again: such a fault knows its line.
            line = self.first_line + (error.line or 0)
            raise error.at(Place(self.source, line)) from None

    @property
    def is_empty(self) -> bool:
        """Whether it holds nothing but blank lines and comments."""
        lines = self.text.removeprefix("---").splitlines()
        return not self.json and all(_BLANK.match(line) or line[0] == "%" for line in lines)

    @cached_property
    def _reading(self) -> tuple[Any, list[ManifestError]]:
        node, tags = self._composed
        value, faults = nodes.to_value(node) if node else (None, [])
        return value, [self.locate(fault) for fault in (*tags, *faults)]

    @property
    def problems(self) -> list[ManifestError]:
        """What is wrong with it as a manifest although it parses, located."""
        value, faults = self._reading
        if isinstance(value, dict):
            return faults
        problem = f"a Kubernetes manifest is a mapping, not {type_name(value)}"
        return [self.locate(ManifestError(problem)), *faults]

    @property
    def may_hold_secrets(self) -> bool:
        """Whether it is a Secret, sealed or not, or a list, by its kind, be it full of faults."""
        node = self.node
        # Mere text is no stranger's manifest: it may be anything, and is never passed on.
        return isinstance(node, ScalarNode) or (node is not None and _may_hold_secrets(node))

    @property
    def value(self) -> Any:
        """The JSON value as Kubernetes reads it; raises located faults, all of them."""
        value, faults = self._reading
        if faults:
            raise _as_one(faults)
        return value

    @property
    def kind(self) -> str:
        """The top-level ``kind``, empty where there is none; asks no more of the document."""
        return _word(self.node, "kind")

    @property
    def api_version(self) -> str:
        """The top-level ``apiVersion``, empty where there is none."""
        return _word(self.node, "apiVersion")

    @property
    def newline(self) -> str:
        """The line end it uses: CRLF or LF."""
        return "\r\n" if "\r\n" in self.text[:4096] else "\n"

    def resources(self) -> Iterator[Resource]:
        """Yield the Kubernetes objects in it: itself, or the items of a List, at any depth.

        What is wrong with the document is raised at the end, so that faults of the objects can
        be told beside it: use nothing of them before the last is out.
        """
        value, problems = self._reading[0], self.problems
        if isinstance(value, dict):
            yield from _resources(Resource(self, (), value))
        if problems:
            raise _as_one(problems)

    def line(self, path: Path) -> int:
        """The line of the stream, from 1, on which ``path`` or its nearest ancestor stands."""
        return self.first_line + (nodes.line_of(self.node, path) if self.node else 0)

    def locate(self, error: ManifestError) -> ManifestError:
        """Give an error its file, line and field."""
        line = error.line
        if line is None:
            line = nodes.line_of(self.node, error.path) if self.node else 0
        return error.at(Place(self.source, self.first_line + line, path=error.path))

    def with_text(self, text: str) -> Document:
        """The same place with other text."""
        return replace(self, text=text)


@dataclass(frozen=True)
class Resource:
    """One Kubernetes object of a document, and where in it."""

    document: Document
    path: Path
    value: dict[str, Any] = field(repr=False)

    @property
    def kind(self) -> str:
        """Its ``kind`` where that is a string, else empty."""
        kind = self.value.get("kind")
        return kind if isinstance(kind, str) else ""

    @property
    def api_version(self) -> str:
        """Its ``apiVersion`` where that is a string, else empty."""
        version = self.value.get("apiVersion")
        return version if isinstance(version, str) else ""

    @property
    def is_secret(self) -> bool:
        """Whether it is a core Secret, or was meant to be one; other groups' Secrets are not."""
        return self.kind.lower() == "secret" and "/" not in self.api_version

    @property
    def title(self) -> str:
        """``Secret prod/db``, for messages."""
        metadata = self.value.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        namespace, name = (metadata.get(key) for key in ("namespace", "name"))
        place = name if isinstance(name, str) else ""
        if namespace and isinstance(namespace, str):
            place = f"{namespace}/{place or '?'}"
        return f"{self.kind or 'object'} {place}".strip()

    def place(self, path: Path = ()) -> Place:
        """Where it stands, or a field of it."""
        line = self.document.line((*self.path, *path))
        number = f" (document {self.document.index})" if self.document.index > 1 else ""
        return Place(self.document.source, line, f"{self.title}{number}", path)

    def locate(self, error: SealerError) -> SealerError:
        """Give an error about this object its place: file, line, kind and name, field."""
        if isinstance(error, ManyErrors):
            return ManyErrors([self.locate(one) for one in error.errors])
        if error.place and error.place.file == self.document.source:
            return error  # its document has told the place
        path: Path = error.path if isinstance(error, ManifestError) else ()
        key = getattr(error, "key", None)
        if key is not None:
            field = ("template", "data") if isinstance(error, TemplateError) else ("encryptedData",)
            path = ("spec", *field, key)
        place = self.place(path)
        line = getattr(error, "line", None)
        if line is not None:
            place = replace(place, line=self.document.first_line + line)
        return error.at(place)


def read_documents(lines: Iterable[str] | str, source: str) -> Iterator[Document]:
    """Split a text, or a stream of lines (ends kept), into documents.

    Parses nothing but JSON's braces; joined together, the documents' texts are the input again.
    """
    splitter = _Splitter(source)
    for line in io.StringIO(lines, newline="") if isinstance(lines, str) else lines:
        yield from splitter.feed(line)
    yield from splitter.flush()


class _Splitter:
    def __init__(self, source: str) -> None:
        self.source = source
        self.index = 0
        self.line = 1
        self._start([])

    def _start(self, lines: list[str]) -> None:
        self.lines = lines
        self.size = sum(map(len, lines))
        self.first_line = self.line
        self.begun = False
        self.is_json = False
        self.depth = 0

    def feed(self, line: str) -> Iterator[Document]:
        starts_json = line.lstrip().startswith("{")
        if _MARKER.match(line) or (self.is_json and self.depth <= 0 and starts_json):
            yield from self.flush()
        if not self.begun:
            content = line[3:] if _MARKER.match(line) else line
            self.begun = not _BLANK.match(content)
            self.is_json = content.lstrip().startswith("{")
        if self.is_json:
            for token in _JSON_TOKEN.findall(line):
                self.depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token, 0)
        self.lines.append(line)
        self.line += 1
        self.size += len(line)
        if self.size > MAX_DOCUMENT_CHARACTERS:
            problem = ManifestError("a document beyond 64 MiB")
            raise problem.at(Place(self.source, self.first_line))

    def flush(self) -> Iterator[Document]:
        text, json = "".join(self.lines), self.is_json
        first_line, begun = self.first_line, self.begun
        self._start([])
        if not text:
            return
        pieces = list(_json_pieces(text)) if json else []
        for piece, lines_before in pieces or [(text, 0)]:
            self.index += begun
            yield Document(
                piece, self.source, first_line + lines_before, max(1, self.index), bool(pieces)
            )


def _json_pieces(text: str) -> Iterator[tuple[str, int]]:
    """Cut concatenated JSON objects apart; nothing at all where the text is not JSON.

    Text that begins with ``{`` and does not parse is given back whole as JSON, for its error,
    unless YAML's flow syntax can read it.
    """
    from sealer.manifest import json_syntax

    start = _SPACE.match(text, 3 * text.startswith("---")).end()  # type: ignore[union-attr]
    first, line, ahead = 0, 0, text.count("\n", 0, start)
    pieces: list[tuple[str, int]] = []
    try:
        while start < len(text):
            _, end = json_syntax.compose(text, start, ahead)
            start = _SPACE.match(text, end).end()  # type: ignore[union-attr]
            pieces.append((text[first:start], line))
            line = ahead = line + text.count("\n", first, start)
            first = start
    except ManifestError:
        try:
            yaml_syntax.compose(text)
            return
        except ManifestError:
            pieces.append((text[first:], line))
    # A marker is YAML's, and no part of a JSON document.
    yield from ((piece.removeprefix("---"), line) for piece, line in pieces)


def _resources(resource: Resource) -> Iterator[Resource]:
    items = resource.value.get("items")
    if not (resource.kind.endswith("List") and isinstance(items, list)):
        yield resource
        return
    for index, item in enumerate(items):
        path = (*resource.path, "items", index)
        if not isinstance(item, dict):
            problem = ManifestError(f"an item is {type_name(item)}", path=path)
            raise resource.document.locate(problem)
        # The items of a SecretList need not repeat what the list's kind says.
        if resource.kind != "List" and "kind" not in item:
            kind = resource.kind.removesuffix("List")
            item = {"apiVersion": resource.api_version, "kind": kind, **item}
        yield from _resources(Resource(resource.document, path, item))


def _word(node: Node | None, key: str) -> str:
    found = nodes.find(node, (key,)) if isinstance(node, MapNode) else None
    value = found.value if isinstance(found, ScalarNode) else None
    return value if isinstance(value, str) else ""


def _may_hold_secrets(node: Node) -> bool:
    if isinstance(node, ListNode):
        return any(map(_may_hold_secrets, node.items))
    if not isinstance(node, MapNode):
        return False
    # Of a key that is there twice, each counts.
    named = [value for key, value in node.entries if getattr(key, "value", None) == "kind"]
    kinds = [getattr(value, "value", None) for value in (*named, node.values().get("kind"))]
    return any(
        isinstance(kind, str) and kind.lower().endswith(("secret", "list")) for kind in kinds
    )


def _as_one(errors: list[ManifestError]) -> SealerError:
    return errors[0] if len(errors) == 1 else ManyErrors(errors)
