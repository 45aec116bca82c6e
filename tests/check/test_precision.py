"""How often `seal check` is wrong about values: measured on two lists that anyone can read.

``values/harmless.txt`` and ``values/secrets.txt`` hold made-up values of the kinds that real trees
have. An error that is none is what makes people switch a check off; what is doubtful may be a
warning.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sealer.check.credentials.verdict import Verdict, in_values
from sealer.check.findings import Severity
from sealer.check.rules.cleartext import check_raw
from sealer.check.tree import read_tree
from sealer.manifest import to_yaml

HERE = Path(__file__).parent / "values"


@dataclass(frozen=True)
class Value:
    kind: str
    line: str
    values: dict[str, Any]

    def verdict(self) -> Verdict:
        found = {verdict for _, verdict in in_values(self.values)}
        order = (Verdict.CREDENTIAL, Verdict.DOUBTFUL)
        return next((one for one in order if one in found), Verdict.CLEAR)


def read(name: str) -> Iterator[Value]:
    kind = ""
    for line in (HERE / name).read_text().splitlines():
        if line.startswith("## "):
            kind = line[3:]
        elif line and not line.startswith("#"):
            where, _, text = line.partition(" = ")
            yield Value(kind, line, nested(where, text))


def nested(where: str, text: str) -> dict[str, Any]:
    path, *beside = re.split(r" \+ ", where)
    *parents, last = path.split(" > ")
    if re.fullmatch(r'"[^"]*"', text):
        text = text[1:-1]
    text = text.replace("\\n", "\n") if "C:\\" not in text else text
    inner: Any = [text] if last == "0" else {last: text, **dict.fromkeys(beside, "app")}
    for parent in reversed(parents):
        inner = {parent: inner}
    return {"app": inner}


HARMLESS, SECRETS = list(read("harmless.txt")), list(read("secrets.txt"))


def tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def words(values: list[Value]) -> str:
    return "\n".join(f"{one.verdict().name:10} [{one.kind}] {one.line}" for one in values)


def test_the_lists_are_long_enough_and_say_each_thing_once() -> None:
    lines = [one.line for one in (*HARMLESS, *SECRETS)]
    assert len(lines) == len(set(lines))
    assert len(HARMLESS) >= 300
    assert len(SECRETS) >= 100


def test_at_most_one_error_in_twenty_is_false() -> None:
    false = [one for one in HARMLESS if one.verdict() is Verdict.CREDENTIAL]
    true = [one for one in SECRETS if one.verdict() is Verdict.CREDENTIAL]
    share = len(true) / (len(true) + len(false))
    tell(f"precision {share:.3f}: {len(false)} of {len(HARMLESS)} are errors\n{words(false)}")
    assert share >= 0.95
    # Each of them was looked at: one more is a change to be seen.
    assert not false, words(false)


def test_warnings_about_what_is_harmless_are_few() -> None:
    doubted = [one for one in HARMLESS if one.verdict() is Verdict.DOUBTFUL]
    tell(f"{len(doubted)} of {len(HARMLESS)} are warnings\n{words(doubted)}")
    assert len(doubted) <= len(HARMLESS) / 20, words(doubted)


def test_no_secret_is_missed() -> None:
    missed = [one for one in SECRETS if one.verdict() is Verdict.CLEAR]
    warned = [one for one in SECRETS if one.verdict() is Verdict.DOUBTFUL]
    tell(f"recall {1 - (len(missed) + len(warned)) / len(SECRETS):.3f}\n{words(missed + warned)}")
    assert not missed, words(missed)
    assert len(warned) <= len(SECRETS) / 20, words(warned)


def test_the_same_is_said_of_a_values_file() -> None:
    harmless = {f"v{number}": one.values for number, one in enumerate(HARMLESS)}
    secrets = {f"v{number}": one.values for number, one in enumerate(SECRETS)}
    tree = read_tree({"values.yaml": to_yaml(harmless), "values-b.yaml": to_yaml(secrets)})
    found = [*tree.faults, *check_raw(tree, {})]
    errors = {(one.place.path, one.rule) for one in found if one.severity is Severity.ERROR}
    assert errors == {("values-b.yaml", "raw-helm-values")}
    texts = [one.place.line for one in found if one.place.path == "values-b.yaml"]
    assert len(set(texts)) >= len(SECRETS)
