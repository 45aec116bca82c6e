"""``refresh: Once`` and ``OnChange``: what stays, what is told, what a restart knows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.keyvault.conftest import Run
from tests.keyvault.simulation import Simulation
from tests.keyvault.test_faults import entry


async def started(half: Simulation, refresh: str) -> None:
    """A KeyVaultSecret ``a`` that has ``s``; then the vault has another value."""
    half.store.set_secret("s", "v1")
    half.clock.now += 60
    await half.vault()
    half.secret("a", entry("s"), refresh=refresh)
    await half.settle()
    assert half.ready("a") == ("True", "Synced")
    half.store.set_secret("s", "v2")
    half.clock.now += 60


def ready_metric(half: Simulation) -> float | None:
    labels = {"namespace": "shop", "name": "a"}
    return half.registry.get_sample_value("keyvaultsecret_ready", labels)


def test_once_looks_at_a_new_generation_and_says_so(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, "Once")
        half.secret("a", entry("s"), refresh="Once", generation=2, onVaultDelete="RemoveKey")
        await half.settle()
        assert half.status("a")["observedGeneration"] == 2
        assert half.ready("a") == ("True", "Synced")
        assert half.data("a") == {"s": "v1"}

    run(test)


@pytest.mark.parametrize("restart", [False, True])
def test_once_is_good_again_when_its_spec_is_corrected(run: Run, restart: bool) -> None:
    async def test(half: Simulation) -> None:
        await started(half, "Once")
        half.secret("a", {"find": {"regex": "("}}, refresh="Once", generation=2)
        await half.settle()
        assert half.ready("a") == ("False", "InvalidSpec")
        if restart:
            await half.restart()
        half.secret("a", entry("s"), refresh="Once", generation=3)
        await half.settle()
        assert half.ready("a") == ("True", "Synced")
        assert half.status("a")["observedGeneration"] == 3
        assert half.data("a") == {"s": "v1"}

    run(test)


def test_once_writes_the_secret_of_a_new_name(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, "Once")
        half.secret("a", entry("s"), refresh="Once", generation=2, target={"name": "new"})
        await half.settle()
        assert half.data("new") == {"s": "v2"}
        assert half.data("a") is None
        assert half.status("a")["target"] == "new"

    run(test)


@pytest.mark.parametrize("refresh", ["Once", "OnChange"])
def test_a_restart_and_a_touch_bring_no_new_value(run: Run, refresh: str) -> None:
    async def test(half: Simulation) -> None:
        await started(half, refresh)
        await half.restart()
        assert ready_metric(half) == 1
        half.syncer.on_target(half.objects.secrets["shop", "a"]["metadata"])
        await half.settle()
        assert half.data("a") == {"s": "v1"}
        assert half.ready("a") == ("True", "Synced")

    run(test)


@pytest.mark.parametrize("refresh", ["Once", "OnChange"])
@pytest.mark.parametrize("edited", [False, True])
def test_a_secret_that_was_harmed_while_nobody_watched_is_made_again(
    run: Run, refresh: str, edited: bool
) -> None:
    async def test(half: Simulation) -> None:
        await started(half, refresh)
        if edited:
            take(half, "a", "s")
        else:
            del half.objects.secrets["shop", "a"]
        await half.restart()
        assert half.data("a") == {"s": "v2"}

    run(test)


def take(half: Simulation, name: str, key: str) -> dict[str, Any]:
    """Somebody else writes our key, and owns the field from then on; return the metadata."""
    secret = half.objects.secrets["shop", name]
    secret["data"][key] = "ZXZpbA=="
    fields: dict[str, Any] = {"f:data": {f"f:{key}": {}}}
    secret["metadata"]["managedFields"] = [{"manager": "kubectl", "fieldsV1": fields}]
    metadata: dict[str, Any] = secret["metadata"]
    return metadata
