"""docs/controller.md names every metric, event and reason that there is, and no other."""

from __future__ import annotations

import re

from controller.metrics import Metrics
from controller.reasons import Reason, Whose
from tests.docs.controller_reference import PAGE

TEXT = PAGE.read_text()


def test_every_metric_is_told_of_and_no_other() -> None:
    metrics = Metrics(version="x")
    real = set()
    for family in metrics.registry.collect():
        if family.name.startswith("sealed_secrets_controller_"):
            real.add(family.name + ("_total" if family.type == "counter" else ""))
    assert set(re.findall(r"`(sealed_secrets_controller_\w+)`", TEXT)) == real


def _rows(section: str) -> set[str]:
    return set(re.findall(r"^\| `(\w+)` \| \S.* \| \S.* \|$", section, re.MULTILINE))


def test_every_event_is_told_of() -> None:
    section = TEXT.split("## Events")[1].split("## HTTP")[0]
    assert _rows(section) == {one for one in Reason if Whose.EVENT in one.row.whose}


def test_every_reason_of_a_condition_has_its_cause_and_its_cure() -> None:
    section = TEXT.split("### Reasons")[1].split("## Keys")[0]
    assert _rows(section) == {one for one in Reason if Whose.SEALED in one.row.whose}
