"""sprig's functions on regular expressions, by RE2, whose syntax and time bounds are Go's."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, Final

from sealer.template import runes
from sealer.template.registry import CallError, Environment, Group
from sealer.template.values import Slice

GROUP = Group()

_META: Final = re.compile(rb"([\\.+*?()|\[\]{}^$])")
_MEMORY: Final = 4 << 20
"""Bytes of program and cache that RE2 may take for one expression."""
_MUCH_WORK: Final = 20_000_000
"""Bytes times instructions: 0.1 s at worst."""


class _Regex:
    """An expression over a text; bytes that are not UTF-8 count as U+FFFD, as in Go."""

    def __init__(self, environment: Environment, pattern: bytes, text: bytes) -> None:
        environment.spend(20 + len(pattern) // 4)
        environment.allocate(2 * len(text))
        self._environment = environment
        self._compiled = _compiled(pattern)
        self.text = text
        self._shown, self._starts = _shown(environment, text)

    def names(self) -> dict[bytes, int]:
        """Return the groups' numbers by name."""
        return dict(self._compiled.groupindex)

    def search(self, at: int = 0) -> list[tuple[int, int]] | None:
        """Find the first match from a place on: the spans of the whole and of each group."""
        self._count(len(self._shown) - at)
        found = self._compiled.search(self._shown, self._shown_at(at))
        while found is not None and self._is_within_a_character(found.start()):
            # RE2 looks at bytes, and takes the inside of a character for no word boundary.
            self._count(len(self._shown) - found.start())
            found = self._compiled.search(self._shown, found.start() + 1)
        if found is None:
            return None
        spans = [found.span(group) for group in range(self._compiled.groups + 1)]
        if self._starts is None:
            return spans
        starts = self._starts
        return [(starts[a], starts[b]) if a >= 0 else (-1, -1) for a, b in spans]

    def _count(self, left: int) -> None:
        """Count a search before it is made.

        RE2 takes about a nanosecond for a byte. Where its fast way fails it takes up to 5 for a
        byte and instruction, so that a large text and program must be refused beforehand; for
        smaller ones it is enough that the clock is looked at now and then.
        """
        work = left * self._compiled.programsize
        self._environment.spend(1 + work // (400 if work > _MUCH_WORK else 40_000))

    def _is_within_a_character(self, at: int) -> bool:
        return at < len(self._shown) and self._shown[at] & 0xC0 == 0x80

    def _shown_at(self, at: int) -> int:
        return at if self._starts is None else bisect_left(self._starts, at)

    def width(self, at: int) -> int:
        """Return the bytes of the character at a place, 0 at the end."""
        if at >= len(self.text):
            return 0
        lead = self.text[at]
        size = 1 if lead < 0xC0 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
        try:
            self.text[at : at + size].decode()
        except UnicodeDecodeError:
            return 1
        return size

    def all(self, limit: int) -> Iterator[tuple[int, int]]:
        """Find all matches; an empty one right after another does not count."""
        at, previous_end, count = 0, -1, 0
        while at <= len(self.text) and count != limit:
            self._environment.spend(1)
            spans = self.search(at)
            if spans is None:
                return
            start, end = spans[0]
            wanted = True
            if end == at:
                wanted = start != previous_end
                at += self.width(at) or 1
            else:
                at = end
            previous_end = end
            if wanted:
                count += 1
                yield start, end


def _shown(environment: Environment, text: bytes) -> tuple[bytes, list[int] | None]:
    """Return the text as RE2 may see it, and where its bytes stood before where that differs."""
    try:
        text.decode()
    except UnicodeDecodeError:
        environment.allocate(60 * len(text))
        environment.spend(len(text) // 2)
        starts: list[int] = []
        at = 0
        for char in text.decode("utf-8", "surrogateescape"):
            size = len(char.encode("utf-8", "surrogateescape"))
            starts += [at + i if size > 1 else at for i in range(max(size, 1))]
            if "\udc80" <= char <= "\udcff":
                starts += [at, at]
            at += size
        return runes.encode(runes.decode(text)), [*starts, at]
    return text, None


def _compiled(pattern: bytes) -> Any:
    import re2  # type: ignore[import-untyped]  # it has no types

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    # RE2 alone knows \C, a byte of a character.
    if re.search(rb"(?<!\\)(?:\\\\)*\\C", pattern):
        raise CallError("the regular expression is invalid")
    try:
        return re2.compile(pattern, options)
    except re2.error:
        raise CallError("the regular expression is invalid") from None


def _strings(parts: list[bytes], environment: Environment) -> Slice:
    environment.allocate(40 * len(parts))
    return Slice(parts, elem="string", is_nil=not parts)


@GROUP.function("regexMatch", "func(string, string) bool", takes_environment=True, cost=20)
def match(environment: Environment, pattern: bytes, text: bytes) -> bool:
    try:
        return must_match(environment, pattern, text)
    except CallError:
        return False


@GROUP.function(
    "mustRegexMatch", "func(string, string) (bool, error)", takes_environment=True, cost=20
)
def must_match(environment: Environment, pattern: bytes, text: bytes) -> bool:
    return _Regex(environment, pattern, text).search() is not None


@GROUP.function("regexFind", "func(string, string) string", takes_environment=True, cost=20)
@GROUP.function(
    "mustRegexFind", "func(string, string) (string, error)", takes_environment=True, cost=20
)
def find(environment: Environment, pattern: bytes, text: bytes) -> bytes:
    spans = _Regex(environment, pattern, text).search()
    return text[slice(*spans[0])] if spans else b""


@GROUP.function(
    "regexFindAll", "func(string, string, int) []string", takes_environment=True, cost=20
)
@GROUP.function(
    "mustRegexFindAll",
    "func(string, string, int) ([]string, error)",
    takes_environment=True,
    cost=20,
)
def find_all(environment: Environment, pattern: bytes, text: bytes, limit: int) -> Slice:
    regex = _Regex(environment, pattern, text)
    return _strings([text[start:end] for start, end in regex.all(limit)], environment)


@GROUP.function("regexSplit", "func(string, string, int) []string", takes_environment=True, cost=20)
@GROUP.function(
    "mustRegexSplit", "func(string, string, int) ([]string, error)", takes_environment=True, cost=20
)
def split(environment: Environment, pattern: bytes, text: bytes, limit: int) -> Slice:
    regex = _Regex(environment, pattern, text)
    if limit == 0:
        return _strings([], environment)
    if pattern and not text:
        return _strings([b""], environment)
    parts: list[bytes] = []
    begin = end = 0
    for start, stop in regex.all(limit):
        if limit > 0 and len(parts) == limit - 1:
            break
        end = start
        if stop != 0:
            parts.append(text[begin:end])
        begin = stop
    if end != len(text):
        parts.append(text[begin:])
    environment.allocate(40 * len(parts))
    return Slice(parts, elem="string")


@GROUP.function(
    "regexReplaceAllLiteral", "func(string, string, string) string", takes_environment=True, cost=20
)
@GROUP.function(
    "mustRegexReplaceAllLiteral",
    "func(string, string, string) (string, error)",
    takes_environment=True,
    cost=20,
)
def replace_literally(
    environment: Environment, pattern: bytes, text: bytes, replacement: bytes
) -> bytes:
    return _replaced(environment, _Regex(environment, pattern, text), [replacement])


@GROUP.function(
    "regexReplaceAll", "func(string, string, string) string", takes_environment=True, cost=20
)
@GROUP.function(
    "mustRegexReplaceAll",
    "func(string, string, string) (string, error)",
    takes_environment=True,
    cost=20,
)
def replace(environment: Environment, pattern: bytes, text: bytes, replacement: bytes) -> bytes:
    regex = _Regex(environment, pattern, text)
    return _replaced(environment, regex, _parsed_replacement(replacement, regex.names()))


_DOLLAR: Final = re.compile(r"\$(?:(\$)|([^\W]+)|\{([^\W]+)\})")


def _parsed_replacement(text: bytes, names: dict[bytes, int]) -> list[bytes | int]:
    """Part a replacement into texts and numbers of groups; -1 is a group that is not there."""
    parts: list[bytes | int] = []
    chars, at = text.decode("utf-8", "surrogateescape"), 0
    for found in _DOLLAR.finditer(chars):
        parts.append(chars[at : found.start()].encode("utf-8", "surrogateescape"))
        name = (found[2] or found[3] or "").encode()
        if found[1]:
            parts.append(b"$")
        elif name.isdigit() and len(name) <= 8 and (name == b"0" or name[:1] != b"0"):
            parts.append(int(name))
        else:
            parts.append(names.get(name, -1))
        at = found.end()
    return [*parts, chars[at:].encode("utf-8", "surrogateescape")]


def _replaced(environment: Environment, regex: _Regex, replacement: list[Any]) -> bytes:
    text, out = regex.text, []
    at, last_end = 0, 0
    while at <= len(text):
        spans = regex.search(at)
        if spans is None:
            break
        start, end = spans[0]
        out.append(text[last_end:start])
        if end > last_end or start == 0:
            made = _expanded(replacement, spans, text)
            environment.allocate(len(made) + 40)
            out.append(made)
        environment.spend(1)
        last_end = end
        width = regex.width(at)
        at = max(at + width, end) if at + width > end or at < end else at + 1
    return b"".join([*out, text[last_end:]])


def _expanded(replacement: list[Any], spans: list[tuple[int, int]], text: bytes) -> bytes:
    out = []
    for part in replacement:
        if isinstance(part, bytes):
            out.append(part)
        elif 0 <= part < len(spans) and spans[part][0] >= 0:
            out.append(text[slice(*spans[part])])
    return b"".join(out)


@GROUP.function("regexQuoteMeta", "func(string) string", takes_environment=True)
def quote_meta(environment: Environment, text: bytes) -> bytes:
    environment.spend(len(text) // 2)
    return _META.sub(rb"\\\1", text)
