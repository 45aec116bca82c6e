"""How often the vault is asked: counted at the vault, over a simulated hour."""

from __future__ import annotations

from tests.keyvault.conftest import Run
from tests.keyvault.simulation import Simulation

SECRETS, REFS, OBJECTS, POLLS = 200, 3, 250, 60


def test_an_hour_of_polls_costs_list_pages_and_what_changed(run: Run) -> None:
    async def test(half: Simulation) -> None:
        for number in range(OBJECTS):
            half.store.set_secret(f"s-{number}", f"value-{number}")
        half.clock.now += 60
        for number in range(SECRETS):
            names = [f"s-{(number * REFS + step) % OBJECTS}" for step in range(REFS)]
            half.secret(f"k-{number}", *({"key": n, "from": {"secret": n}} for n in names))
        await half.vault()
        assert half.data("k-7") == {f"s-{n}": f"value-{n}" for n in (21, 22, 23)}
        assert half.azure.calls["secrets/get"] == OBJECTS
        for poll in range(POLLS - 1):
            if poll == 20:
                half.store.set_secret("s-22", "changed")
            await half.tick(60 if poll else 61)
        assert half.data("k-7") == {"s-21": "value-21", "s-22": "changed", "s-23": "value-23"}
        assert half.azure.calls["secrets/list"] <= 700
        users = 3
        siblings = users * REFS
        assert half.azure.calls["secrets/get"] <= OBJECTS + siblings + 1
        assert len(half.azure.entra.tokens) <= 2
        assert all(half.ready(f"k-{number}") == ("True", "Synced") for number in range(SECRETS))

    run(test)
