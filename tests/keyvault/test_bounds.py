"""What one KeyVaultSecret, and one namespace, may ask for: told where it is more, and not held."""

from __future__ import annotations

import copy

from controller.keyvault import vaults
from controller.keyvault.poll.reader import MAX_OBJECTS, ROOM
from tests.keyvault.conftest import Run
from tests.keyvault.simulation import CLIENT, Simulation
from tests.keyvault.test_drift import edit
from tests.keyvault.test_faults import entry, started

ALL = {"find": {"name": "*"}}


def message(half: Simulation, name: str, kind: str = "KeyVaultSecret") -> str:
    conditions = half.status(name, kind).get("conditions", ())
    return next(str(one["message"]) for one in conditions if one["type"] == "Ready")


def test_a_find_of_too_many_objects_is_told_and_fetches_none(run: Run) -> None:
    async def test(half: Simulation) -> None:
        for number in range(MAX_OBJECTS + 1):
            half.store.set_secret(f"s-{number}", "v")
        half.clock.now += 60
        await half.vault()
        half.secret("greedy", ALL)
        await half.settle()
        await half.tick()
        assert half.ready("greedy") == ("False", "InvalidSpec")
        assert "more than 1000" in message(half, "greedy")
        assert half.azure.calls["secrets/get"] == 0
        half.secret("good", entry("s-1"))
        await half.settle()
        assert half.data("good") == {"s-1": "v"}

    run(test)


def test_values_that_are_too_much_are_told_before_all_of_them_are_there(run: Run) -> None:
    async def test(half: Simulation) -> None:
        for number in range(160):
            half.store.set_secret(f"s-{number}", "v" * 25_000)
        half.clock.now += 60
        await half.vault()
        half.secret("greedy", ALL)
        await half.settle()
        assert half.ready("greedy") == ("False", "BadValue")
        assert "more than 2 MiB" in message(half, "greedy")
        (poller,) = half.vaults.pollers()
        assert poller.reader.held <= ROOM
        before = poller.reader.held
        await half.tick()
        assert poller.reader.held <= ROOM
        assert before > 0

    run(test)


def test_a_namespace_has_so_many_pollers_and_no_more(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.store.set_secret("s", "v")
        await half.vault()
        body = copy.deepcopy(half.vaults.entries["KeyVault", "shop", "shop"].body)
        for number in range(vaults.MOST_POLLERS):
            name = f"more-{number}"
            half.azure.vault(name).grant(CLIENT)
            body = copy.deepcopy(body)
            body["metadata"] |= {"name": name, "uid": name}
            body["spec"]["url"] = half.azure.url(name)
            await half.vaults.see(("KeyVault", "shop", name), body)
        await half.settle()
        assert len(half.vaults.pollers()) == vaults.MOST_POLLERS
        last = f"more-{vaults.MOST_POLLERS - 1}"
        assert half.ready(last, "KeyVault") == ("False", "InvalidSpec")
        await half.vaults.gone(("KeyVault", "shop", "more-0"))
        await half.tick()
        assert half.ready(last, "KeyVault")[0] == "True"

    run(test)


def test_who_fights_for_a_secret_does_not_make_us_write_without_end(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        for _ in range(30):
            edit(half, "k-1")
            await half.settle()
        record = half.syncer.records["shop", "k-1"]
        assert record.repairs.count == 2
        await half.tick(6)
        assert half.ready("k-1") == ("True", "Synced")
        assert record.repairs.count == 3

    run(test)
