"""A vault that hardly answers holds up its own KeyVaultSecrets and nobody else's."""

from __future__ import annotations

import asyncio
import copy

from tests.keyvault.conftest import Run
from tests.keyvault.simulation import CLIENT, WORKERS, Simulation
from tests.keyvault.test_faults import entry
from tests.testbed.azure.faults import Fault


def test_a_slow_vault_holds_up_nobody_else(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.store.set_secret("s", "v")
        slow = half.azure.vault("slow")
        slow.grant(CLIENT)
        count = 2 * WORKERS + 1
        for number in range(count):
            slow.set_secret(f"x{number}", "v")
            half.azure.faults.add(
                Fault(operation="secrets/get", name=f"x{number}", status=200, delay=8)
            )
        half.clock.now += 60
        await half.vault()
        body = copy.deepcopy(half.vaults.entries["KeyVault", "shop", "shop"].body)
        body["metadata"] |= {"name": "slow", "uid": "slow"}
        body["spec"]["url"] = half.azure.url("slow")
        await half.vaults.see(("KeyVault", "shop", "slow"), body)
        for number in range(count):
            half.secret(f"slow-{number}", entry(f"x{number}"), vaultRef={"name": "slow"})
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(half.syncer.queue) > 0
        half.secret("good", entry("s"))
        async with asyncio.timeout(6):
            while half.ready("good") != ("True", "Synced"):  # noqa: ASYNC110 real answers
                await asyncio.sleep(0.01)
        assert half.data("slow-0") is None

    run(test)


def test_names_that_never_were_cost_a_poll_nothing(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.store.set_secret("s", "v")
        half.clock.now += 60
        await half.vault()
        half.secret("good", entry("s"))
        for number in range(4):
            names = [entry(f"not-there-{number}-{one}") for one in range(40)]
            half.secret(f"greedy-{number}", *names)
        await half.settle()
        assert half.ready("greedy-0") == ("False", "ObjectNotFound")
        before = half.azure.calls["secrets/get"]
        await half.tick()
        await half.tick()
        assert half.azure.calls["secrets/get"] == before
        half.store.set_secret("s", "w")
        half.store.set_secret("not-there-0-0", "it is now")
        await half.tick()
        assert half.data("good") == {"s": "w"}

    run(test)
