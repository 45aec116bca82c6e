"""Go's command-line flags as github.com/spf13/pflag parses them: order, forms, errors, listing.

Pure: arguments and the environment come in, values by flag name go out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sealer.errors import SealerError, UsageError
from sealer.kubeseal.gotext import quote

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_SEVERITIES = frozenset({"INFO", "WARNING", "ERROR", "FATAL"})
_LISTS = frozenset({"strings", "stringArray"})

Value = str | bool | int | list[str]


class Flag(NamedTuple):
    """One flag; ``kind`` is the word that the listing shows for its argument."""

    name: str
    kind: str
    usage: str
    default: str = ""
    short: str = ""
    choices: tuple[str, ...] = ()
    deprecated: str = ""
    target: str = ""
    """The flag whose value this one sets, where that is another."""
    go_flag: bool = False
    """Whether it comes from Go's own flag package: terser errors, no environment variable."""

    @property
    def is_bool(self) -> bool:
        """Whether it stands without an argument."""
        return self.kind == "bool"

    @property
    def title(self) -> str:
        """``-o, --format``."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


class HelpWanted(SealerError):
    """``-h``: the listing and exit code 0."""


class FlagSet:
    """Flags with their values; ``parse`` may be called once."""

    def __init__(self, flags: Iterable[Flag]) -> None:
        self.flags = {flag.name: flag for flag in flags}
        self.values: dict[str, Value] = {}
        self.given: set[str] = set()
        """Names set by argument or environment."""
        self.notes: list[str] = []
        """What pflag prints while it parses: deprecations."""
        self._short = {flag.short: flag for flag in self.flags.values() if flag.short}
        for flag in self.flags.values():
            if not flag.target:
                self.values[flag.name] = _initial(flag)

    def read_environment(self, prefix: str, environment: Mapping[str, str]) -> None:
        """Set flags from ``PREFIX_FLAG_NAME``; a value that does not parse is passed over."""
        for name in sorted(self.flags):
            flag = self.flags[name]
            variable = f"{prefix}_{name.upper().replace('-', '_')}"
            if variable in environment and not flag.go_flag:
                try:
                    self._store(flag, environment[variable])
                except ValueError:
                    continue

    def parse(self, arguments: Sequence[str]) -> None:
        """Read the arguments; operands are dropped. Raises UsageError, or HelpWanted."""
        rest = list(arguments)
        while rest:
            word = rest.pop(0)
            if word == "--":
                return
            if word.startswith("--"):
                self._parse_long(word, rest)
            elif word.startswith("-") and word != "-":
                self._parse_short(word[1:], rest)

    def _parse_long(self, word: str, rest: list[str]) -> None:
        name, equals, value = word[2:].partition("=")
        if not name or name.startswith("-"):
            raise UsageError(f"bad flag syntax: {word}")
        flag = self.flags.get(name)
        if flag is None:
            raise UsageError(f"unknown flag: --{name}")
        if equals:
            self._set(flag, value)
        elif flag.is_bool:
            self._set(flag, "true")
        elif rest:
            self._set(flag, rest.pop(0))
        else:
            raise UsageError(f"flag needs an argument: --{name}")

    def _parse_short(self, letters: str, rest: list[str]) -> None:
        """Read ``-f x``, ``-fx`` or ``-f=x``: no flag with a letter goes without an argument."""
        letter, tail = letters[0], letters[1:]
        flag = self._short.get(letter)
        if flag is None:
            if letter == "h":
                raise HelpWanted("help requested")
            raise UsageError(f"unknown shorthand flag: {_rune(letter)} in -{letters}")
        if not tail and not rest:
            raise UsageError(f"flag needs an argument: {_rune(letter)} in -{letters}")
        if len(tail) > 1 and tail.startswith("="):
            tail = tail[1:]
        self._set(flag, tail or rest.pop(0))

    def _set(self, flag: Flag, text: str) -> None:
        try:
            self._store(flag, text)
        except ValueError as error:
            raise UsageError(
                f"invalid argument {quote(text)} for {quote(flag.title)} flag: {error}"
            ) from None
        if flag.deprecated:
            self.notes.append(f"Flag --{flag.name} has been deprecated, {flag.deprecated}")

    def _store(self, flag: Flag, text: str) -> None:
        value = _parsed(flag, text)
        name = flag.target or flag.name
        # A list grows from its second setting on, be the first an environment variable.
        if flag.kind in _LISTS and name in self.given:
            value = [*_strings(self.values[name]), *_strings(value)]
        self.values[name] = value
        self.given.add(name)

    def listing(self) -> str:
        """All flags, a line each, in two columns."""
        rows = []
        for name in sorted(self.flags):
            flag = self.flags[name]
            if flag.deprecated:
                continue
            left = f"  {flag.title}" if flag.short else f"      --{name}"
            left += "" if flag.is_bool else f" {flag.kind}"
            rows.append((left, flag.usage + _default(flag)))
        width = max(len(left) for left, _ in rows) + 3
        return "".join(f"{left:<{width}}{usage}\n" for left, usage in rows)


def _initial(flag: Flag) -> Value:
    if flag.kind in _LISTS:
        return []
    if flag.kind == "traceLocation":
        return flag.default  # ":0", which could not be given
    return _parsed(flag, flag.default) if flag.default else (False if flag.is_bool else "")


def _parsed(flag: Flag, text: str) -> Value:
    """Read one value; ValueError with Go's words."""
    match flag.kind:
        case "bool":
            return _boolean(text, go_flag=flag.go_flag)
        case "strings":
            return _comma_separated(text)
        case "stringArray":
            return [text]
        case "Level" | "uint":
            return _number(text, go_flag=flag.kind == "uint")
        case "severity":
            return text if text.upper() in _SEVERITIES else _number(text)
        case "moduleSpec":
            return _module_spec(text)
        case "traceLocation":
            return _trace_location(text)
        case _:
            if flag.choices and text and text not in flag.choices:
                raise ValueError(f"must be one of: {', '.join(flag.choices)}")
            return text


