"""Random templates: Go and Sealer give the same output, or both fail at the same place."""

from __future__ import annotations

import os
import re

import pytest

from tests.template import corpus
from tests.template.grammar import CONTEXT, Grammar
from tests.template.test_corpus import go_or_skip, ours

COUNT = 10_000 if os.environ.get("CI") == "true" else 2_000
SEED = int(os.environ.get("SEALER_FUZZ_SEED", "20"))
# Our limits end what Go goes on with: repeat, seq and range with a huge number.
LIMITED = re.compile(r"more than \d+|exceeded maximum")


@pytest.mark.parametrize("sprig", [False, True], ids=["language", "with-sprig"])
def test_random_templates_render_as_gos_or_fail_where_gos_fail(sprig: bool) -> None:
    go_or_skip()
    grammar = Grammar(SEED, sprig=sprig)
    asked = [
        corpus.Case("fuzz", str(number), grammar.template(), CONTEXT)
        for number in range(COUNT // 2)
    ]
    limited = 0
    for case, theirs in zip(asked, corpus.ask_go(asked), strict=True):
        answer = ours(case)
        if LIMITED.search(answer.error or ""):
            limited += 1
            continue
        assert answer.output == theirs.output, case.template
        if theirs.error is not None:
            place = corpus.place_and_kind(theirs.error)
            assert corpus.place_and_kind(str(answer.error)) == place, case.template
    assert limited < COUNT / 500
