"""``sync-now`` brings what the vault holds at that moment, whatever was read before."""

from __future__ import annotations

from typing import Any

from tests.keyvault.conftest import Run
from tests.keyvault.simulation import Simulation
from tests.keyvault.test_faults import entry

FIND = {"find": {"name": "s-*"}}


def ask(half: Simulation, entry: dict[str, Any], serial: int) -> None:
    """Annotate the KeyVaultSecret as a person would."""
    half.secret("db", entry, annotations={"keyvault.sealer.dev/sync-now": str(serial)})


def test_a_value_that_was_read_a_moment_ago_is_read_again(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.store.set_secret("s-0", "before")
        await half.vault(interval="1h")
        half.secret("db", entry("s-0"))
        await half.settle(1)
        assert half.data("db") == {"s-0": "before"}
        for serial, value in enumerate(("after", "and again")):
            half.store.set_secret("s-0", value)
            ask(half, entry("s-0"), serial)
            await half.settle(1)
            assert half.data("db") == {"s-0": value}

    run(test)


def test_what_find_finds_is_looked_up_again(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.store.set_secret("s-0", "before")
        await half.vault(interval="1h")
        half.secret("db", FIND)
        await half.settle(1)
        half.store.set_secret("s-0", "after")
        half.store.set_secret("s-1", "new")
        ask(half, FIND, 1)
        await half.settle(1)
        assert half.data("db") == {"s-0": "after", "s-1": "new"}

    run(test)


def test_what_was_switched_on_again_is_there_at_once(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.store.set_secret("s-0", "value", enabled=False)
        half.store.set_secret("other", "value")
        await half.vault(interval="1h", poll={"interval": "1h", "mode": "List"})
        half.secret("db", entry("s-0"))
        await half.settle(1)
        assert half.ready("db") == ("False", "ObjectDisabled")
        half.store.set_secret("s-0", "value")
        ask(half, entry("s-0"), 1)
        await half.settle(1)
        assert half.data("db") == {"s-0": "value"}

    run(test)
