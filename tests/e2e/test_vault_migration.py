"""docs/key-vault-migrate.md on a real API server: the Secret of another syncer changes hands."""

from __future__ import annotations

from pathlib import Path

from sealer import encoding
from tests.chart.test_vault_rights import start, world
from tests.e2e.test_key_vault import single
from tests.testbed.cluster import Manifest, wait_for
from tests.testbed.vault_world import World

__all__ = ["world"]


def left_behind(world: World, *, controller: bool) -> Manifest:
    """A Secret that another syncer made, and its owner: any kind will do."""
    api, namespace = world.plane.api, world.namespace
    owner = {"apiVersion": "v1", "kind": "ConfigMap"}
    made = api.create({**owner, "metadata": {"name": "syncer", "namespace": namespace}})
    reference = {**owner, "name": "syncer", "uid": made["metadata"]["uid"]}
    if controller:
        reference |= {"controller": True, "blockOwnerDeletion": True}
    metadata = {"name": "db", "namespace": namespace, "ownerReferences": [reference]}
    data = {"password": encoding.encode(b"from the vault"), "old": encoding.encode(b"theirs")}
    return api.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})


def take_over(world: World) -> None:
    world.vault()
    adopt = {"metadata": {"annotations": {"keyvault.sealer.dev/adopt": "true"}}}
    world.plane.api.patch("Secret", world.namespace, "db", adopt)
    world.secret(single("password", "db-password"), target={"adopt": "IfUnowned"})


def test_an_orphaned_secret_is_taken_over_in_place(world: World, tmp_path: Path) -> None:
    before = left_behind(world, controller=True)
    with start(world, tmp_path):
        take_over(world)
        world.wait_reason("TargetNotOwned")
        place = ("--namespace", world.namespace)
        world.plane.kubectl("delete", "configmap", "syncer", "--cascade=orphan", *place)
        world.wait_reason("Synced", "True")
        after = world.plane.api.get("Secret", world.namespace, "db")
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert after["data"] == before["data"]
        owners = [one["kind"] for one in after["metadata"]["ownerReferences"]]
        assert owners == ["KeyVaultSecret"]
        # Step 4: nothing depends on adopt any more.
        world.change({"target": {"adopt": None}})
        world.store.set_secret("db-password", "renewed")
        world.sync_now()
        world.wait_data({"password": b"renewed", "old": b"theirs"})


def test_a_secret_that_what_mounts_it_owns_outlives_that(world: World, tmp_path: Path) -> None:
    before = left_behind(world, controller=False)
    with start(world, tmp_path):
        take_over(world)
        world.wait_reason("Synced", "True")
    world.plane.api.delete("ConfigMap", world.namespace, "syncer")
    dead = wait_for(
        "the collector takes the dead owner away",
        lambda: [
            one
            for one in [world.plane.api.find("Secret", world.namespace, "db") or {}]
            if len((one.get("metadata") or {}).get("ownerReferences") or [1]) == 1
        ],
    )
    assert [one["metadata"]["uid"] for one in dead] == [before["metadata"]["uid"]]
