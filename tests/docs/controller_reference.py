"""Write the flag table of docs/controller.md from the settings; ``--check`` only compares."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from controller.settings import FLAGS, Settings

PAGE = Path(__file__).parents[2] / "docs" / "controller.md"
BEGIN, END = "<!-- flags: written by make docs -->", "<!-- end of flags -->"


def table() -> str:
    """Return the table, a row a flag."""
    rows = ["| flag | default | what it does |", "| --- | --- | --- |"]
    for flag in FLAGS:
        names = ", ".join(f"`--{name}`" for name in (flag.name, *flag.aliases))
        rows.append(f"| {names} | {_shown(getattr(Settings(), flag.field))} | {flag.help} |")
    return "\n".join(rows)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        units = ((3600, "h"), (60, "m"), (1, "s"))
        return next(f"`{seconds // size}{unit}`" for size, unit in units if seconds >= size)
    return f"`{value}`" if value not in ("", (), None) else ""


def page(text: str) -> str:
    """Return the page with a fresh table."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> None:
    """Write the page, or say that it is stale."""
    text = PAGE.read_text()
    fresh = page(text)
    if "--check" not in sys.argv:
        PAGE.write_text(fresh)
    elif fresh != text:
        sys.exit("docs/controller.md is stale: run make docs")


if __name__ == "__main__":
    main()
