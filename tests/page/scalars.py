"""Makes ``scalars.json``: texts, and what ``seal`` writes for them; shared with the page's writer.

``python -m tests.page.scalars`` writes it anew: every text is PyYAML's word, none is ours.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from sealer.manifest import to_yaml

FILE = Path(__file__).with_name("scalars.json")
_PLAIN = [
    "true",
    "True",
    "yes",
    "y",
    "n",
    "no",
    "on",
    "off",
    "null",
    "~",
    "Null",
    "0",
    "1",
    "-1",
    "+1",
    "007",
    "0o17",
    "0x1F",
    "0b11",
    "1_000",
    "1e3",
    "1E3",
    ".5",
    "5.",
    "-.5",
    "1.5e-3",
    ".inf",
    "-.INF",
    ".nan",
    "12:30:45",
    "1:60",
    "2024-01-01",
    "2024-1-1T1:2:3Z",
    "=",
    "<<",
    "<<x",
    "-",
    "--",
    "---",
    "...",
    "-x",
    "?x",
    ":x",
    "x:",
    "x:y",
    "a#b",
    "#x",
    "@x",
    "`x",
    "!x",
    "&x",
    "*x",
    "%x",
    "|x",
    ">x",
    "[x]",
    "{x}",
    '"x"',
    "'x'",
    "a'b",
    'a"b',
    "a\\b",
    "ü",
    "日本",
    "0x",
    "0b",
    "0o",
    "08",
    "1__0",
    "_1",
    "._1",
    ".1_0",
    "._",
    "1e400",
    "18446744073709551616",
    "-9223372036854775809",
    "e",
    "y:",
    "yes:",
    '"10"',
    "__proto__",
]
_PIECES = [
    *"ab01:#- \n\t'\"?,[]{}&*!|>%@`=<_.+xeE~yn\\",
    "\r",
    "ü",
    "日",
    "😀",
    "\ufeff",
    "\x00",
    "\x7f",
]


def texts() -> list[str]:
    """The same texts each time."""
    chance = random.Random(20)  # noqa: S311 the same each time is what is wanted
    mixed = ["".join(chance.choices(_PIECES, k=chance.randint(0, 8))) for _ in range(1500)]
    lines = [
        "",
        " ",
        "\n",
        "a\n",
        "a\n\n",
        "\na",
        " a\nb",
        "a \nb",
        "a\n b\n",
        "a: b\n- c\n",
        "a" * 129,
    ]
    return list(dict.fromkeys([*_PLAIN, *lines, *mixed]))


def written(text: str) -> str:
    """A document that has the text for a value and for a key."""
    return to_yaml({"outer": {"value": text, text or "key": "x"}, "last": text})


if __name__ == "__main__":
    FILE.write_text(json.dumps([[one, written(one)] for one in texts()], indent=0) + "\n")
