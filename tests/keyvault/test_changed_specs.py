"""What a Secret had by an earlier spec, and what of it a new spec may keep."""

from __future__ import annotations

from typing import Any

import pytest

from tests.keyvault.conftest import Run
from tests.keyvault.simulation import Simulation


async def started(half: Simulation, **values: str) -> None:
    for name, value in values.items():
        half.store.set_secret(name.replace("_", "-"), value)
    half.clock.now += 60
    await half.vault()


@pytest.mark.parametrize("policy", ["Keep", "RemoveKey", "DeleteSecret"])
def test_what_a_narrower_find_asks_for_no_more_is_not_kept_for_being_gone(
    run: Run, policy: str
) -> None:
    async def test(half: Simulation) -> None:
        await started(half, f_1="one", f_2="two", g_1="three")
        half.secret("found", {"find": {"regex": "[fg]-.*"}}, onVaultDelete="Keep")
        await half.settle()
        half.store.delete("g-1")
        half.store.delete("f-2")
        for _ in range(3):
            await half.tick()
        assert half.data("found") == {"f-1": "one", "f-2": "two", "g-1": "three"}
        narrow: Any = {"find": {"name": "f-*"}}
        half.secret("found", narrow, generation=2, onVaultDelete=policy)
        await half.settle()
        kept = {
            "Keep": {"f-1": "one", "f-2": "two"},
            "RemoveKey": {"f-1": "one"},
            "DeleteSecret": None,
        }
        assert half.data("found") == kept[policy]

    run(test)
