"""The corpus: templates, and what Go made of them. ``python -m tests.template.corpus`` records.

A file ``cases/<group>.toml`` holds the context of its cases and the cases themselves::

    [data]                          # the context: key = text, or {base64 = "..."} for other bytes
    name = "Ada"

    [[case]]
    id = "upper"                    # unique in the file
    template = '''{{ .name | upper }}'''
    data = {name = "x"}             # optional: instead of the file's
    matches = '^[0-9]+$'            # optional: the output is random; only its shape is compared

``cases/<group>.recorded.json`` holds Go's answers, so that the suite runs without Go.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.testbed import binaries

CASES = Path(__file__).parent / "cases"
_ARTICLES = ("a", "an", "the", "number", "integer")
_ERROR = re.compile(r"template: (?P<place>[^:]*:\d+(?::\d+)?): (?P<text>.*)", re.DOTALL)


@dataclass(frozen=True)
class Case:
    """A template and its context."""

    group: str
    id: str
    template: str
    data: Mapping[str, bytes]
    matches: str | None = None
    name: str = "cfg"


@dataclass(frozen=True)
class Answer:
    """What rendering gave: output, or an error's text."""

    output: bytes | None = None
    error: str | None = None

    def to_dict(self) -> dict[str, str]:
        """Write it as recorded: the output as text where it is text."""
        if self.output is None:
            return {"error": str(self.error)}
        try:
            return {"output": self.output.decode()}
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(self.output).decode()}

    @classmethod
    def from_dict(cls, recorded: Mapping[str, str]) -> Answer:
        """Read what ``to_dict`` wrote."""
        if "error" in recorded:
            return cls(error=recorded["error"])
        if "base64" in recorded:
            return cls(output=base64.b64decode(recorded["base64"]))
        return cls(output=recorded["output"].encode())


def groups() -> list[str]:
    """Name the case files."""
    return sorted(path.stem for path in CASES.glob("*.toml"))


def cases(group: str) -> list[Case]:
    """Read a case file; a repeated id is a mistake."""
    file = tomllib.loads((CASES / f"{group}.toml").read_text())
    data = _bytes(file.get("data", {}))
    found = [
        Case(
            group=group,
            id=case["id"],
            template=case["template"],
            data=_bytes(case["data"]) if "data" in case else data,
            matches=case.get("matches"),
        )
        for case in file["case"]
    ]
    ids = [case.id for case in found]
    repeated = sorted({each for each in ids if ids.count(each) > 1})
    if repeated:
        raise ValueError(f"{group}.toml: repeated ids: {', '.join(repeated)}")
    return found


def _bytes(data: Mapping[str, Any]) -> dict[str, bytes]:
    return {
        key: value.encode() if isinstance(value, str) else base64.b64decode(value["base64"])
        for key, value in data.items()
    }


def ask_go(asked: Iterable[Case]) -> list[Answer]:
    """Render with Go, all in one process; raises binaries.UnavailableError without Go."""
    lines = (
        json.dumps(
            {
                "name": case.name,
                "template": case.template,
                "data": {key: base64.b64encode(v).decode() for key, v in case.data.items()},
            }
        )
        for case in asked
    )
    done = subprocess.run(
        [binaries.path("template-oracle")],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TZ": "UTC"},
    )
    answers = []
    for line in done.stdout.splitlines():
        answer = json.loads(line)
        if "error" in answer:
            answers.append(Answer(error=answer["error"]))
        else:
            answers.append(Answer(output=base64.b64decode(answer["output"] or "")))
    return answers


def recorded(group: str) -> dict[str, Answer]:
    """Read Go's recorded answers by case id."""
    written = json.loads((CASES / f"{group}.recorded.json").read_text())
    return {key: Answer.from_dict(answer) for key, answer in written.items()}


def to_record(group: str, answers: Iterable[Answer]) -> dict[str, dict[str, str]]:
    """Return what is recorded: random outputs only as far as they fit their shape."""
    written = {}
    for case, answer in zip(cases(group), answers, strict=True):
        if case.matches is not None and answer.output is not None:
            if not fits(case, answer.output):
                raise ValueError(f"{group}.toml: {case.id}: Go's output does not match")
            written[case.id] = {"output": ""}
        else:
            written[case.id] = answer.to_dict()
    return written


def fits(case: Case, output: bytes) -> bool:
    """Whether a random output has the shape that the case declares."""
    return re.search(case.matches or "", output.decode(errors="replace")) is not None


def place_and_kind(error: str) -> tuple[str, str]:
    """Split an error into its place (name:line:column) and what it says, without ``at <...>``.

    Two words of it count, and nothing in quotes, no number: what follows may be a value.
    """
    match = _ERROR.fullmatch(error)
    if not match:
        return "", error
    text = re.sub(r"^executing \"[^\"]*\"(?: at <.*?>)?: ", "", match["text"], flags=re.DOTALL)
    words = re.sub(r"\"[^\"]*\"|:", " ", text.split("=")[0]).split()
    telling = [w for w in words if w not in _ARTICLES and not any(c.isdigit() for c in w)]
    return match["place"], " ".join(telling[: 1 if telling[:1] == ["unexpected"] else 2])


def record() -> None:
    """Write Go's answers of every group."""
    for group in groups():
        written = to_record(group, ask_go(cases(group)))
        text = json.dumps(written, indent=1, ensure_ascii=False)
        (CASES / f"{group}.recorded.json").write_text(text + "\n")


if __name__ == "__main__":
    record()
