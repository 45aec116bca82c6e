"""Who has only the logs sees each failure and each recovery, once."""

from __future__ import annotations

import logging

import pytest

from tests.keyvault.conftest import Run
from tests.keyvault.simulation import Simulation
from tests.keyvault.test_faults import entry, started
from tests.testbed.azure.faults import Fault


def test_each_failure_and_recovery_is_logged_once(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    def told() -> list[tuple[str, str, str]]:
        found = [
            (one.levelname, str(vars(one)["object"]), str(vars(one)["reason"]))
            for one in caplog.records
            if "reason" in vars(one)
        ]
        caplog.clear()
        return found

    async def test(half: Simulation) -> None:
        await started(half)
        assert told() == []
        half.secret("db", entry("s-1"), entry("nowhere"))
        await half.settle()
        for _ in range(3):
            await half.tick()
        missing = ("WARNING", "shop/db", "ObjectNotFound")
        assert told() == [missing]
        await half.restart()
        assert told() == [missing], "the logs of the process before are elsewhere"
        half.store.set_secret("nowhere", "canary-value")
        await half.tick()
        assert told() == [("INFO", "shop/db", "Synced")]
        assert "canary" not in caplog.text
        half.azure.faults.add(Fault(status=503, code="Unavailable"))
        for _ in range(3):
            await half.tick()
        failures = told()
        assert ("WARNING", "KeyVault/shop/shop", "Unreachable") in failures
        assert len(failures) == len(set(failures)) == 1 + 7
        await half.restart()
        for _ in range(3):
            await half.tick()
        again = told()
        assert ("WARNING", "KeyVault/shop/shop", "Unreachable") in again
        assert len(again) == len(set(again))
        half.azure.faults.clear()
        for _ in range(8):
            await half.tick()
        assert {line[0] for line in told()} == {"INFO"}

    run(test)
