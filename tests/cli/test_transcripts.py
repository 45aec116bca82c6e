"""The transcripts in this folder are what the installed program does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.transcript import Transcript, matches, run

SCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


@pytest.mark.parametrize("path", SCRIPTS, ids=[path.stem for path in SCRIPTS])
def test_the_transcript_is_true(path: Path, work: Path) -> None:
    transcript = Transcript.parse(path.read_text())
    assert transcript.steps
    transcript.lay_out(work)
    for step in transcript.steps:
        real = run(step.command, work)
        shown = "\n".join([f"$ {step.command}", *real, "--- expected", *step.expected])
        assert matches(step.expected, real), shown
