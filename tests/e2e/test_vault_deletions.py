"""What vanishes from a vault, is switched off, runs out or is throttled: two real polls long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.conftest import StartVault
from tests.testbed.azure.faults import Fault
from tests.testbed.azure.server import Azure
from tests.testbed.cluster import ControlPlane, Manifest, wait_for
from tests.testbed.vault_world import World, new_world

NAMESPACE = "vault-deletions"
THROTTLED = "55555555-5555-4555-8555-555555555555"
FUSED = 5
# Two polls are 54 to 66 s long, and begin up to 33 s after the change.
SECONDS = 120


@dataclass
class Scene:
    """Three vaults in one namespace: one with losses, one that lost nearly all, one throttled."""

    some: World
    fused: World
    throttled: World


def entry(name: str, **more: Any) -> Manifest:
    return {"key": name, "from": {"secret": name, **more}}


@pytest.fixture(scope="module")
def scene(plane: ControlPlane, azure: Azure, start_vault: StartVault) -> Iterator[Scene]:
    """All is synced, then it happens; each test waits for what comes of it."""
    plane.api.namespace(NAMESPACE)
    scene = Scene(
        new_world(plane, azure, NAMESPACE, name="some"),
        new_world(plane, azure, NAMESPACE, name="fused"),
        new_world(plane, azure, NAMESPACE, name="throttled", client=THROTTLED),
    )
    for world in (scene.some, scene.fused, scene.throttled):
        world.vault(world.store.name)
    fill(scene)
    with start_vault():
        for made in plane.api.list("KeyVaultSecret", NAMESPACE):
            scene.some.wait_reason("Synced", "True", name=made["metadata"]["name"], seconds=60)
        happen(scene)
        yield scene
    azure.faults.clear()


def fill(scene: Scene) -> None:
    store = scene.some.store
    for number in range(1, 11):
        store.set_secret(f"s-{number}", f"value-{number}")
    store.update("s-8", exp=int(time.time()) + 86400)
    some = {"name": "some"}

    def make(name: str, *data: Manifest, **spec: Any) -> None:
        scene.some.secret(*data, name=name, vault=some, **spec)

    make("keep", entry("s-1"), entry("s-2"))
    make("remove", entry("s-1"), entry("s-2"), onVaultDelete="RemoveKey")
    make("delete", entry("s-1"), onVaultDelete="DeleteSecret")
    make("disabled", entry("s-3"), onVaultDelete="DeleteSecret")
    rename = [{"regex": "s-(?P<n>.*)", "to": "key_${n}"}]
    found = {"find": {"regex": "s-[45]", "rename": rename, "case": "Env"}}
    make("found", found, onVaultDelete="RemoveKey")
    make("others", *(entry(f"s-{number}") for number in range(6, 11)))
    make("optional", entry("s-6"), entry("nowhere", optional=True))
    for number in range(FUSED + 1):
        scene.fused.store.set_secret(f"f-{number}", "value")
        scene.fused.secret(
            entry(f"f-{number}"),
            name=f"fused-{number}",
            vault={"name": "fused"},
            onVaultDelete="DeleteSecret",
        )
    scene.throttled.store.set_secret("t", "old")
    scene.throttled.secret(entry("t"), name="throttled", vault={"name": "throttled"})


def happen(scene: Scene) -> None:
    store = scene.some.store
    for name in ("s-1", "s-4"):
        store.delete(name)
    store.update("s-3", enabled=False)
    for number in range(FUSED):
        scene.fused.store.delete(f"f-{number}")
    scene.some.azure.faults.add(Fault(client=THROTTLED, status=429, retry_after=10))
    scene.throttled.store.set_secret("t", "new")


def states(world: World, name: str) -> dict[str, str]:
    return {line["ref"]: line["state"] for line in world.status(name).get("objects", ())}


def test_delete_secret_deletes_after_two_polls_and_not_before(scene: Scene) -> None:
    world = scene.some
    wait_for("the loss is seen", lambda: states(world, "delete") == {"s-1": "Missing"}, SECONDS)
    seen = time.monotonic()
    wait_for("it is deleted", lambda: world.data("delete") is None, SECONDS)
    assert time.monotonic() - seen > 20
    world.wait_reason("ObjectNotFound", "False", name="delete")
    world.store.recover("s-1")
    world.sync_now("delete")
    world.wait_data({"s-1": b"value-1"}, name="delete")
    world.store.delete("s-1")


def test_keep_keeps_and_remove_key_removes_its_key_alone(scene: Scene) -> None:
    world = scene.some
    world.wait_data({"s-2": b"value-2"}, name="remove", seconds=SECONDS)
    assert world.data("keep") == {"s-1": b"value-1", "s-2": b"value-2"}
    assert states(world, "keep") == {"s-1": "Missing", "s-2": "Synced"}
    assert world.condition("Ready", "keep")["reason"] == "ObjectNotFound"


def test_what_find_found_goes_with_its_object_and_is_no_failure(scene: Scene) -> None:
    world = scene.some
    world.wait_data({"KEY_5": b"value-5"}, name="found", seconds=SECONDS)
    world.wait_reason("Synced", "True", name="found")


def test_a_disabled_object_deletes_nothing(scene: Scene) -> None:
    world = scene.some
    told = world.wait_reason("ObjectDisabled", "True", name="disabled", seconds=SECONDS)
    assert "s-3" in told["message"]
    assert states(world, "disabled") == {"s-3": "Disabled"}
    world.wait_data({"s-2": b"value-2"}, name="remove", seconds=SECONDS)  # two polls are over
    assert world.data("disabled") == {"s-3": b"value-3"}


def test_the_fuse_holds_and_says_so(scene: Scene) -> None:
    world = scene.fused
    world.wait_reason("Fuse", "True", name="fused", kind="KeyVault", seconds=SECONDS)
    for number in range(FUSED):
        world.wait_reason("Fuse", "True", name=f"fused-{number}", seconds=SECONDS)
    scene.some.wait_data({"s-2": b"value-2"}, name="remove", seconds=SECONDS)
    assert all(world.data(f"fused-{number}") for number in range(FUSED + 1))
    wait_for("events", lambda: world.events("VaultFuse", "fused"))
    # Somebody has looked, at one of them.
    world.sync_now("fused-0")
    wait_for("one is let go", lambda: world.data("fused-0") is None, SECONDS)
    assert all(world.data(f"fused-{number}") for number in range(1, FUSED + 1))


def test_expiry_is_told_in_time(scene: Scene) -> None:
    told = scene.some.condition("Expiring", "others")
    assert (told["status"], told["reason"]) == ("True", "ExpiresSoon")
    assert scene.some.status("others")["expires"]


def test_an_optional_object_is_left_out(scene: Scene) -> None:
    assert scene.some.data("optional") == {"s-6": b"value-6"}


def test_a_throttled_vault_is_left_alone_and_catches_up(scene: Scene) -> None:
    world = scene.throttled
    world.wait_reason("Throttled", name="throttled", kind="KeyVault", seconds=SECONDS)
    assert world.status("throttled", "KeyVault")["throttledUntil"]
    assert world.data("throttled") == {"t": b"old"}
    assert world.condition("Ready", "throttled")["status"] == "True"
    world.azure.faults.clear()
    world.wait_data({"t": b"new"}, name="throttled", seconds=SECONDS)
    world.wait_reason("Synced", "True", name="throttled")
