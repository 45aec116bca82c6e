"""Finding objects by name, and turning their names into a Secret's keys.

Key Vault's names know no underscore and no dot, which environment variables and files need.
Patterns are RE2, as everywhere in Kubernetes: no pattern, however hostile, takes more than linear
time. They must match the whole name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Protocol

from sealer.errors import SealerError
from sealer.keyvault.references import ExpandEntry, FindEntry, Rename

_REFERENCE = re.compile(r"\$(?:(\$)|([0-9]+)|\{(\w+)\})")
# "$1$1" doubles a name: sixteen such steps would fill the memory.
_LONGEST = 1024
_NO_KEY = re.compile(r"[^-._a-zA-Z0-9]")


class PatternError(SealerError):
    """A regular expression or replacement that RE2 does not take."""


class _Match(Protocol):
    def group(self, name: int | str, /) -> Any: ...


def matches_glob(pattern: str, name: str) -> bool:
    """Whether ``*`` and ``?`` in ``pattern`` make it this name; Azure ignores case, so do we."""
    pattern, name = pattern.lower(), name.lower()
    # No name is shorter than the letters that it must have: so what is compiled is short.
    if len(pattern) - pattern.count("*") > len(name):
        return False
    return _glob(pattern).fullmatch(name) is not None


def selector(entry: FindEntry) -> Callable[[str, dict[str, str]], bool]:
    """Return a test on a name and its tags. Raises PatternError."""
    selects_name = name_selector(entry)

    def selects(name: str, tags: dict[str, str]) -> bool:
        return selects_name(name) and all(tags.get(key) == value for key, value in entry.tags)

    return selects


def name_selector(entry: FindEntry) -> Callable[[str], bool]:
    """Return a test on a name alone: nobody knows the tags of what is gone. PatternError."""
    pattern = compile_pattern(entry.regex) if entry.regex else None

    def selects(name: str) -> bool:
        if entry.glob and not matches_glob(entry.glob, name):
            return False
        return pattern is None or pattern.fullmatch(name) is not None

    return selects


def key_for(entry: FindEntry | ExpandEntry, name: str) -> str:
    """Return the key for a name: each rename whose pattern matches in turn, then the case.

    What grows beyond any key is returned as it is by then, and is no key.
    """
    for step in entry.rename:
        if len(name) > _LONGEST:
            return name
        name = _renamed(step, name)
    if entry.case == "Env":
        name = "".join(char if char.isascii() and char.isalnum() else "_" for char in name).upper()
    elif entry.case == "Key":
        name = _NO_KEY.sub("_", name)
    return name


def check_patterns(
    entry: FindEntry | ExpandEntry,
) -> Iterable[tuple[tuple[str | int, ...], PatternError]]:
    """Yield what is wrong with an entry's patterns, and where in it."""
    try:
        if isinstance(entry, FindEntry) and entry.regex:
            compile_pattern(entry.regex)
    except PatternError as error:
        yield ("regex",), error
    for index, step in enumerate(entry.rename):
        try:
            pattern = compile_pattern(step.regex)
        except PatternError as error:
            yield ("rename", index, "regex"), error
            continue
        for dollar, number, name in _REFERENCE.findall(step.to):
            group = _group(number or name)
            there = group in pattern.groupindex
            if isinstance(group, int):
                there = group <= pattern.groups
            if not dollar and not there:
                problem = PatternError(f"names group {group}, which its regex lacks")
                yield ("rename", index, "to"), problem
        if "$" in _REFERENCE.sub("", step.to):
            hint = "$1, ${name}; $$ is a dollar"
            yield ("rename", index, "to"), PatternError("has a $ that names no group", hint=hint)


@lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> Any:
    """Compile RE2; raises PatternError with the library's reason, and where it is not there."""
    try:
        import re2  # type: ignore[import-untyped]
    except ImportError:
        raise PatternError(
            "cannot be read without the extra package google-re2",
            hint="pip install 'sealer[templates]'",
        ) from None

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        reason = error.args[0] if error.args else "bad pattern"
        reason = reason.decode() if isinstance(reason, bytes) else str(reason)
        raise PatternError(
            f"is no RE2 pattern: {reason}", hint="RE2 knows no look-around and no back-references"
        ) from None


@lru_cache(maxsize=512)
def _glob(pattern: str) -> re.Pattern[str]:
    """What stands between stars is found where it comes first, and never looked for again.

    Such a place is as good as any later one. Without the atomic groups ``*-*-*-!`` would try them
    all: time exponential in the stars, and whoever may write a pattern could stop the controller.
    """
    first, *between = (_pieces(piece) for piece in re.split(r"\*+", pattern))
    if not between:
        return re.compile(first)
    *middle, last = between
    return re.compile(first + "".join(f"(?>.*?{piece})" for piece in middle) + ".*" + last)


def _pieces(text: str) -> str:
    return "".join("." if char == "?" else re.escape(char) for char in text)


def _renamed(step: Rename, name: str) -> str:
    match: _Match | None = compile_pattern(step.regex).fullmatch(name)
    if match is None:
        return name

    def replace(reference: re.Match[str]) -> str:
        dollar, number, name = reference.groups()
        if dollar:
            return "$"
        word = _group(number or name)
        try:
            return str(match.group(word) or "")
        except (IndexError, KeyError, re.error):
            raise PatternError(f"rename refers to group {word}, which its regex lacks") from None

    return _REFERENCE.sub(replace, step.to)


def _group(word: str) -> int | str:
    """A group's number, or its name; digits of other scripts are no number."""
    is_number = word.isascii() and word.isdigit() and len(word) < 10
    return int(word) if is_number else word
