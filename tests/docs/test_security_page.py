"""SECURITY.md's promises: each has an id of its own, and tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"^\| ([PN]\d+) \| (.+?) \| (.*) \|$", re.MULTILINE)
ROWS = _ROW.findall((ROOT / "SECURITY.md").read_text())
PROMISES = [row for row in ROWS if row[0].startswith("P")]


def test_ids_are_counted_without_a_gap_and_each_is_there_once() -> None:
    for letter in "PN":
        ids = [row[0] for row in ROWS if row[0].startswith(letter)]
        assert ids == [f"{letter}{number}" for number in range(1, len(ids) + 1)]
        assert ids


@pytest.mark.parametrize(("row", "held"), [pytest.param(r[0], r[2], id=r[0]) for r in PROMISES])
def test_each_promise_names_tests_that_are_there(row: str, held: str) -> None:
    links = re.findall(r"\[(\w+)\]\(([\w/.]+)\)", held)
    assert links, f"{row} is held by nothing"
    assert len(links) == held.count("]("), f"{row} has a link that is not to a test"
    for name, path in links:
        assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE), name
