"""Draw the three lines of docs/architecture.md: docs/pictures/lines.txt to lines.svg.

``python -m tests.docs.lines_picture [--check]``.
"""

from __future__ import annotations

import html
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
SOURCE, PICTURE = FOLDER / "lines.txt", FOLDER / "lines.svg"
_BOX, _GAP, _HEIGHT, _ROW, _LEFT, _MARGIN = 134, 20, 62, 104, 96, 16


@dataclass(frozen=True, slots=True)
class Step:
    """One box."""

    what: str
    module: str
    is_edge: bool
    """Whether it touches files, the network or a cluster."""


def lines() -> dict[str, list[Step]]:
    """The steps of each line, as the text says."""
    found: dict[str, list[Step]] = {}
    name = ""
    for text in SOURCE.read_text().splitlines():
        if not text or text.startswith("#"):
            continue
        if not text.startswith((" ", "~")):
            name = text
            continue
        what, module = text[1:].rsplit(maxsplit=1)
        found.setdefault(name, []).append(Step(what.strip(), module, text.startswith("~")))
    return found


def picture() -> str:
    """The SVG: a row for each line, an arrow between its boxes."""
    rows = lines()
    width = _LEFT + max(map(len, rows.values())) * (_BOX + _GAP) - _GAP + _MARGIN
    height = len(rows) * _ROW + _MARGIN
    body = "".join(_row(name, steps, number) for number, (name, steps) in enumerate(rows.items()))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'aria-label="seal, unseal and Key Vault, step by step" '
        'font-family="system-ui, sans-serif" font-size="13" fill="#1f2328">\n'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#57606a"/></marker></defs>\n'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n{body}</svg>\n'
    )


def _row(name: str, steps: list[Step], number: int) -> str:
    top = _MARGIN + number * _ROW
    middle = top + _HEIGHT // 2
    parts = [f'<text x="{_MARGIN}" y="{middle + 5}" font-weight="600">{html.escape(name)}</text>\n']
    for at, step in enumerate(steps):
        left = _LEFT + at * (_BOX + _GAP)
        if at:
            parts.append(
                f'<path d="M{left - _GAP} {middle}H{left - 1}" stroke="#57606a" '
                'marker-end="url(#tip)"/>\n'
            )
        parts.append(_box(step, left, top))
    return "".join(parts)


def _box(step: Step, left: int, top: int) -> str:
    fill = "#ddf4ff" if step.is_edge else "#f6f8fa"
    folder, _, module = step.module.rpartition("/")
    texts = [
        f'<text x="{left + 10}" y="{top + 21}" font-weight="600">{html.escape(step.what)}</text>\n',
        *(
            f'<text x="{left + 10}" y="{top + y}" font-size="10" fill="#57606a">{text}</text>\n'
            for y, text in ((38, f"{folder.removeprefix('controller/')}/"), (51, module))
        ),
    ]
    return (
        f'<rect x="{left}" y="{top}" width="{_BOX}" height="{_HEIGHT}" rx="6" fill="{fill}" '
        f'stroke="#8c959f"/>\n{"".join(texts)}'
    )


def main() -> None:
    """Write it, or say that it is stale."""
    if "--check" not in sys.argv:
        PICTURE.write_text(picture())
    elif not PICTURE.exists() or PICTURE.read_text() != picture():
        sys.exit("docs/pictures/lines.svg is stale: run make docs")


if __name__ == "__main__":
    main()
