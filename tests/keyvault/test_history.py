"""Versions before the newest, as keys of their own."""

from __future__ import annotations

from tests.keyvault.conftest import Run
from tests.keyvault.simulation import Simulation

ENTRY = {"key": "token", "from": {"secret": "token", "history": 2}}


async def rotated(half: Simulation, *values: str) -> None:
    """Versions of ``token``, a minute apart."""
    for value in values:
        half.clock.now += 60
        half.store.set_secret("token", value)
    half.clock.now += 60


def test_the_versions_before_the_newest_come_along_in_their_order(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await rotated(half, "one", "two", "three", "four")
        await half.vault()
        half.secret("db", ENTRY)
        await half.settle()
        assert half.data("db") == {"token": "four", "token.1": "three", "token.2": "two"}
        await rotated(half, "five")
        for _ in range(2):
            await half.tick()
        assert half.data("db") == {"token": "five", "token.1": "four", "token.2": "three"}
        lines = half.status("db")["objects"]
        assert [line["keys"] for line in lines] == [["token"], ["token.1"], ["token.2"]]
        assert lines[1]["ref"] == f"token/{lines[1]['version']}"
        assert half.ready("db") == ("True", "Synced")

    run(test)


def test_there_are_as_many_as_the_vault_has_and_disabled_ones_are_passed_over(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await rotated(half, "one", "two", "three")
        half.store.live["secrets"]["token"].versions[1].enabled = False
        await half.vault()
        half.secret("db", ENTRY)
        await half.settle()
        assert half.data("db") == {"token": "three", "token.1": "one"}
        assert half.ready("db") == ("True", "Synced")

    run(test)


def test_an_hour_without_a_change_lists_no_versions(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await rotated(half, "one", "two")
        await half.vault()
        for number in range(5):
            half.secret(f"k-{number}", ENTRY)
        await half.settle()
        calls = half.azure.calls
        before = dict(calls)
        assert calls["secrets/list"] == 2  # the vault's objects, and the versions of one
        for _ in range(60):
            await half.tick()
        # One object is read rather than listed: once for all five, and its past never.
        assert calls["secrets/list"] == before["secrets/list"]
        assert calls["secrets/get"] <= before["secrets/get"] + 61

    run(test)


def test_history_shares_the_fate_of_its_object(run: Run) -> None:
    async def test(half: Simulation) -> None:
        for number in range(4):
            half.store.set_secret(f"s-{number}", "x")
        await rotated(half, "one", "two")
        await half.vault()
        others = [{"key": f"s-{n}", "from": {"secret": f"s-{n}"}} for n in range(4)]
        half.secret("others", *others)
        half.secret("keep", ENTRY)
        half.secret("remove", ENTRY, onVaultDelete="RemoveKey")
        await half.settle()
        half.store.delete("token")
        for _ in range(4):
            await half.tick()
        await half.restart()
        for _ in range(3):
            await half.tick()
        assert half.data("keep") == {"token": "two", "token.1": "one"}
        assert half.data("remove") == {}

    run(test)


def test_an_old_version_that_does_not_fit_stops_nothing(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await rotated(half, "no json", '{"password": "one"}', '{"password": "two"}')
        await half.vault()
        entry = {
            "key": "password",
            "from": {"secret": "token", "property": "password", "history": 2},
        }
        half.secret("db", entry)
        await half.settle()
        assert half.data("db") == {"password": "two", "password.1": "one"}
        assert half.ready("db") == ("True", "Synced")
        assert half.status("db")["objects"][2]["state"] == "Error"
        assert "no json" not in str(half.status("db"))

    run(test)
