"""docs/controller.md names every metric, event and reason that there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from controller.events import event as events
from controller.metrics import Metrics
from controller.sealed import outcomes
from tests.docs.controller_reference import PAGE

TEXT = PAGE.read_text()


def test_every_metric_is_told_of_and_no_other() -> None:
    metrics = Metrics(version="x")
    real = set()
    for family in metrics.registry.collect():
        if family.name.startswith("sealed_secrets_controller_"):
            real.add(family.name + ("_total" if family.type == "counter" else ""))
    assert set(re.findall(r"`(sealed_secrets_controller_\w+)`", TEXT)) == real


def test_every_event_is_told_of() -> None:
    reasons = {
        value
        for name, value in vars(events).items()
        if name.isupper() and isinstance(value, str) and name != "COMPONENT"
    }
    section = TEXT.split("## Events")[1].split("## HTTP")[0]
    assert set(re.findall(r"^\| `(\w+)`", section, re.M)) == reasons


def test_every_reason_of_a_condition_is_told_of() -> None:
    source = Path(outcomes.__file__).read_text()
    reasons = set(re.findall(r'"([A-Z][a-z]+[A-Za-z]*)"', source))
    section = TEXT.split("## Status")[1].split("## Keys")[0]
    told = set(re.findall(r"`([A-Z]\w+)`", section)) - {"Ready", "Reconciling", "Stalled"}
    assert told == reasons | {"Synced"}
