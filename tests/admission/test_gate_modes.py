"""From warn to deny: what each mode of the gate does, and which namespaces it is about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.admission.rig import is_by_policy, policies, remove_all
from tests.admission.test_gate import ALICE, Place, gate
from tests.chart.helm import CHART, HelmError, Release, render
from tests.testbed.cluster import ControlPlane, wait_for
from tests.testbed.rights import CAGE


@contextmanager
def installed(place: Place, mode: str, **more: Any) -> Iterator[None]:
    """The gate in one mode; none of it is left afterwards."""
    made = policies(gate(mode, **more), place.own)
    try:
        for one in made:
            place.plane.api.create(one)
        yield
    finally:
        remove_all(place.plane, made)


@pytest.fixture
def place(plane: ControlPlane, namespace: str) -> Place:
    """A namespace behind the gate."""
    label = {"metadata": {"labels": {"sealer.dev/gate": "enforce"}}}
    plane.api.patch("Namespace", "", namespace, label)
    return Place(plane, namespace, namespace)


def test_warn_lets_it_pass_and_tells_the_writer(place: Place) -> None:
    with installed(place, "warn"):
        api, request = place.plane.api, place.post("new")
        told = wait_for("a warning", lambda: ALICE.tries(api, request)[1])
        assert "raw-secret: a Secret in clear" in " ".join(told)
        assert ALICE.tries(api, request)[0] == ""
    wait_for("it is off again", lambda: not ALICE.tries(api, request)[1])


def test_audit_binds_to_the_audit_log_alone(place: Place) -> None:
    bindings = [one for one in render(gate("audit")) if one["kind"] == CAGE[1]]
    assert {tuple(one["spec"]["validationActions"]) for one in bindings} == {("Audit",)}


def test_all_namespaces_but_the_exempt(place: Place) -> None:
    api = place.plane.api

    def relabel(value: str | None) -> None:
        label = {"metadata": {"labels": {"sealer.dev/gate": value}}}
        api.patch("Namespace", "", place.shop, label)

    relabel(None)
    request = place.post("new")
    with installed(place, "deny", namespaces="all"):
        wait_for("the gate", lambda: is_by_policy(place.said(ALICE, request)))
        relabel("exempt")
        wait_for("the exemption", lambda: place.said(ALICE, request) == "")
        relabel("other")
        wait_for("the gate again", lambda: is_by_policy(place.said(ALICE, request)))


def test_the_release_brings_and_takes_the_gate(plane: ControlPlane, namespace: str) -> None:
    release = Release("sealer", namespace, plane.kubeconfig)
    release.run("install", str(CHART), values=gate("deny"))

    def left() -> list[str]:
        names = [one["metadata"]["name"] for kind in CAGE for one in plane.api.list(kind)]
        return [name for name in names if name.startswith(f"{namespace}.gate.")]

    assert len(left()) == 6
    release.run("upgrade", str(CHART), values=gate("off"))
    assert left() == []
    release.run("rollback", "1")
    assert len(left()) == 6
    release.run("uninstall")
    assert left() == []


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({}, id="nobody"),
        pytest.param({"account": "*"}, id="everybody"),
        pytest.param({"account": "x' || 'a' == 'a"}, id="injection"),
        pytest.param({"account": "a*b"}, id="star-inside"),
        pytest.param({"fieldManager": "x\\"}, id="escape"),
        pytest.param({"group": "x"}, id="unknown"),
    ],
)
def test_an_entry_that_says_too_much_is_refused(entry: dict[str, str]) -> None:
    with pytest.raises(HelmError):
        render(gate("deny", allow=[entry]))
