"""A Secret that somebody edits or deletes: what is undone, and what is told meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.keyvault.conftest import Run
from tests.keyvault.simulation import Simulation
from tests.keyvault.test_faults import entry, started
from tests.keyvault.test_refresh import take
from tests.testbed.azure.faults import Fault


def delete(half: Simulation, name: str) -> None:
    """Somebody deletes a Secret, and the watch says so."""
    metadata = half.objects.secrets.pop(("shop", name))["metadata"]
    half.syncer.on_target(metadata, deleted=True)


def edit(half: Simulation, name: str) -> None:
    """Somebody edits a Secret, and the watch says so."""
    half.syncer.on_target(take(half, name, f"s-{name[2:]}"))


@pytest.mark.parametrize("harm", [delete, edit])
@pytest.mark.parametrize("restart", [False, True])
def test_in_an_outage_a_secret_is_not_ready_unless_it_is_there_as_written(
    run: Run, harm: Callable[[Simulation, str], None], restart: bool
) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        half.azure.faults.add(Fault(status=503, code="Unavailable"))
        await half.tick()
        await half.tick()
        assert half.ready("k-1") == ("True", "Unreachable")
        if restart:
            await half.restart()
            assert half.ready("k-1")[0] == "True"
        harm(half, "k-1")
        await half.settle()
        await half.tick()
        assert half.ready("k-1")[0] == "False"
        assert half.ready("k-2")[0] == "True"
        half.azure.faults.clear()
        for _ in range(6):
            await half.tick()
        assert half.ready("k-1") == ("True", "Synced")
        assert half.data("k-1") == {"s-1": "value-1"}

    run(test)


@pytest.mark.parametrize("harm", [delete, edit])
@pytest.mark.parametrize("refresh", ["Periodic", "Once"])
def test_what_somebody_does_while_the_status_is_written_is_undone(
    run: Run, harm: Callable[[Simulation, str], None], refresh: str
) -> None:
    async def test(half: Simulation) -> None:
        await started(half, count=2)
        written, gate = asyncio.Event(), asyncio.Event()
        write = half.objects.patch_status

        async def slow(kind: str, namespace: str, name: str, status: Mapping[str, Any]) -> None:
            if kind == "KeyVaultSecret":
                written.set()
                await gate.wait()
            await write(kind, namespace, name, status)

        half.objects.patch_status = slow  # type: ignore[method-assign]
        half.secret("n-1", entry("s-1"), refresh=refresh)
        async with asyncio.timeout(10):
            await written.wait()
        half.syncer.on_target(half.objects.secrets["shop", "n-1"]["metadata"])
        harm(half, "n-1")
        gate.set()
        await half.settle()
        assert half.data("n-1") == {"s-1": "value-1"}
        assert half.ready("n-1") == ("True", "Synced")

    run(test)


def test_our_own_write_is_no_drift(run: Run) -> None:
    """Its event may come while the status is being written, an older one just before it."""

    async def test(half: Simulation) -> None:
        await started(half, count=2)
        write = half.objects.patch_status
        before = dict(half.objects.secrets["shop", "k-1"]["metadata"])

        async def told(kind: str, namespace: str, name: str, status: Mapping[str, Any]) -> None:
            if name == "k-1":
                half.syncer.on_target({**before, "managedFields": []})
                half.syncer.on_target(half.objects.secrets["shop", "k-1"]["metadata"])
            await write(kind, namespace, name, status)

        half.objects.patch_status = told  # type: ignore[method-assign]
        half.store.set_secret("s-1", "new")
        half.azure.forget()
        await half.tick()
        assert half.data("k-1") == {"s-1": "new"}
        assert half.azure.calls["secrets/get"] == 1
        assert not half.syncer.records["shop", "k-1"].force

    run(test)


def test_a_foreign_secret_that_went_is_no_outage(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, count=2)
        half.objects.secrets["shop", "theirs"] = {"metadata": {"uid": "t", "resourceVersion": "1"}}
        target = {"name": "theirs", "creation": "Merge"}
        half.secret("m", entry("s-1"), target=target)
        await half.settle()
        assert half.ready("m") == ("True", "Synced")
        metadata = half.objects.secrets.pop(("shop", "theirs"))["metadata"]
        half.syncer.on_target({**metadata, "namespace": "shop", "name": "theirs"}, deleted=True)
        await half.settle()
        assert half.ready("m") == ("False", "TargetNotFound")

    run(test)