def _boolean(text: str, *, go_flag: bool) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    problem = f"strconv.ParseBool: parsing {quote(text)}: invalid syntax"
    raise ValueError("parse error" if go_flag else problem)


def _number(text: str, *, go_flag: bool = False) -> int:
    digits = text.removeprefix("+") if go_flag else text.lstrip("+-")
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(
            "parse error" if go_flag else f"strconv.ParseInt: parsing {quote(text)}: invalid syntax"
        )
    number = int(text)
    if not go_flag and not -(2**31) <= number < 2**31:
        raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: value out of range")
    return number


def _comma_separated(text: str) -> list[str]:
    """Read one CSV record, as Go's encoding/csv does."""
    fields: list[str] = []
    at = 0
    while text and at <= len(text):
        quoted = _QUOTED.match(text, at)
        end = quoted.end() if quoted else at + len(text[at:].partition(",")[0])
        if quoted and text[end : end + 1] in ("", ","):
            fields.append(quoted[1].replace('""', '"'))
        elif text[at : at + 1] == '"':
            stop = quoted.end() - 1 if quoted else len(text)
            raise ValueError(_csv_error(text[:stop], 'extraneous or missing " in quoted-field'))
        else:
            bare = text.find('"', at, end)
            if bare >= 0:
                raise ValueError(_csv_error(text[:bare], 'bare " in non-quoted-field'))
            fields.append(text[at:end])
        at = end + 1
    return fields


def _csv_error(before: str, problem: str) -> str:
    """Go counts columns in bytes, from 1."""
    column = len(before.encode(errors="surrogateescape")) + 1
    return f"parse error on line 1, column {column}: {problem}"


def _module_spec(text: str) -> str:
    for pattern in filter(None, text.split(",")):
        name, equals, level = pattern.partition("=")
        if not (name and equals and level) or "=" in level:
            raise ValueError("syntax error: expect comma-separated list of filename=N")
        if not level.lstrip("+-").isdigit():
            raise ValueError("syntax error: expect comma-separated list of filename=N")
    return text


def _trace_location(text: str) -> str:
    file, colon, line = text.partition(":")
    if text and (not colon or ":" in line or "." not in file or not line.isdigit()):
        raise ValueError("syntax error: expect file.go:234")
    if text and int(line) <= 0:
        raise ValueError("negative or zero value for level")
    return text


def _strings(value: Any) -> list[str]:
    return value if isinstance(value, list) else []


def _rune(letter: str) -> str:
    return "'" + quote(letter)[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"


def _default(flag: Flag) -> str:
    if not flag.default or (flag.default == "0" and flag.kind != "string"):
        return ""
    return f" (default {quote(flag.default) if flag.kind == 'string' else flag.default})"
