"""Ends and beginnings are told when they come, whether anything is read then or not."""

from __future__ import annotations

import pytest

from tests.keyvault.conftest import Run
from tests.keyvault.simulation import Simulation
from tests.keyvault.test_faults import entry
from tests.testbed.azure.faults import Fault

DAY = 86400
WARN = 30 * DAY


async def started(half: Simulation, refresh: str, *, exp: int = 0, nbf: int = 0) -> None:
    """A KeyVaultSecret ``a`` whose object begins and ends so many seconds from now."""
    half.clock.now += 60
    now = int(half.clock.now)
    dates = {"exp": now + exp if exp else None, "nbf": now + nbf if nbf else None}
    half.store.set_secret("s", "v", **dates)
    half.clock.now += 60
    await half.vault(interval="24h")
    half.secret("a", entry("s"), refresh=refresh)
    await half.settle()


def expiring(half: Simulation) -> str:
    """The reason of Expiring, empty where nothing is told."""
    conditions = half.status("a")["conditions"]
    return "".join(one["reason"] for one in conditions if one["type"] == "Expiring")


def metric(half: Simulation) -> float | None:
    labels = {"namespace": "shop", "name": "a", "object": "s"}
    return half.registry.get_sample_value("keyvaultsecret_expiry_timestamp_seconds", labels)


@pytest.mark.parametrize("refresh", ["Periodic", "Once"])
@pytest.mark.parametrize("outage", [False, True])
@pytest.mark.parametrize("restart", [False, True])
def test_what_ends_is_told_at_each_turn(
    run: Run, refresh: str, outage: bool, restart: bool
) -> None:
    async def test(half: Simulation) -> None:
        await started(half, refresh, exp=WARN + 3600)
        end = half.clock.now - 60 + WARN + 3600
        assert expiring(half) == ""
        if outage:
            half.azure.faults.add(Fault(status=503, code="Unavailable"))
            await half.tick(60)
        if restart:
            await half.restart()
        await half.tick(end - WARN - half.clock.now - 30)
        assert expiring(half) == ""
        await half.tick(60)
        assert expiring(half) == "ExpiresSoon"
        await half.tick(end - half.clock.now - 30)
        assert expiring(half) == "ExpiresSoon"
        assert metric(half) == end
        await half.tick(60)
        assert expiring(half) == "Expired"
        assert [reason for name, reason in half.events if name == "a" and reason[:3] == "Exp"] == [
            "ExpiresSoon",
            "Expired",
        ]

    run(test)


@pytest.mark.parametrize("refresh", ["Periodic", "Once"])
@pytest.mark.parametrize("restart", [False, True])
def test_what_becomes_valid_is_told_of_no_more(run: Run, refresh: str, restart: bool) -> None:
    async def test(half: Simulation) -> None:
        await started(half, refresh, nbf=3600)
        if restart:
            await half.restart()
        assert expiring(half) == "NotYetValid"
        await half.tick(3500)
        assert expiring(half) == "NotYetValid"
        await half.tick(60)
        assert expiring(half) == ""

    run(test)
