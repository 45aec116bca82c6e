"""What does not open: how it is told, when it is tried again, and that nothing leaks."""

from __future__ import annotations

import base64

import pytest

from controller.keys.renewal import key_secret
from sealer import Scope
from tests.e2e.conftest import World, new_pair
from tests.testbed.cluster import wait_for
from tests.testbed.controllers import NAMESPACE, Controller

pytestmark = pytest.mark.usefixtures("controller")
CANARY = b"canary-plaintext-7f3a"


def test_a_wrong_key_is_told_with_the_items_and_cured_by_that_key(world: World) -> None:
    other = new_pair(days_ago=400)
    world.apply(world.sealed(data={"a": b"1", "b": b"2"}, certificate=other.certificate))
    condition = world.wait_condition("Synced", "False")
    assert condition["message"] == "no key could decrypt secret (a, b)"
    assert condition["reason"] == "NoKey"
    assert world.condition("Stalled")["status"] == "True"
    told = world.wait_event("ErrUnsealFailed")["message"]
    assert told == "Failed to unseal: no key could decrypt secret (a, b)"
    made = world.plane.api.create(
        key_secret(other, prefix="sealed-secrets-key", namespace=NAMESPACE)
    )
    try:
        world.wait_data({"a": b"1", "b": b"2"})
        ready = world.wait_condition("Ready", "True")
        assert "message" not in ready
        assert world.condition("Stalled") == {}
    finally:
        world.plane.api.delete("Secret", NAMESPACE, made["metadata"]["name"])


def test_a_second_failure_replaces_the_message(world: World) -> None:
    manifest = world.sealed()
    manifest["spec"]["encryptedData"]["password"] = "!!"
    world.apply(manifest)
    world.wait_condition("Synced", "False", "base64")
    manifest["spec"]["encryptedData"] = {"other": "AAAA"}
    world.apply(manifest)
    condition = world.wait_condition("Synced", "False", "(other)")
    assert condition["reason"] == "Damaged"


def test_a_scope_annotation_that_is_put_right_cures_at_once(world: World) -> None:
    manifest = world.sealed(scope=Scope.CLUSTER_WIDE)
    annotations = manifest["metadata"].pop("annotations")
    world.apply(manifest)
    world.wait_condition("Synced", "False")
    world.plane.api.patch(
        "SealedSecret", world.namespace, "db", {"metadata": {"annotations": annotations}}
    )
    world.wait_data({"password": b"s3cr3t"})
    world.wait_condition("Ready", "True")


def test_a_failing_change_keeps_the_old_secret(world: World) -> None:
    world.apply(world.sealed())
    world.wait_synced()
    manifest = world.sealed()
    manifest["spec"]["encryptedData"]["password"] = "AgAA"
    world.apply(manifest)
    world.wait_condition("Stalled", "True")
    assert world.data() == {"password": b"s3cr3t"}


def test_a_status_that_somebody_spoils_is_written_again(world: World) -> None:
    world.apply(world.sealed())
    world.wait_synced()
    spoiled = {"status": {"conditions": [{"type": "Synced", "status": "False"}]}}
    world.plane.api.patch("SealedSecret", world.namespace, "db", spoiled, "/status")
    world.wait_condition("Ready", "True")


def test_an_item_moved_to_another_name_does_not_open(world: World) -> None:
    manifest = world.sealed()
    manifest["metadata"]["name"] = "moved"
    world.apply(manifest)
    world.wait_condition("Stalled", "True", "no key could decrypt", name="moved")
    assert world.secret("moved") is None


def test_no_plaintext_is_told_anywhere(world: World, controller: Controller) -> None:
    good = world.sealed(name="good", data={"password": CANARY})
    world.apply(good)
    world.wait_synced("good")
    bad = world.sealed(name="bad", data={"password": CANARY, "b": CANARY})
    bad["spec"]["encryptedData"]["b"] = bad["spec"]["encryptedData"]["b"][:-8] + "AAAAAAA="
    world.apply(bad)
    world.wait_condition("Stalled", "True", name="bad")
    world.wait_event("ErrUnsealFailed", "bad")
    everything = "".join(
        [
            controller.log,
            controller.get("/metrics", port=controller.metrics_port)[1].decode(),
            str(world.plane.api.list("Event", world.namespace)),
            str(world.plane.api.list("SealedSecret", world.namespace)),
        ]
    )
    for form in (CANARY.decode(), base64.b64encode(CANARY).decode(), CANARY.hex()):
        assert form not in everything


def test_the_condition_metric_follows_the_object(world: World, controller: Controller) -> None:
    world.apply(world.sealed())
    world.wait_synced()
    name = "sealed_secrets_controller_condition_info"
    labels = {"namespace": world.namespace, "name": "db", "condition": "Synced"}
    assert wait_for("metric", lambda: controller.metric(name, **labels)) == 1
    world.plane.api.delete("SealedSecret", world.namespace, "db")
    wait_for("series gone", lambda: controller.metric(name, **labels) is None)


def test_what_the_api_server_quotes_of_a_value_is_not_told(
    world: World, controller: Controller
) -> None:
    """It names the first character that is no JSON."""
    kind, key = "kubernetes.io/dockerconfigjson", ".dockerconfigjson"
    world.apply(world.sealed(data={key: b"~" + CANARY}, type=kind))
    condition = world.wait_condition("Synced", "False", f"data[{key}] is invalid")
    assert condition["reason"] == "Invalid"
    assert "wants JSON" in condition["message"]
    event = world.wait_event("ErrUpdateFailed")["message"]
    assert f"data[{key}]" in event
    for told in (condition["message"], event, controller.process.text()):
        assert "~" not in told
        assert CANARY.decode() not in told
