"""What Flux (kstatus) and Argo CD conclude from the status, on live objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sealer import Scope
from tests.e2e.conftest import World, new_pair
from tests.testbed.cluster import wait_for
from tests.testbed.flux_argo import argo_cd, argo_cd_rules, kstatus

pytestmark = pytest.mark.usefixtures("controller")


def argo(resource: Mapping[str, Any]) -> str:
    """What Argo CD's built-in health checks of a SealedSecret say, old and new."""
    rules = argo_cd_rules("bitnami.com", "SealedSecret")
    [health] = {argo_cd(rule, resource)[0] for rule in rules}
    return health


def live(world: World, name: str = "db") -> dict[str, Any]:
    found: dict[str, Any] = world.plane.api.get("SealedSecret", world.namespace, name)
    return found


def test_before_first_sight_it_is_in_progress(world: World) -> None:
    made = world.apply(world.sealed())
    assert made["status"] == {"observedGeneration": -1}
    assert (kstatus(made), argo(made)) == ("InProgress", "Progressing")


def test_a_synced_one_is_current_and_healthy(world: World) -> None:
    world.apply(world.sealed())
    world.wait_synced()
    assert (kstatus(live(world)), argo(live(world))) == ("Current", "Healthy")
    types = [one["type"] for one in world.status()["conditions"]]
    assert types == ["Synced", "Ready"]


@pytest.mark.parametrize("fault", ["key", "scope", "unowned", "refused", "garbage"])
def test_what_only_a_person_can_cure_is_failed_and_degraded(world: World, fault: str) -> None:
    manifest = world.sealed()
    if fault == "key":
        manifest = world.sealed(certificate=new_pair().certificate)
    elif fault == "scope":
        manifest["metadata"]["annotations"].update(Scope.CLUSTER_WIDE.annotations)
    elif fault == "unowned":
        metadata = {"name": "db", "namespace": world.namespace}
        world.plane.api.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata})
    elif fault == "refused":
        manifest = world.sealed(type="bootstrap.kubernetes.io/token")
    else:
        manifest["spec"]["encryptedData"]["password"] = "not base64"
    world.apply(manifest)
    world.wait_condition("Stalled", "True")
    assert (kstatus(live(world)), argo(live(world))) == ("Failed", "Degraded")
    types = [one["type"] for one in world.status()["conditions"]]
    assert types == ["Synced", "Ready", "Stalled"]
    assert all(one["reason"] and one["message"] for one in world.status()["conditions"])


def test_a_new_generation_is_never_current_before_it_was_tried(world: World) -> None:
    world.apply(world.sealed())
    world.wait_synced()
    for round_ in range(20):
        made = world.apply(world.sealed(data={"password": str(round_).encode()}))
        assert kstatus(made) == "InProgress"
        wait_for("current", lambda: kstatus(live(world)) == "Current")
        assert world.data() == {"password": str(round_).encode()}


def test_the_times_of_a_condition_move_as_the_peers_do(world: World) -> None:
    world.apply(world.sealed())
    world.wait_synced()
    first = world.condition("Synced")
    assert first["lastUpdateTime"] == first["lastTransitionTime"]
    broken = world.sealed()
    broken["spec"]["encryptedData"]["password"] = "AgAA"
    world.apply(broken)
    turned = world.wait_condition("Synced", "False")
    assert turned["lastTransitionTime"] >= first["lastTransitionTime"]


def test_the_printer_columns_show_status_and_synced(world: World) -> None:
    world.apply(world.sealed())
    world.wait_synced()
    lines = world.plane.kubectl("get", "sealedsecrets", "-n", world.namespace).splitlines()
    assert lines[0].split() == ["NAME", "STATUS", "SYNCED", "AGE"]
    assert lines[1].split()[:2] == ["db", "True"]
