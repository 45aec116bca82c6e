"""docs/adr/README.md lists every decision with its title and status."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "adr"


def test_the_index_lists_every_decision_as_its_page_says() -> None:
    rows = []
    for path in sorted(FOLDER.glob("0*.md")):
        text = path.read_text()
        title = re.match(r"# (\d{4}): (.*)", text)
        status = re.search(r"^Status: (.*?)\.?$", text, re.MULTILINE)
        assert title, path.name
        assert status, path.name
        assert path.name.startswith(title[1])
        rows.append(f"| [{title[1]}]({path.name}) | {title[2]} | {status[1]} |")
    listed = [line for line in (FOLDER / "README.md").read_text().splitlines() if "](" in line]
    assert listed == rows
