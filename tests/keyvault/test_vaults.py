"""KeyVault resources under a running controller: changed, misread, or told of in vain."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest

from controller.api.cluster import Manifest
from controller.api.errors import ClusterError
from controller.conditions import rfc3339
from controller.keyvault.entry import VaultKey
from tests.keyvault.conftest import Run
from tests.keyvault.simulation import CLIENT, Simulation
from tests.testbed.azure.faults import Fault

SHOP: VaultKey = ("KeyVault", "shop", "shop")


def entry(name: str) -> dict[str, object]:
    return {"key": name, "from": {"secret": name}}


async def started(half: Simulation, **spec: Any) -> None:
    half.store.set_secret("one", "first")
    half.clock.now += 60
    await half.vault(**spec)
    half.secret("db", entry("one"))
    await half.settle()
    assert half.data("db") == {"one": "first"}


def changed(half: Simulation, **spec: Any) -> Manifest:
    """The KeyVault with another spec."""
    body = copy.deepcopy(half.vaults.entries[SHOP].body)
    body["metadata"]["generation"] += 1
    body["spec"] |= spec
    return body


def fail_status(half: Simulation, times: int) -> None:
    """The API server takes no status of a vault for a while."""
    real, left = half.objects.patch_status, [times]

    async def patch_status(kind: str, namespace: str, name: str, status: Mapping[str, Any]) -> None:
        if kind == "KeyVault" and left[0]:
            left[0] -= 1
            raise ClusterError("the API server answers 500")
        await real(kind, namespace, name, status)

    half.objects.patch_status = patch_status  # type: ignore[method-assign]


# Intervals.


def test_a_shorter_interval_does_not_wait_for_the_old_one(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, interval="24h")
        half.store.set_secret("one", "second")
        half.clock.now += 60
        await half.vaults.see(SHOP, changed(half, poll={"interval": "30s"}))
        await half.settle()
        assert half.data("db") == {"one": "second"}
        half.store.set_secret("one", "third")
        await half.tick(35)
        assert half.data("db") == {"one": "third"}

    run(test)


def test_another_mode_does_not_wait_for_the_next_poll(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, interval="24h")
        half.azure.forget()
        await half.vaults.see(SHOP, changed(half, poll={"interval": "24h", "mode": "List"}))
        await half.settle()
        assert half.azure.calls["secrets/list"] == 1

    run(test)


def test_what_does_not_make_polls_due_earlier_makes_none(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, interval="5m")
        half.azure.forget()
        for interval in ("5m", "10m"):
            await half.vaults.see(SHOP, changed(half, poll={"interval": interval}))
            await half.settle()
        assert not half.azure.calls

    run(test)


def test_retry_after_is_obeyed_beyond_our_own_longest_pause(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        half.azure.faults.add(Fault(status=429, retry_after=900))
        await half.tick(61)
        assert half.ready("shop", "KeyVault") == ("False", "Throttled")
        half.azure.faults.clear()
        half.azure.forget()
        await half.tick(880)
        assert not half.azure.calls
        await half.tick(30)
        assert half.ready("shop", "KeyVault") == ("True", "Ready")

    run(test)


# Statuses that could not be written.


def test_a_status_without_polls_is_written_once_the_api_server_takes_it(run: Run) -> None:
    async def test(half: Simulation) -> None:
        fail_status(half, 2)
        await half.vault(url="https://x.nowhere.example")
        assert half.ready("shop", "KeyVault") == ("", "")
        for _ in range(3):
            await half.tick(16)
        assert half.ready("shop", "KeyVault") == ("False", "UnknownCloud")
        assert half.events.count(("shop", "VaultUnknownCloud")) == 1
        writes = half.objects.status_writes
        await half.tick(400)
        assert half.objects.status_writes == writes

    run(test)


def test_the_status_of_a_poll_does_not_wait_for_the_next_one(run: Run) -> None:
    async def test(half: Simulation) -> None:
        fail_status(half, 1)
        await half.vault(interval="24h")
        polled = half.clock.date()
        assert half.ready("shop", "KeyVault") == ("", "")
        half.azure.forget()
        await half.tick(16)
        assert half.ready("shop", "KeyVault") == ("True", "Ready")
        assert half.status("shop", "KeyVault")["lastPollTime"] == rfc3339(polled)
        assert not half.azure.calls

    run(test)


# Races.


async def slow_identity(half: Simulation) -> tuple[asyncio.Event, asyncio.Task[bool]]:
    """A reading of the vault's identity that began, and ends when the event is set."""
    gate, real, first = asyncio.Event(), half.objects.find_secret, [True]

    async def find_secret(namespace: str, name: str) -> Manifest | None:
        if name == "principal" and first[0]:
            first[0] = False
            await gate.wait()
        return await real(namespace, name)

    half.objects.find_secret = find_secret  # type: ignore[method-assign]
    reading = asyncio.create_task(half.vaults.renew(SHOP))
    await asyncio.sleep(0.05)
    return gate, reading


