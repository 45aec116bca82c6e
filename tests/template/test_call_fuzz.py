"""Random calls of sprig's functions: Go and Sealer give the same output, or both fail."""

from __future__ import annotations

import os

from tests.template import corpus
from tests.template.calls import Calls
from tests.template.test_corpus import go_or_skip, ours

COUNT = 20_000 if os.environ.get("CI") == "true" else 4_000
SEED = int(os.environ.get("SEALER_FUZZ_SEED", "5"))


def test_random_calls_give_what_gos_give_or_fail_where_gos_fail() -> None:
    go_or_skip()
    calls = Calls(SEED)
    asked = [corpus.Case("calls", str(number), calls.template(), {}) for number in range(COUNT)]
    different = []
    for case, theirs in zip(asked, corpus.ask_go(asked), strict=True):
        answer = ours(case)
        same = answer.output == theirs.output
        if same and theirs.error is not None:
            same = corpus.place_and_kind(str(answer.error)) == corpus.place_and_kind(theirs.error)
        if not same:
            different.append((case.template, theirs, answer))
    assert not different
