"""What Flux leaves out of a source: ``.sourceignore`` files and a GitRepository's ``spec.ignore``.

Both are written as ``.gitignore`` is; the last pattern that matches a path or a folder above it
decides. Source: fluxcd/pkg ``sourceignore``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sealer.config.glob import compiled

NAME = ".sourceignore"


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line, for the folder that it was read in."""

    glob: str
    wanted: bool
    folders_only: bool

    def matches(self, path: str) -> bool:
        """Whether the path or a folder above it is meant."""
        parts = path.split("/")
        ends = range(1, len(parts) + (not self.folders_only))
        glob = compiled(self.glob)
        return any(glob.matches("/".join(parts[:end])) for end in ends)


def patterns(text: str, folder: str = "") -> list[Pattern]:
    """The patterns of a text; ``folder`` is the one that they start from."""
    found = []
    prefix = f"{folder}/" if folder else ""
    for line in text.splitlines():
        word = line.strip()
        if not word or word.startswith("#"):
            continue
        wanted, word = word.startswith("!"), word.removeprefix("!")
        bare = word.rstrip("/")
        anchored = "/" in bare
        glob = prefix + (bare.removeprefix("/") if anchored else f"**/{bare}")
        if bare:
            found.append(Pattern(glob, wanted, folders_only=word.endswith("/")))
    return found


def patterns_of(files: Mapping[str, str]) -> list[Pattern]:
    """The patterns of every ``.sourceignore``, by path; those further down come later."""
    return [
        one
        for path, text in sorted(files.items(), key=lambda item: item[0].count("/"))
        for one in patterns(text, path.rpartition("/")[0])
    ]


def is_ignored(path: str, found: Iterable[Pattern]) -> bool:
    """Whether Flux does not get to see this file."""
    ignored = False
    for one in found:
        if one.wanted == ignored and one.matches(path):
            ignored = not one.wanted
    return ignored
