"""JSON text to nodes, with the places that the standard library's parser does not tell."""

from __future__ import annotations

import re
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined]  # typeshed lacks it

from sealer.errors import ManifestError
from sealer.manifest.nodes import ListNode, MapNode, Node, ScalarNode
from sealer.manifest.yaml_syntax import MAX_DEPTH

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


def compose(text: str, start: int, line: int = 0) -> tuple[Node, int]:
    """Parse the JSON value that begins at ``start`` (or after spaces); return it and its end.

    ``line`` is the one that ``start`` stands on, from 0. Raises ManifestError with ``line`` set.
    """
    try:
        scanner = _Scanner(text, start, line)
        return scanner.value(_SPACE.match(text, start).end(), 0)  # type: ignore[union-attr]
    except _Fault as fault:
        line += text.count("\n", start, fault.at)
        raise ManifestError(f"not valid JSON: {fault.problem}", line=line) from None


class _Fault(Exception):
    def __init__(self, problem: str, at: int) -> None:
        self.problem = problem
        self.at = at


class _Scanner:
    def __init__(self, text: str, start: int, line: int) -> None:
        self.text = text
        self._line = line
        self._counted = start

    def value(self, at: int, depth: int) -> tuple[Node, int]:
        if depth > MAX_DEPTH:
            raise _Fault(f"nested deeper than {MAX_DEPTH}", at)
        match self.text[at : at + 1]:
            case "{":
                return self._object(at, depth)
            case "[":
                return self._array(at, depth)
            case '"':
                return self._string(at)
            case _:
                return self._word(at)

    def _object(self, at: int, depth: int) -> tuple[Node, int]:
        node = MapNode(at, self._line_at(at), flow=True)
        at = self._skip(at + 1)
        while self.text[at : at + 1] != "}":
            if node.entries:
                at = self._skip(self._expect(",", at))
            key, at = self._string(at)
            at = self._skip(self._expect(":", self._skip(at)))
            item, at = self.value(at, depth + 1)
            node.entries.append((key, item))
            at = self._skip(at)
        node.end = at + 1
        return node, at + 1

    def _array(self, at: int, depth: int) -> tuple[Node, int]:
        node = ListNode(at, self._line_at(at), flow=True)
        at = self._skip(at + 1)
        while self.text[at : at + 1] != "]":
            if node.items:
                at = self._skip(self._expect(",", at))
            item, at = self.value(at, depth + 1)
            node.items.append(item)
            at = self._skip(at)
        node.end = at + 1
        return node, at + 1

    def _string(self, at: int) -> tuple[ScalarNode, int]:
        line = self._line_at(at)
        after = self._expect('"', at)
        bad = -1
        try:
            text, end = scanstring(self.text, after, True)
        except JSONDecodeError as error:
            bad = error.pos
        # Raised out here, for a JSONDecodeError carries the whole text along.
        if bad >= 0:
            raise _Fault("a string that does not end or has a bad escape", bad)
        # Half of a surrogate pair: Go's decoder puts U+FFFD there.
        if not text.isascii():
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return ScalarNode(at, end, line, text, text, '"'), end

    def _word(self, at: int) -> tuple[ScalarNode, int]:
        line = self._line_at(at)
        for word, constant in _WORDS.items():
            if self.text.startswith(word, at):
                end = at + len(word)
                return ScalarNode(at, end, line, word, constant, ""), end
        number = _NUMBER.match(self.text, at)
        if number is None:
            raise _Fault("a value was expected here", at)
        text = number[0]
        if len(text) > 400:
            raise _Fault("a number longer than any that JSON readers take", at)
        value = float(text) if number[1] or number[2] else int(text)
        return ScalarNode(at, number.end(), line, text, value, ""), number.end()

    def _expect(self, mark: str, at: int) -> int:
        if self.text[at : at + 1] != mark:
            raise _Fault(f"expected {mark}", at)
        return at + 1

    def _skip(self, at: int) -> int:
        return _SPACE.match(self.text, at).end()  # type: ignore[union-attr]

    def _line_at(self, at: int) -> int:
        self._line += self.text.count("\n", self._counted, at)
        self._counted = at
        return self._line
