"""Go's answers to the corpus are what is recorded, and ours."""

from __future__ import annotations

import os

import pytest

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
