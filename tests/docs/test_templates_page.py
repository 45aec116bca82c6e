"""The examples of docs/templates.md give what the page shows."""

from __future__ import annotations

import re
from pathlib import Path

from sealer.template import Limits, render

PAGE = (Path(__file__).parents[2] / "docs" / "templates.md").read_text()
CONTEXT = {
    "user": b"app",
    "pass": b'p@ss/w"rd',
    "host": b"db.example.org",
    "hosts": b"a.org,b.org",
}


def test_every_example_gives_the_output_beside_it() -> None:
    pairs = re.findall(r"```gotemplate\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
    assert len(pairs) == PAGE.count("```gotemplate") == 5
    for template, shown in pairs:
        assert render("example", template, CONTEXT).decode() == shown


def test_the_values_and_limits_that_the_page_names_are_true() -> None:
    named = re.search(r"With (`user`.*?):\n", PAGE, re.DOTALL)
    assert named
    values = dict(re.findall(r"`(\w+)` =\s`(.*?)`", named[1]))
    assert values == {key: value.decode() for key, value in CONTEXT.items()}
    limits = Limits()
    assert f"{limits.steps:,} steps" in PAGE
    assert f"{limits.output // 1024**2} MiB of output" in PAGE
    assert f"{limits.seconds:.0f} second" in PAGE
    assert f"{limits.templates} templates" in PAGE
