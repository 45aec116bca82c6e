"""What a poll tells, to whom, and what it costs: changes, losses, outages, rights."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.keyvault.conftest import Run
from tests.keyvault.simulation import Simulation
from tests.testbed.azure.faults import Fault

SYNC_NOW = "keyvault.sealer.dev/sync-now"
DENIED: dict[str, Any] = {"status": 403, "code": "Forbidden", "inner": "ForbiddenByRbac"}
GONE: dict[str, Any] = {"onVaultDelete": "DeleteSecret"}


def entry(name: str, **more: Any) -> dict[str, object]:
    return {"key": name, "from": {"secret": name, **more}}


def fill(half: Simulation, count: int) -> None:
    for number in range(count):
        half.store.set_secret(f"s-{number}", "v")
    half.clock.now += 60


async def started(half: Simulation, count: int, *, interval: str = "1m", **spec: Any) -> None:
    """A vault polled twice, and a KeyVaultSecret ``k-0`` and so on for each of its secrets."""
    fill(half, count)
    await half.vault(interval=interval)
    for number in range(count):
        half.secret(f"k-{number}", entry(f"s-{number}"), **spec)
    await half.settle()
    await half.tick()


def lost(half: Simulation, count: int) -> list[int]:
    return [number for number in range(count) if half.data(f"k-{number}") is None]


def test_a_change_that_one_saw_between_polls_reaches_the_others(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.store.set_secret("s", "one")
        half.clock.now += 60
        await half.vault()
        for name in ("a", "b"):
            half.secret(name, entry("s"))
        await half.settle()
        await half.tick()
        half.store.set_secret("s", "two")
        half.clock.now += 20
        half.secret("a", entry("s"), annotations={SYNC_NOW: "1"})
        await half.settle()
        assert half.data("a") == {"s": "two"}
        for _ in range(3):
            await half.tick()
        assert half.data("b") == {"s": "two"}

    run(test)


@pytest.mark.parametrize("mode", ["Get", "Auto"])
def test_a_disabled_object_whose_get_says_404_is_not_gone(run: Run, mode: str) -> None:
    async def test(half: Simulation) -> None:
        half.store.set_secret("s", "v")
        half.store.disabled_is_404 = True
        half.clock.now += 60
        await half.vault(poll={"interval": "1m", "mode": mode})
        half.secret("a", entry("s"), **GONE)
        await half.settle()
        await half.tick()
        half.store.update("s", enabled=False)
        for _ in range(4):
            await half.tick()
        assert half.data("a") == {"s": "v"}
        assert half.ready("a")[1] == "ObjectDisabled"
        half.store.update("s", enabled=True)
        half.store.delete("s")
        for _ in range(3):
            await half.tick()
        assert half.data("a") is None

    run(test)


def test_two_404s_count_only_when_they_are_a_poll_apart(run: Run) -> None:
    async def test(half: Simulation) -> None:
        fill(half, 6)
        await half.vault(interval="20m")
        for number in range(6):
            half.secret(f"k-{number}", entry(f"s-{number}"), **GONE)
        await half.settle()
        half.clock.now += 600
        half.store.delete("s-1")
        half.store.set_secret("s-2", "new")
        fault = Fault("secrets/get", name="s-2", status=429, retry_after=6, times=1)
        half.azure.faults.add(fault)
        await half.tick(610)
        assert fault.hits == 1
        await half.tick(8)  # another look, since the vault throttled
        assert half.data("k-2") == {"s-2": "new"}
        assert half.data("k-1") == {"s-1": "v"}
        await half.tick(1300)
        assert half.data("k-1") is None

    run(test)


async def in_two_polls(half: Simulation) -> None:
    """Half of the loss shows in one poll, the rest in the next."""
    faults = [Fault("secrets/get", name=f"s-{number}", status=503) for number in range(3, 6)]
    for fault in faults:
        half.azure.faults.add(fault)
    await half.tick()
    half.azure.faults.clear()


async def by_a_push(half: Simulation) -> None:
    """New generations meet the loss before a poll does."""
    half.clock.now += 20
    for number in range(6):
        half.secret(f"k-{number}", entry(f"s-{number}"), **GONE, generation=2)
    await half.settle()


@pytest.mark.parametrize("seen", [in_two_polls, by_a_push])
def test_the_fuse_holds_however_the_loss_comes_to_light(
    run: Run, seen: Callable[[Simulation], Awaitable[None]]
) -> None:
    async def test(half: Simulation) -> None:
        await started(half, 6, **GONE)
        for number in range(6):
            half.store.delete(f"s-{number}")
        await seen(half)
        for _ in range(4):
            await half.tick()
        assert lost(half, 6) == []
        assert half.ready("k-0")[1] == "Fuse"

    run(test)


@pytest.mark.parametrize(
    ("count", "deleted", "gone"),
    [(1, 1, [0]), (2, 1, [0]), (2, 2, []), (3, 2, []), (4, 2, [0, 1]), (5, 3, [])],
)
def test_the_fuse_holds_in_a_small_vault_but_for_one_object(
    run: Run, count: int, deleted: int, gone: list[int]
) -> None:
    async def test(half: Simulation) -> None:
        await started(half, count, **GONE)
        for number in range(deleted):
            half.store.delete(f"s-{number}")
        for _ in range(4):
            await half.tick()
        assert lost(half, count) == gone

    run(test)


def test_losses_that_were_let_pass_do_not_count_again(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, 8, **GONE)
        for number in (0, 1, 2):
            half.store.delete(f"s-{number}")
        for _ in range(3):
            await half.tick()
        assert lost(half, 8) == [0, 1, 2]
        for number in (3, 4):
            half.store.delete(f"s-{number}")
        for _ in range(3):
            await half.tick()
        assert lost(half, 8) == [0, 1, 2, 3, 4]

    run(test)


def test_an_outage_costs_a_request_a_poll_whatever_hangs_on_the_vault(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, 60)
        half.azure.forget()
        fault = half.azure.faults.add(Fault(status=503))
        for _ in range(30):
            await half.tick(60)
        assert 20 < fault.hits < 60
        assert half.ready("k-1") == ("True", "Unreachable")
        half.azure.faults.clear()
        for _ in range(3):
            await half.tick(400)
        assert half.ready("k-1") == ("True", "Synced")

    run(test)


def test_an_outage_costs_as_little_where_objects_are_read_one_by_one(run: Run) -> None:
    async def test(half: Simulation) -> None:
        fill(half, 6)
        await half.vault(poll={"interval": "1m", "mode": "Get"})
        for number in range(6):
            half.secret(f"k-{number}", entry(f"s-{number}"))
        await half.settle()
        fault = half.azure.faults.add(Fault(status=503))
        for _ in range(30):
            await half.tick(60)
        assert fault.hits < 60
        half.azure.faults.clear()
        half.store.set_secret("s-1", "new")
        for _ in range(3):
            await half.tick(400)
        assert half.data("k-1") == {"s-1": "new"}

    run(test)


def test_one_hiccup_reads_nothing_again(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, 60)
        await half.tick()
        half.azure.forget()
        half.azure.faults.add(Fault("secrets/list", status=503, times=1))
        events = len(half.events)
        for _ in range(3):
            await half.tick()
        assert half.azure.calls["secrets/get"] == 0
        assert [name for name, _ in half.events[events:]] == ["shop", "shop"]

    run(test)


def test_find_lists_whatever_the_mode(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.store.set_secret("f-1", "v")
        half.clock.now += 60
        await half.vault(poll={"interval": "1m", "mode": "Get"})
        half.secret("a", {"find": {"name": "f-*"}})
        await half.settle()
        half.store.set_secret("f-2", "v")
        for _ in range(2):
            await half.tick()
        assert half.data("a") == {"f-1": "v", "f-2": "v"}

    run(test)


def test_a_right_to_list_is_seen_at_the_next_poll(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.store.set_secret("f-1", "v")
        half.clock.now += 60
        half.azure.faults.add(Fault("secrets/list", **DENIED))
        await half.vault(interval="5m")
        half.secret("a", {"find": {"name": "f-*"}})
        await half.settle()
        half.azure.faults.clear()
        for _ in range(2):
            await half.tick(330)
        assert half.data("a") == {"f-1": "v"}
        conditions = half.status("shop", "KeyVault")["conditions"]
        assert [one["status"] for one in conditions if one["type"] == "Listing"] == ["True"]

    run(test)


def test_a_vault_that_throttles_single_objects_is_throttled(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, 6)
        half.azure.faults.add(Fault("secrets/get", status=429, retry_after=60))
        half.store.set_secret("s-1", "new")
        await half.tick()
        assert half.ready("shop", "KeyVault") == ("False", "Throttled")
        assert half.status("shop", "KeyVault")["throttledUntil"]
        half.azure.faults.clear()
        for _ in range(2):
            await half.tick()
        assert half.data("k-1") == {"s-1": "new"}
        assert half.ready("shop", "KeyVault") == ("True", "Ready")

    run(test)


def test_one_object_that_is_denied_says_nothing_of_the_others(run: Run) -> None:
    async def test(half: Simulation) -> None:
        version = half.store.set_secret("pinned", "v").id
        half.store.set_secret("denied", "v")
        half.clock.now += 60
        half.azure.faults.add(Fault("secrets/list", **DENIED))
        half.azure.faults.add(Fault("secrets/get", name="denied", **DENIED))
        await half.vault()
        half.secret("a", entry("pinned", version=version))
        half.secret("b", entry("denied"))
        await half.settle()
        for _ in range(6):
            await half.tick()
            assert half.ready("shop", "KeyVault") == ("True", "Ready")
        assert half.ready("a") == ("True", "Synced")
        assert half.ready("b") == ("False", "VaultNotReady")

    run(test)


def test_ready_is_earned_though_a_secret_came_during_the_first_list(run: Run) -> None:
    async def test(half: Simulation) -> None:
        fill(half, 3)
        half.azure.faults.add(Fault("secrets/list", **DENIED, delay=0.3))
        half.azure.faults.add(Fault("secrets/get", **DENIED))
        making = asyncio.create_task(half.vault(interval="5m"))
        await half.until(lambda: half.vaults.poller(("KeyVault", "shop", "shop")) is not None)
        half.secret("a", entry("s-1"))
        await making
        for _ in range(6):
            assert half.ready("shop", "KeyVault") == ("False", "Forbidden")
            await half.tick(100)

    run(test)


def test_a_new_find_sees_what_was_put_into_the_vault_just_before(run: Run) -> None:
    async def test(half: Simulation) -> None:
        fill(half, 1)
        await half.vault(interval="1h")
        half.secret("a", {"find": {"name": "s-*"}})
        await half.settle()
        half.store.set_secret("s-new", "v")
        half.clock.now += 2
        half.secret("b", {"find": {"name": "s-*"}})
        await half.settle()
        assert half.data("b") == {"s-0": "v", "s-new": "v"}
        half.store.set_secret("s-newer", "v")
        half.clock.now += 60
        half.secret("b", {"find": {"name": "s-new*"}}, generation=2)
        await half.settle()
        assert half.data("b") == {"s-new": "v", "s-newer": "v"}

    run(test)


def test_a_missing_object_is_looked_for_in_minutes_however_seldom_the_polls_are(run: Run) -> None:
    async def test(half: Simulation) -> None:
        fill(half, 1)
        await half.vault(interval="6h")
        half.secret("a", entry("late"))
        await half.settle()
        for _ in range(10):
            await half.tick()
        assert half.ready("a") == ("False", "ObjectNotFound")
        half.azure.forget()
        for _ in range(20):
            await half.tick()
        assert half.azure.calls["secrets/get"] <= 6
        half.store.set_secret("late", "v")
        for _ in range(6):
            await half.tick()
        assert half.data("a") == {"late": "v"}

    run(test)


def test_many_that_find_share_one_listing(run: Run) -> None:
    async def test(half: Simulation) -> None:
        fill(half, 60)
        for number in range(20):
            half.secret(f"f-{number}", {"find": {"name": "s-*"}})
        await half.vault()
        assert half.azure.calls["secrets/list"] == 3
        assert half.azure.calls["secrets/get"] == 60

    run(test)


def with_history(half: Simulation) -> dict[str, object]:
    for number in range(6):
        half.store.set_secret(f"s-{number}", "before")
    half.clock.now += 60
    return {"history": 1}


def with_pins(half: Simulation) -> dict[str, object]:
    """As many pinned versions are wanted, of objects that stay."""
    for number in range(12):
        version = half.store.set_secret(f"p-{number}", "v").id
        half.secret(f"p-{number}", entry(f"p-{number}", version=version))
    return {}


def with_once(half: Simulation) -> dict[str, object]:
    """As many were fetched once, and are looked at no more."""
    for number in range(12):
        half.store.set_secret(f"o-{number}", "v")
        half.secret(f"o-{number}", entry(f"o-{number}"), refresh="Once")
    return {}


@pytest.mark.parametrize("beside", [with_history, with_pins, with_once])
def test_what_no_poll_looks_at_does_not_dilute_the_fuse(
    run: Run, beside: Callable[[Simulation], dict[str, object]]
) -> None:
    async def test(half: Simulation) -> None:
        more = beside(half)
        fill(half, 6)
        await half.vault()
        for number in range(6):
            half.secret(f"k-{number}", entry(f"s-{number}", **more), **GONE)
        await half.settle()
        await half.tick()
        for number in range(6):
            half.store.delete(f"s-{number}")
        for _ in range(4):
            await half.tick()
        assert lost(half, 6) == []
        assert half.ready("shop", "KeyVault") == ("True", "Fuse")

    run(test)


def test_a_sync_now_of_before_says_nothing_of_a_loss_after_a_restart(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, 6, **GONE)
        half.secret("k-0", entry("s-0"), **GONE, annotations={SYNC_NOW: "long ago"})
        await half.settle()
        assert half.status("k-0")["syncNow"] == "long ago"
        for number in range(6):
            half.store.delete(f"s-{number}")
        await half.restart()
        for _ in range(4):
            await half.tick()
        assert lost(half, 6) == []

    run(test)


def test_a_sync_now_is_answered_by_a_vault_that_lacks_the_object(run: Run) -> None:
    async def test(half: Simulation) -> None:
        fill(half, 1)
        await half.vault()
        half.secret("a", entry("nowhere"), annotations={SYNC_NOW: "1"})
        await half.settle()
        assert half.ready("a") == ("False", "ObjectNotFound")
        assert half.status("a")["syncNow"] == "1"

    run(test)


def test_a_missing_object_in_mode_get_costs_a_listing_while_it_is_in_doubt(run: Run) -> None:
    async def test(half: Simulation) -> None:
        fill(half, 2)
        await half.vault(poll={"interval": "1m", "mode": "Get"})
        half.secret("a", entry("s-0"), entry("nowhere", optional=True))
        await half.settle()
        for _ in range(10):
            await half.tick()
        assert half.azure.calls["secrets/list"] <= 3

    run(test)


def test_what_keep_keeps_survives_a_spec_that_could_not_be_written(run: Run) -> None:
    async def test(half: Simulation) -> None:
        fill(half, 6)
        await half.vault()
        finds = {"find": {"name": "s-*"}}
        half.secret("a", finds)
        await half.settle()
        half.store.delete("s-1")
        for _ in range(3):
            await half.tick()
        whole = {f"s-{number}": "v" for number in range(6)}
        assert half.data("a") == whole
        half.secret("a", entry("nowhere"), generation=2)
        await half.settle()
        half.secret("a", finds, generation=3)
        await half.settle()
        await half.tick()
        assert half.data("a") == whole

    run(test)


def test_a_resource_deleted_while_in_work_leaves_nothing(run: Run) -> None:
    async def test(half: Simulation) -> None:
        fill(half, 2)
        await half.vault()
        half.azure.faults.add(Fault("secrets/get", name="s-0", delay=0.2, status=503))
        half.secret("a", entry("s-0"))
        await half.until(lambda: half.syncer.queue.is_working(("shop", "a")))
        half.syncer.on_resource_deleted(("shop", "a"))
        await half.settle()
        labels = {"namespace": "shop", "name": "a"}
        assert half.registry.get_sample_value("keyvaultsecret_ready", labels) is None
        poller = half.vaults.poller(("KeyVault", "shop", "shop"))
        assert poller is not None
        assert not poller.users

    run(test)
