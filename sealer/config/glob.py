"""Globs over paths, as ``.gitignore`` reads them, in time that no pattern can blow up.

``*`` and ``?`` stay within a name, ``**`` crosses ``/``. All ways to match are followed at once, a
bit each (Baeza-Yates and Gonnet's shift-and): a path takes its length times the pattern's. With a
backtracking regular expression, whoever may write a pattern could hold up a check for ever.
"""

from __future__ import annotations

import re
from functools import lru_cache

_TOKEN = re.compile(r"\*\*/|/\*\*$|\*\*|\*|\?|.", re.DOTALL)
_SKIPPED = ("*", "**", "**/")


class Glob:
    """One pattern; ``matches`` asks for the whole path."""

    __slots__ = ("_any_name", "_everything", "_folders", "_last", "_letters", "_prefix", "_slash")

    def __init__(self, pattern: str) -> None:
        tokens: list[str] = []
        for found in _TOKEN.findall(pattern):
            for one in ("/", "**") if found == "/**" else (found,):
                if one not in _SKIPPED or tokens[-1:] != [one]:
                    tokens.append(one)
        first = next((at for at, one in enumerate(tokens) if len(one) > 1 or one in "*?"), None)
        self._prefix = "".join(tokens[:first])
        self._last = 1 << len(tokens)
        self._everything = self._bits(tokens, "**")
        self._any_name = self._bits(tokens, "*")
        self._folders = self._bits(tokens, "**/")
        question = self._bits(tokens, "?")
        self._letters = {one: self._bits(tokens, one) | question for one in {*tokens, ""}}
        self._slash = (self._letters.get("/", 0) & ~question) | self._folders

    @staticmethod
    def _bits(tokens: list[str], wanted: str) -> int:
        return sum(1 << at for at, one in enumerate(tokens) if one == wanted)

    def matches(self, path: str) -> bool:
        """Whether this is the path's pattern."""
        if not path.startswith(self._prefix):
            return False
        other, letters = self._letters[""], self._letters
        at = self._entered(1)
        for char in path:
            if char == "/":
                moved, stays = (at & self._slash) << 1, at & self._everything
            else:
                moved = (at & letters.get(char, other)) << 1
                stays = at & (self._everything | self._any_name)
            at = self._entered(moved | stays) | (at & self._folders)
            if not at:
                return False
        return bool(at & self._last)

    def _entered(self, at: int) -> int:
        """These places, and those behind them that are reached by leaving a wildcard empty."""
        skipped = self._everything | self._any_name | self._folders
        new = at
        while new := ((new & skipped) << 1) & ~at:
            at |= new
        return at


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> Glob:
    """The pattern, read once."""
    return Glob(pattern)
