"""Transcripts: files and commands with the output they must have, as a person would see it.

A transcript is a text: words, then files (``-- name --`` and its lines, ``-- end --`` closes the
last), and steps: ``$ command``, the lines of its standard output, then those of standard error
(they begin with ``seal: ``), then ``[code]`` where that is not 0. ``…`` stands for any characters
of a line, a line of ``…`` alone for any lines.

``python -m tests.cli.transcript FILE...`` writes the outputs anew: read the difference before you
believe it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli import program

# Ciphertext, fingerprints, dates.
_VARIABLE = re.compile(r"[A-Za-z0-9+/]{60,}=*|\d{4}-\d\d-\d\d([ T][\d:]+(\+00:00| UTC)?)?")


@dataclass
class Step:
    """One command and what it must print."""

    command: str
    expected: list[str] = field(default_factory=list)


@dataclass
class Transcript:
    """One scenario."""

    files: dict[str, str]
    steps: list[Step]

    @classmethod
    def parse(cls, text: str) -> Transcript:
        """Read a transcript."""
        found = cls({}, [])
        lines: list[str] | None = None
        for line in text.splitlines():
            if header := re.fullmatch(r"-- (\S+) --", line):
                lines = None if header[1] == "end" else found._file(header[1])
            elif lines is not None:
                found.files[lines[0]] += line + "\n"
            elif line.startswith("$ "):
                found.steps.append(Step(line[2:]))
            elif found.steps and line:
                found.steps[-1].expected.append(line)
        return found

    def _file(self, name: str) -> list[str]:
        self.files[name] = ""
        return [name]

    def lay_out(self, folder: Path) -> None:
        """Write its files."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def run(command: str, folder: Path) -> list[str]:
    """Run a step; return its lines, standard output first, in the form of a transcript."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=program.environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    stray = [line for line in done.stdout.splitlines() if line.startswith("seal: ")]
    assert not stray, f"words on standard output: {stray}"
    words = done.stderr.splitlines()
    strange = [line for line in words if not line.startswith("seal: ")]
    assert not strange, f"standard error without its prefix: {strange}"
    # Blank lines part the steps in the file.
    lines = [line for line in done.stdout.splitlines() if line] + words
    return lines + ([f"[{done.returncode}]"] if done.returncode else [])


def matches(expected: list[str], real: list[str]) -> bool:
    """Compare, ellipses understood."""
    pattern = "".join(
        "(?:.*\n)*" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + "\n"
        for line in expected
    )
    return re.fullmatch(pattern, "".join(line + "\n" for line in real)) is not None


def _rewritten(text: str, outputs: list[list[str]]) -> str:
    head, *parts = re.split(r"^(?=\$ )", text, flags=re.MULTILINE)
    steps = []
    for part, output in zip(parts, outputs, strict=True):
        lines = [_VARIABLE.sub("…", line) for line in output]
        steps.append("\n".join([part.splitlines()[0], *lines]) + "\n")
    return head + "\n".join(steps)


def main() -> None:
    """Write the outputs anew."""
    for name in sys.argv[1:]:
        path = Path(name)
        transcript = Transcript.parse(path.read_text())
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder) / "work"
            work.mkdir()
            program.make_keys(Path(folder) / "keys")
            transcript.lay_out(work)
            outputs = [run(step.command, work) for step in transcript.steps]
        path.write_text(_rewritten(path.read_text(), outputs))


if __name__ == "__main__":
    main()
