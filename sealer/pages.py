"""Where people read on: the public address of a page of the docs.

A user's repository has none of our pages, so a hint names an address and never a path.
"""

from __future__ import annotations

ADDRESS = "https://github.com/sealer/sealer/blob/main/docs"


def page(name: str, anchor: str = "") -> str:
    """The address of ``docs/NAME.md``, at a heading's ``anchor`` where there is one."""
    return f"{ADDRESS}/{name}.md" + (f"#{anchor}" if anchor else "")
