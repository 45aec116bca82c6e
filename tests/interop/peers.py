"""The real kubeseal and ``seal kubeseal``, run side by side in folders of the same content.

Ciphertext is random: before outputs are compared, each sealed value in them is opened and
replaced by what was in it and the label that bound it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sealer.encoding import decode
from sealer.errors import SealerError
from sealer.keys.ring import KeyRing
from tests.testbed import binaries

SEAL = str(Path(sys.executable).parent / "seal")
_ITEM = re.compile(r"A[A-Za-z0-9+/]{150,}={0,2}")
_PLACES = ("", "prod", "other", "default", "false", "ctx")
_NAMES = ("db", "a", "b", "5", "renamed", "", "true", "b.c")
LABELS = (
    *(place.encode() for place in _PLACES),
    *(f"{place}/{name}".encode() for place in _PLACES for name in _NAMES),
)


# Files by name: mode and content.
Contents = dict[str, tuple[int, Any]]


@dataclass(frozen=True)
class Outcome:
    """What a run left behind: everything a script can see."""

    code: int
    stdout: str
    stderr: str
    files: Contents = field(default_factory=dict)
    """Files that are new or changed: mode and content."""


def kubeseal() -> list[str]:
    """The real one."""
    return [str(binaries.path("kubeseal"))]


def ours() -> list[str]:
    """The stand-in."""
    return [SEAL, "kubeseal"]


def run(
    program: list[str],
    arguments: Iterable[str],
    folder: Path,
    *,
    files: Mapping[str, str | bytes],
    stdin: str | bytes = "",
    environment: Mapping[str, str] | None = None,
    seconds: float = 60,
) -> Outcome:
    """Run a program in a fresh folder that holds ``files``; TimeoutError after ``seconds``."""
    before = lay_out(folder, files)
    variables = {"HOME": str(folder), "PATH": os.environ["PATH"], **(environment or {})}
    try:
        done = subprocess.run(
            [*program, *arguments],
            cwd=folder,
            env=variables,
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"{program[0]} does not end") from error
    words = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    return Outcome(done.returncode, *words, changes(folder, before))


def lay_out(folder: Path, files: Mapping[str, str | bytes]) -> Contents:
    """Make the folder with these files; return what ``changes`` needs."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        target.chmod(0o640)
    return _contents(folder)


def changes(folder: Path, before: Contents) -> Contents:
    """The files that are new or other than before."""
    after = _contents(folder)
    return {name: content for name, content in after.items() if before.get(name) != content}


def opened(text: str, ring: KeyRing) -> str:
    """Replace each sealed value by its content and its label."""

    def open_one(match: re.Match[str]) -> str:
        for bound in LABELS:
            try:
                return f"<{ring.open(decode(match[0]), bound)[0]!r} for {bound!r}>"
            except (SealerError, ValueError):
                continue
        return match[0]

    return _ITEM.sub(open_one, text)


def comparable(outcome: Outcome, ring: KeyRing, *, parsed: bool = False) -> Outcome:
    """Take out what is random or the program's name in an outcome; parse files if asked to."""

    def content_of(text: str) -> Any:
        return list(yaml.safe_load_all(opened(text, ring))) if parsed else opened(text, ring)

    return Outcome(
        outcome.code,
        _listing(opened(outcome.stdout, ring)),
        _words(outcome.stderr),
        {name: (mode, content_of(content)) for name, (mode, content) in outcome.files.items()},
    )


def _contents(folder: Path) -> Contents:
    return {
        str(path.relative_to(folder)): (path.stat().st_mode & 0o777, path.read_text())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".kube" not in str(path)
    }


def _listing(stdout: str) -> str:
    """Of the flags' listing, keep names, types and defaults: descriptions are everybody's own."""
    lines = []
    for line in stdout.splitlines(keepends=True):
        if line.startswith("Usage of "):
            line = "Usage\n"
        flag = re.match(r"  (-\w, |    )--[\w-]+( \w+)?  ", line)
        default = re.search(r" \(default .*\)$", line)
        lines.append(flag[0].rstrip() + (default[0] if default else "") + "\n" if flag else line)
    return "".join(lines)


def _words(stderr: str) -> str:
    """Go's maps have no order, temporary files no fixed name, pointers no fixed value."""
    text = re.sub(r"Usage of .*", "Usage", stderr)
    text = re.sub(r"/\.(\S+?)\d{5,}:", r"/.\1:", text)
    text = re.sub(r"but found .*", "but found another key", text)
    # Go counts lines from 0 or from 1, and of the first says none.
    text = re.sub(r"yaml: (line \d+: )?", "yaml: ", text)
    text = re.sub(
        r"\(([\w.-]+(?:, [\w.-]+)+)\)", lambda m: f"({', '.join(sorted(m[1].split(', ')))})", text
    )
    head, error, rest = text.partition("error: ")
    return head + error + "\n".join(sorted(rest.split("\n"))) if "\n" in rest[:-1] else text
