"""Go's answers to the corpus are what is recorded, and ours."""

from __future__ import annotations

import os

import pytest

from sealer.errors import TemplateError
from sealer.template import render
from tests.template import corpus
from tests.testbed import binaries


def go_or_skip() -> None:
    """Skip aloud where there is no Go; under CI that is a failure."""
    if not binaries.go_is_here():
        if os.environ.get("CI") == "true":
            pytest.fail("CI compares with Go, and there is no go")
        pytest.skip("no go: the template oracle cannot be built")


@pytest.mark.parametrize("group", corpus.groups())
def test_the_recorded_answers_are_gos(group: str) -> None:
    go_or_skip()
    answers = corpus.ask_go(corpus.cases(group))
    written = {key: answer.to_dict() for key, answer in corpus.recorded(group).items()}
    assert corpus.to_record(group, answers) == written


ALL = [case for group in corpus.groups() for case in corpus.cases(group)]
RECORDED = {group: corpus.recorded(group) for group in corpus.groups()}


def ours(case: corpus.Case) -> corpus.Answer:
    """Render with Sealer."""
    try:
        return corpus.Answer(output=render(case.name, case.template, case.data))
    except TemplateError as error:
        return corpus.Answer(error=error.message)


@pytest.mark.parametrize("case", ALL, ids=lambda case: f"{case.group}-{case.id}")
def test_we_render_what_go_renders(case: corpus.Case) -> None:
    theirs = RECORDED[case.group][case.id]
    answer = ours(case)
    if theirs.error is not None:
        assert answer.error is not None, f"Go fails: {theirs.error}"
        assert corpus.place_and_kind(answer.error) == corpus.place_and_kind(theirs.error)
        leaked = [key for key, value in case.data.items() if leaks(value, answer.error)]
        assert not leaked
    elif case.matches is not None:
        assert answer.output is not None, answer.error
        assert corpus.fits(case, answer.output)
    else:
        assert (answer.output, answer.error) == (theirs.output, None)


def leaks(value: bytes, message: str) -> bool:
    """Whether a value long enough to be told from chance is in the message."""
    return len(value) > 5 and value.decode(errors="replace") in message
