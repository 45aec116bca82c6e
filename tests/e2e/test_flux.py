"""What Flux applies and waits for, by the libraries of its kustomize-controller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sealer.manifest import to_yaml
from tests.e2e.conftest import StartVault, World, new_pair
from tests.testbed.azure.server import Azure
from tests.testbed.cluster import ControlPlane, Manifest
from tests.testbed.flux_argo import flux_apply
from tests.testbed.vault_world import new_world


def flux(
    plane: ControlPlane, *manifests: Manifest, timeout: str = "20s"
) -> tuple[dict[str, str], str]:
    """Apply and wait as admin: what was done to each object, and the error."""
    return flux_apply(plane.kubeconfig, *map(to_yaml, manifests), timeout=timeout)


@pytest.fixture
def running(start: Callable[..., Any]) -> Iterator[None]:
    """A controller for one test: another sees to it that nothing is ready without."""
    with start():
        yield


@pytest.mark.usefixtures("running")
def test_a_kustomization_is_ready_when_the_secret_is_there(world: World) -> None:
    assert flux(world.plane, world.sealed()) == ({"db": "created"}, "")
    assert world.data() == {"password": b"s3cr3t"}
    for word in (b"two", b"three"):
        assert flux(world.plane, world.sealed(data={"password": word})) == (
            {"db": "configured"},
            "",
        )
        assert world.data() == {"password": word}


@pytest.mark.usefixtures("running")
def test_what_is_as_it_was_is_unchanged_at_every_reconciliation(world: World) -> None:
    # The status, the CRD's defaults and the Secret's owner are no drift.
    manifest = world.sealed()
    flux(world.plane, manifest)
    secret = world.secret()
    for _ in range(3):
        assert flux(world.plane, manifest) == ({"db": "unchanged"}, "")
    assert world.secret() == secret


@pytest.mark.usefixtures("running")
def test_what_nobody_can_open_fails_at_once_and_not_at_the_timeout(world: World) -> None:
    sound, broken = world.sealed(), world.sealed("broken", certificate=new_pair().certificate)
    done, error = flux(world.plane, sound, broken, timeout="60s")
    assert done == {"db": "created", "broken": "created"}
    assert error.startswith("failed early due to stalled resources")
    assert f"SealedSecret/{world.namespace}/broken status: 'Failed'" in error
    assert "db status" not in error
    cured = flux(world.plane, sound, world.sealed("broken"))
    assert cured == ({"db": "unchanged", "broken": "configured"}, "")


def test_nothing_is_ready_while_no_controller_runs(world: World, start: Callable[..., Any]) -> None:
    manifest = world.sealed()
    done, error = flux(world.plane, manifest, timeout="1s")
    assert (done, error.split(":")[0]) == ({"db": "created"}, "timeout waiting for")
    assert "status: 'InProgress'" in error
    with start():
        assert flux(world.plane, manifest) == ({"db": "unchanged"}, "")
    changed = world.sealed(data={"password": b"new"})
    assert "status: 'InProgress'" in flux(world.plane, changed, timeout="1s")[1]
    with start():
        assert flux(world.plane, changed) == ({"db": "unchanged"}, "")
        assert world.data() == {"password": b"new"}


def test_a_vault_and_what_is_taken_from_it_are_waited_for(
    plane: ControlPlane, azure: Azure, namespace: str, start_vault: StartVault
) -> None:
    world = new_world(plane, azure, namespace)
    world.store.set_secret("db-password", "s3cr3t")
    entries = [{"key": "password", "from": {"secret": "db-password"}}]
    # As people write it, with all that has a default left out.
    manifests = (world.vault_manifest(poll={}), world.manifest(*entries))
    assert "status: 'InProgress'" in flux(world.plane, *manifests, timeout="1s")[1]
    with start_vault():
        assert flux(world.plane, *manifests) == ({"shop": "unchanged", "db": "unchanged"}, "")
        assert world.data() == {"password": b"s3cr3t"}
        lacking = world.manifest(*entries, {"key": "a", "from": {"secret": "none"}}, name="lacking")
        # A missing object may come at any time: Flux waits, and says for what.
        error = flux(world.plane, *manifests, lacking, timeout="2s")[1]
        assert error.startswith("timeout waiting for")
        assert f"KeyVaultSecret/{namespace}/lacking status: 'InProgress'" in error
        taken = {"metadata": {"name": "lacking", "namespace": namespace}}
        plane.api.create({"apiVersion": "v1", "kind": "Secret", **taken})
        owned = world.manifest(*entries, name="lacking")
        error = flux(world.plane, *manifests, owned, timeout="60s")[1]
        assert error.startswith("failed early due to stalled resources")
