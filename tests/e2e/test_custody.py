"""Nobody's manifest changes a sealing key: the controller's own namespace, a real API server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sealer import Certificate, KeyPair, encoding
from sealer.keys.custody import KEY_LABEL
from sealer.keys.keyfile import key_secret
from tests.e2e.conftest import StartVault, new_pair
from tests.e2e.conftest import World as SealedWorld
from tests.e2e.test_key_vault import single
from tests.testbed.azure.server import Azure
from tests.testbed.cluster import ControlPlane, Manifest, wait_for
from tests.testbed.controllers import NAMESPACE, Controller
from tests.testbed.vault_world import World, new_world

PREFIX = "sealed-secrets-key"


@pytest.fixture(scope="module")
def controller(pair: KeyPair, start_vault: StartVault) -> Iterator[Controller]:
    """Both halves, with the rights that the chart gives them."""
    with start_vault() as running:
        yield running


@pytest.fixture
def key(plane: ControlPlane, pair: KeyPair) -> Manifest:
    """The sealing key's Secret as it is."""
    assert pair.certificate is not None
    pem = encoding.encode(pair.certificate.pem)
    (name,) = (
        one["metadata"]["name"]
        for one in plane.api.list("Secret", NAMESPACE)
        if (one.get("data") or {}).get("tls.crt") == pem
    )
    return plane.api.get("Secret", NAMESPACE, name)


@pytest.fixture
def attacker(plane: ControlPlane, azure: Azure, controller: Controller) -> Iterator[World]:
    """Somebody who may write KeyVaults and KeyVaultSecrets beside the controller."""
    world = new_world(plane, azure, NAMESPACE, name="attacker")
    evil = new_pair(days_ago=-1)
    assert evil.certificate is not None
    world.store.set_secret("k", evil.private_pem().decode())
    world.store.set_secret("c", evil.certificate.pem.decode())
    world.vault("mine")
    yield world
    for kind in ("KeyVaultSecret", "KeyVault", "SealedSecret"):
        for one in plane.api.list(kind, NAMESPACE):
            plane.api.delete(kind, NAMESPACE, one["metadata"]["name"])


def attack(world: World, name: str, **target: Any) -> None:
    world.secret(
        single("tls.key", "k"),
        single("tls.crt", "c"),
        name="evil",
        vault={"name": "mine"},
        target={"name": name, "type": "kubernetes.io/tls", **target},
    )


def served(controller: Controller) -> str:
    return Certificate.from_pem(controller.get("/v1/cert.pem")[1]).fingerprint


def settled(world: World, controller: Controller) -> None:
    """Wait until the controller has done whatever it does about what was deleted before."""
    world.store.set_secret("last", "last")
    world.secret(single("last", "last"), name="last", vault={"name": "mine"})
    world.wait_data({"last": b"last"}, name="last")
    assert controller.is_ready()


@pytest.mark.parametrize(
    "target",
    [
        {"creation": "Merge"},
        {"adopt": "IfUnowned"},
        {"adopt": "IfUnowned", "creation": "Orphan"},
    ],
    ids=["Merge", "Owner", "Orphan"],
)
def test_a_key_vault_secret_cannot_take_a_sealing_key(
    attacker: World, controller: Controller, key: Manifest, target: dict[str, str]
) -> None:
    api, name, before = attacker.plane.api, key["metadata"]["name"], served(controller)
    attack(attacker, name, **target)
    ready = attacker.wait_reason("TargetNotOwned", name="evil")
    assert "is a sealing key" in ready["message"]
    assert api.get("Secret", NAMESPACE, name) == key
    api.delete("KeyVaultSecret", NAMESPACE, "evil")
    settled(attacker, controller)
    assert api.get("Secret", NAMESPACE, name) == key
    assert served(controller) == before


def test_a_target_that_becomes_a_sealing_key_is_refused(
    attacker: World, controller: Controller, key: Manifest
) -> None:
    api, name, before = attacker.plane.api, key["metadata"]["name"], served(controller)
    attack(attacker, "harmless")
    attacker.wait_reason("Synced", "True", name="evil")
    attacker.change({"target": {"name": name, "adopt": "IfUnowned"}}, name="evil")
    attacker.wait_reason("TargetNotOwned", name="evil")
    attacker.change({"target": {"name": f"{PREFIX}-mine", "adopt": None}}, name="evil")
    wait_for(
        "the new name is refused",
        lambda: f"{PREFIX}-mine" in attacker.condition("Ready", "evil").get("message", ""),
    )
    attacker.change({"target": {"name": "harmless"}}, name="evil")
    attacker.wait_reason("Synced", "True", name="evil")
    assert api.get("Secret", NAMESPACE, name) == key
    assert api.find("Secret", NAMESPACE, f"{PREFIX}-mine") is None
    assert served(controller) == before


def test_a_secret_that_was_filled_before_it_became_a_key_is_none(
    attacker: World, controller: Controller
) -> None:
    """Somebody with other rights labels it, by mistake or by an agreement."""
    api, before = attacker.plane.api, served(controller)
    attack(attacker, "harmless")
    attacker.wait_reason("Synced", "True", name="evil")
    labels = {"metadata": {"labels": {KEY_LABEL: "active"}}}
    there = api.patch("Secret", NAMESPACE, "harmless", labels)
    wait_for("it is told of", lambda: attacker.events("KeyRejected", "harmless"))
    assert served(controller) == before
    attacker.store.set_secret("k", "changed")
    attacker.sync_now("evil")
    attacker.wait_reason("TargetNotOwned", name="evil")
    assert api.get("Secret", NAMESPACE, "harmless")["data"] == there["data"]
    api.delete("Secret", NAMESPACE, "harmless")


@pytest.mark.parametrize("annotation", ["managed", "patch"])
def test_a_sealed_secret_cannot_change_a_sealing_key(
    attacker: World, controller: Controller, pair: KeyPair, annotation: str
) -> None:
    """A retired key beside the one that seals, annotated as a Secret that may be changed."""
    api, before = attacker.plane.api, served(controller)
    assert pair.certificate is not None
    manifest = key_secret(new_pair(days_ago=9), prefix=f"{PREFIX}-", namespace=NAMESPACE)
    manifest["metadata"]["annotations"] = {f"sealedsecrets.bitnami.com/{annotation}": "true"}
    manifest["metadata"]["labels"] = {KEY_LABEL: "retired"}
    there = api.create(manifest)
    name = there["metadata"]["name"]
    inside = SealedWorld(attacker.plane, NAMESPACE, pair.certificate)
    evil = {"tls.key": b"x", "tls.crt": b"x"}
    inside.apply(inside.sealed(name, evil, type="kubernetes.io/tls"))
    inside.wait_condition("Stalled", "True", "sealing key", name=name)
    assert api.get("Secret", NAMESPACE, name) == there
    api.delete("SealedSecret", NAMESPACE, name)
    settled(attacker, controller)
    assert api.get("Secret", NAMESPACE, name) == there
    assert served(controller) == before
    api.delete("Secret", NAMESPACE, name)


def test_a_sealed_secret_cannot_make_one_with_a_name_as_keys_have(
    attacker: World, controller: Controller, pair: KeyPair
) -> None:
    assert pair.certificate is not None
    inside = SealedWorld(attacker.plane, NAMESPACE, pair.certificate)
    inside.apply(inside.sealed(f"{PREFIX}abcde", type="kubernetes.io/tls", data={"tls.key": b"x"}))
    inside.wait_condition("Stalled", "True", "cannot make a sealing key", name=f"{PREFIX}abcde")
    assert inside.secret(f"{PREFIX}abcde") is None
