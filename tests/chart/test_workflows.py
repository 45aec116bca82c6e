"""The workflows: every action pinned, no right too many, and the steps a release is made of."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from sealer import __version__
from tests.chart.helm import CHART, ROOT

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
each = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@each
def test_every_action_is_pinned_by_its_commit_and_says_its_version(path: Any) -> None:
    uses = re.findall(r"^ *-? *uses: (.*)$", path.read_text(), re.MULTILINE)
    assert uses
    for one in uses:
        assert re.fullmatch(r"[\w-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one), one


@each
def test_no_job_has_rights_by_default(path: Any) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 60
        if job["permissions"].get("contents", "read") != "read":
            pytest.fail("writes to the repository")


@each
def test_nothing_from_outside_is_pasted_into_a_script(path: Any) -> None:
    # An expression in "run" is text to the shell: a tag named $(...) would run.
    for job in yaml.safe_load(path.read_text())["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")


@each
def test_no_checkout_leaves_its_token_behind(path: Any) -> None:
    for job in yaml.safe_load(path.read_text())["jobs"].values():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_a_release_signs_image_and_chart_and_attests_all() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())["jobs"]

    def said(job: str) -> str:
        return yaml.safe_dump(jobs[job])

    assert "cosign sign" in said("image")
    assert "cosign sign" in said("chart")
    assert "sbom: true" in said("image")
    assert "provenance: mode=max" in said("image")
    for job in ("wheel", "image"):
        assert "attest-build-provenance@" in said(job)
    assert jobs["pypi"]["permissions"] == {"id-token": "write"}


def test_package_chart_and_image_have_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == __version__
