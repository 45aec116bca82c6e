"""Policies come and go with the release, and where the API server has none nobody is kept out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.chart.helm import CHART, POLICIES, Release, render
from tests.testbed.cluster import ControlPlane
from tests.testbed.rights import CAGE

VALUES = {"crds": {"create": False}}
ROOT = Path(__file__).parents[2]


def ours(plane: ControlPlane, namespace: str) -> set[str]:
    """Names of the policies and bindings of a release."""
    found = [one for kind in CAGE for one in plane.api.list(kind)]
    names = {one["metadata"]["name"] for one in found}
    return {name for name in names if name.startswith(f"{namespace}.")}


def test_off_again_leaves_no_policy_behind(plane: ControlPlane, namespace: str) -> None:
    release = Release("sealer", namespace, plane.kubeconfig)
    release.run("install", str(CHART), values=VALUES)
    made = ours(plane, namespace)
    assert len(made) == 3
    release.run(
        "upgrade",
        str(CHART),
        values={**VALUES, "keyVault": {"enabled": True, "serviceAccounts": ["*"]}},
    )
    assert len(ours(plane, namespace)) == 4
    off = {**VALUES, "admission": {"cage": {"enabled": False}}}
    release.run("upgrade", str(CHART), values=off)
    assert ours(plane, namespace) == set()
    release.run("rollback", "1")
    assert ours(plane, namespace) == made
    release.run("uninstall")
    assert ours(plane, namespace) == set()


# An API server before 1.30: without the API, and without the plug-ins that wait for it.
WITHOUT = (
    "--runtime-config=admissionregistration.k8s.io/v1=false",
    "--disable-admission-plugins=ValidatingAdmissionPolicy,MutatingAdmissionPolicy",
    "--disable-admission-plugins=ValidatingAdmissionWebhook,MutatingAdmissionWebhook",
)


@pytest.mark.usefixtures("network")
def test_without_the_api_the_chart_is_installed_and_says_so(tmp_path: Path) -> None:
    plane = ControlPlane(tmp_path)
    plane.apiserver.command += WITHOUT
    try:
        plane.start()
        release = Release("sealer", plane.api.namespace("sealer"), plane.kubeconfig)
        said = release.run("install", str(CHART), values=VALUES)
        assert "there is no cage" in said
        quiet = {**VALUES, "admission": {"cage": {"enabled": False}}}
        assert "cage" not in release.run("upgrade", str(CHART), values=quiet)
    finally:
        plane.stop()


def test_without_a_controller_there_is_no_cage() -> None:
    kinds = {one["kind"] for one in render({"createController": False})}
    assert not kinds & set(CAGE)


def test_names_are_those_that_policies_may_have() -> None:
    names = [one["metadata"]["name"] for one in render() if one["kind"] in CAGE]
    assert names
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", name) for name in names)


def test_the_page_says_first_what_is_not_held() -> None:
    page = (ROOT / "docs" / "admission.md").read_text()
    sections = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert sections[0] == "What this does not do"
    assert POLICIES in page