def test_what_was_read_of_an_older_spec_does_not_win(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        other = half.azure.vault("other")
        other.grant(CLIENT)
        other.set_secret("one", "other")
        gate, reading = await slow_identity(half)
        seeing = asyncio.create_task(
            half.vaults.see(SHOP, changed(half, url=half.azure.url("other")))
        )
        await asyncio.sleep(0.05)
        gate.set()
        await asyncio.gather(reading, seeing)
        await half.settle()
        await half.tick()
        assert half.data("db") == {"one": "other"}
        assert len(half.vaults.pollers()) == 1

    run(test)


def test_a_vault_deleted_while_it_is_read_leaves_nothing_and_breaks_nothing(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        # A second one shares its poller and its credential.
        twin = copy.deepcopy(half.vaults.entries[SHOP].body)
        twin["metadata"] |= {"name": "twin", "uid": "twin"}
        await half.vaults.see(("KeyVault", "shop", "twin"), twin)
        await half.settle()
        gate, reading = await slow_identity(half)
        going = asyncio.create_task(half.vaults.gone(SHOP))
        await asyncio.sleep(0.05)
        half.vaults.on_secret("shop", "principal")
        await half.vaults.see(
            ("KeyVault", "shop", "twin"),
            {
                **twin,
                "metadata": {**twin["metadata"], "generation": 2},
                "spec": {**twin["spec"], "poll": {"interval": "30s"}},
            },
        )
        gate.set()
        await going
        assert not await reading
        await half.settle()
        assert {key[2] for key in half.vaults.entries} == {"twin"}
        await half.vaults.gone(("KeyVault", "shop", "twin"))
        assert not half.vaults.pollers()

    run(test)


# Answers that nothing is prepared for.

DEEP = '{"value": ' + "[" * 100_000 + "]" * 100_000 + "}"
HUGE = json.dumps(
    {
        "value": "x",
        "id": "https://shop.vault.test/secrets/one/1",
        "attributes": {"created": 10**40, "updated": 10**400},
    }
)
CHALLENGING = '{"value": [{"id": "The challenge", "attributes": {}}]}'


@pytest.mark.parametrize("text", [DEEP, HUGE, CHALLENGING], ids=["deep", "huge", "challenging"])
@pytest.mark.parametrize("operation", ["secrets/list", "secrets/get"])
def test_an_answer_that_nothing_is_prepared_for_is_no_vaults(
    run: Run, text: str, operation: str
) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        mode = "Get" if operation == "secrets/get" else "List"
        half.azure.faults.add(Fault(operation=operation, status=200, text=text))
        await half.vaults.see(SHOP, changed(half, poll={"interval": "1m", "mode": mode}))
        await half.settle()
        assert half.ready("shop", "KeyVault") == ("False", "Unreachable")
        assert half.data("db") == {"one": "first"}

    run(test)


def test_a_defect_of_the_controller_is_told_and_gone_with_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        poller = half.vaults.poller(SHOP)
        assert poller is not None
        real = poller.cycle

        async def cycle() -> Any:
            raise ZeroDivisionError("hunter2")

        monkeypatch.setattr(poller, "cycle", cycle)
        await half.tick()
        assert half.ready("shop", "KeyVault") == ("False", "InternalError")
        assert "ZeroDivisionError" in str(half.status("shop", "KeyVault"))
        assert "hunter2" not in str(half.status("shop", "KeyVault"))
        assert ("shop", "VaultInternalError") in half.events
        monkeypatch.setattr(poller, "cycle", real)
        await half.tick(16)
        assert half.ready("shop", "KeyVault") == ("True", "Ready")
        assert half.ready("db") == ("True", "Synced")

    run(test)
