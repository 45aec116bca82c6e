"""A controller that dies, and what happens in the cluster while none is there."""

from __future__ import annotations

import random
import signal

import pytest

from sealer import encoding
from tests.e2e.conftest import StartVault
from tests.testbed.azure.server import Azure
from tests.testbed.cluster import ControlPlane, Manifest, wait_for
from tests.testbed.vault_world import World, new_world

COUNT = 40
OBJECTS = 10


@pytest.fixture
def world(plane: ControlPlane, azure: Azure, namespace: str) -> World:
    """A namespace with a vault, and no controller yet."""
    world = new_world(plane, azure, namespace)
    world.vault()
    return world


def entry(name: str) -> Manifest:
    return {"key": name, "from": {"secret": name}}


def test_keys_merged_into_a_secret_are_taken_back_though_nobody_saw_the_deletion(
    world: World, start_vault: StartVault
) -> None:
    api = world.plane.api
    world.store.set_secret("one", "one")
    metadata = {"name": "shared", "namespace": world.namespace}
    foreign = {"mine": "stays"}
    api.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": foreign})
    target = {"name": "shared", "creation": "Merge"}
    world.secret(entry("one"), target=target)
    world.secret(entry("one"), name="other", target={"name": "elsewhere"})
    with start_vault():
        world.wait_data({"one": b"one", "mine": b"stays"}, name="shared")
        world.wait_data({"one": b"one"}, name="elsewhere")
    api.delete("KeyVaultSecret", world.namespace, "db")
    with start_vault():
        world.wait_data({"mine": b"stays"}, name="shared")
    assert world.data("elsewhere") == {"one": b"one"}


def test_a_controller_killed_as_it_writes_leaves_whole_secrets_and_finds_its_way(
    world: World, start_vault: StartVault
) -> None:
    """Each Secret has a pair that changes together; it is never seen with one half of it."""
    chance = random.Random(7)  # noqa: S311 a test
    for number in range(COUNT):
        one = number % OBJECTS
        world.secret(entry(f"user-{one}"), entry(f"password-{one}"), name=f"k-{number}")
    rounds = 4
    for turn in range(rounds):
        for one in range(OBJECTS):
            world.store.set_secret(f"user-{one}", f"user-{one}-{turn}")
            world.store.set_secret(f"password-{one}", f"password-{one}-{turn}")
        written = chance.randrange(1, COUNT)
        with start_vault() as controller:

            def has_begun(wanted: int = written, turn: int = turn) -> bool:
                return sum(pair == (turn, turn) for pair in pairs(world).values()) >= wanted

            wait_for(f"{written} of {COUNT} are written", has_begun, 60, 0.005)
            controller.process.send(signal.SIGKILL)
        found = pairs(world)
        assert all(user == password for user, password in found.values())
        world.plane.api.delete("Secret", world.namespace, min(found))
    last = (rounds - 1, rounds - 1)
    everything = {f"k-{number}": last for number in range(COUNT)}
    with start_vault():
        wait_for("all are there", lambda: pairs(world) == everything, 60, 0.2)
        for number in range(COUNT):
            world.wait_reason("Synced", "True", name=f"k-{number}")


def pairs(world: World) -> dict[str, tuple[int, int]]:
    """Of each Secret: the turns that its user and its password are of."""
    found = {}
    for secret in world.plane.api.list("Secret", world.namespace):
        name = secret["metadata"]["name"]
        if name.startswith("k-"):
            one = int(name[2:]) % OBJECTS
            data = {key: encoding.decode(item).decode() for key, item in secret["data"].items()}
            assert data.keys() == {f"user-{one}", f"password-{one}"}
            user, password = (int(data[f"{key}-{one}"][-1]) for key in ("user", "password"))
            found[name] = (user, password)
    return found
