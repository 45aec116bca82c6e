"""docs/notifications.md: its values are taken by the chart, its reasons are all there are."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from controller.reasons import Reason, Whose
from tests.chart.helm import render
from tests.testbed.fixtures import need

PAGE = Path(__file__).parents[2] / "docs" / "notifications.md"


def test_the_chart_takes_the_values_that_the_page_shows() -> None:
    need("helm")
    block = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    assert any(one["kind"] == "Deployment" for one in render(yaml.safe_load(block)))


def test_every_reason_is_told_of_with_its_severity() -> None:
    told = dict(re.findall(r"\| `(\w+)` \| (\w+) \|", PAGE.read_text()))
    whose = Whose.EVENT | Whose.NOTICE
    rows = [one for one in Reason if one.row.whose & whose and one.row.severity]
    assert told == {one: one.row.severity for one in rows}
