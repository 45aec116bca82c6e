"""A KeyVaultSecret that cannot go on: what it asks for, and what is told of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from controller.cluster import Manifest
from tests.keyvault.conftest import Run
from tests.keyvault.simulation import Simulation
from tests.keyvault.test_faults import entry


async def started(half: Simulation) -> None:
    """Two KeyVaultSecrets on a vault whose objects are read one by one."""
    half.store.set_secret("s", "v")
    half.store.set_secret("other", "v")
    half.clock.now += 60
    await half.vault(poll={"interval": "1m", "mode": "Get"})
    half.secret("a", entry("s"))
    half.secret("b", entry("other"))
    await half.settle()
    await half.tick()


@pytest.mark.parametrize(
    ("data", "spec", "reason"),
    [
        pytest.param({"find": {"regex": "("}}, {}, "InvalidSpec", id="invalid"),
        pytest.param(entry("s"), {"vaultRef": {"name": "gone"}}, "VaultNotFound", id="no vault"),
    ],
)
def test_nothing_is_asked_for_it_any_more(
    run: Run, data: dict[str, Any], spec: dict[str, Any], reason: str
) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        half.secret("a", data, generation=2, **spec)
        await half.settle()
        assert half.ready("a") == ("False", reason)
        half.azure.forget()
        await half.tick()
        assert half.azure.calls["secrets/get"] == 1
        half.secret("a", entry("s"), generation=3)
        await half.settle()
        assert half.ready("a") == ("True", "Synced")
        half.azure.forget()
        await half.tick()
        assert half.azure.calls["secrets/get"] == 2

    run(test)


def test_a_fault_of_ours_is_told_without_what_it_quotes(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        find = half.objects.find_secret

        async def fail(namespace: str, name: str) -> Manifest | None:
            if name == "a":
                raise UnicodeError("canary")
            return await find(namespace, name)

        half.objects.find_secret = fail  # type: ignore[method-assign]
        half.store.set_secret("s", "v2")
        half.store.set_secret("other", "v2")
        await half.tick()
        assert half.ready("a")[1] == "InternalError"
        told = json.dumps(half.status("a"))
        assert "UnicodeError" in told
        assert "canary" not in told
        assert ("a", "InternalError") in half.events
        labels = {"namespace": "shop", "name": "a"}
        assert half.registry.get_sample_value("keyvaultsecret_ready", labels) == 0
        assert half.data("b") == {"other": "v2"}
        half.objects.find_secret = find  # type: ignore[method-assign]
        await half.wait()
        assert half.ready("a") == ("True", "Synced")
        assert half.data("a") == {"s": "v2"}

    run(test)
