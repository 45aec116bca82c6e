"""What a Secret had by an earlier spec, and what of it a new spec may keep."""

from __future__ import annotations

from typing import Any

import pytest

from controller.keyvault.access.selection import leftovers
from controller.keyvault.lines import Line
from sealer.keyvault.references import Ref
from sealer.keyvault.resource import KeyVaultSecret
from sealer.keyvault.vaults import VaultResource
from tests.keyvault.conftest import Run
from tests.keyvault.simulation import CLIENT, Simulation
from tests.testbed.azure.store import Store


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
            "DeleteSecret": {"f-1": "one"},
        }
        assert half.data("found") == kept[policy]

    run(test)


def entry(name: str, **more: Any) -> dict[str, Any]:
    return {"key": name, "from": {"secret": name, **more}}


def second(half: Simulation, **values: str) -> Store:
    """Another vault that the same principal reads."""
    store = half.azure.vault("prod")
    store.grant(CLIENT)
    for name, value in values.items():
        store.set_secret(name, value)
    return store


@pytest.mark.parametrize("policy", ["Keep", "RemoveKey", "DeleteSecret"])
@pytest.mark.parametrize("change", ["vaultRef", "url"])
def test_a_secret_is_never_filled_from_two_vaults(run: Run, policy: str, change: str) -> None:
    async def test(half: Simulation) -> None:
        await started(half, a="staging", b="staging")
        prod = second(half, a="prod", c="prod")
        half.secret("db", entry("a"), entry("b"), onVaultDelete=policy)
        await half.settle()
        assert half.data("db") == {"a": "staging", "b": "staging"}
        assert half.status("db")["vault"]["name"] == "shop"
        if change == "url":
            await half.vault(url=half.azure.url("prod"))
        else:
            await half.vault("prod", url=half.azure.url("prod"))
            spec = {"vaultRef": {"name": "prod"}, "onVaultDelete": policy}
            half.secret("db", entry("a"), entry("b"), generation=2, **spec)
            await half.settle()
        for _ in range(4):
            await half.tick()
        assert half.data("db") == {"a": "staging", "b": "staging"}
        assert half.ready("db")[1] == "ObjectNotFound"
        assert half.status("db")["vault"]["url"] == half.azure.url("shop")
        await half.restart()
        for _ in range(3):
            await half.tick()
        assert half.data("db") == {"a": "staging", "b": "staging"}
        prod.set_secret("b", "prod")
        for _ in range(6):
            await half.tick()
        assert half.data("db") == {"a": "prod", "b": "prod"}
        assert half.ready("db") == ("True", "Synced")
        assert half.status("db")["vault"]["url"] == half.azure.url("prod")
        # From here on it is this vault's, and its losses follow the policy.
        prod.delete("b")
        half.store.delete("b")
        for _ in range(4):
            await half.tick()
        left = {"Keep": {"a": "prod", "b": "prod"}, "RemoveKey": {"a": "prod"}}
        assert half.data("db") == left.get(policy)

    run(test)


def test_what_only_the_old_vault_had_goes_where_it_may_be_missing(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, a="staging", b="staging", f_1="staging")
        second(half, a="prod")
        data = (entry("a"), entry("b", optional=True), {"find": {"name": "f-*"}})
        half.secret("db", *data)
        await half.settle()
        assert half.data("db") == {"a": "staging", "b": "staging", "f-1": "staging"}
        await half.vault("prod", url=half.azure.url("prod"))
        half.secret("db", *data, generation=2, vaultRef={"name": "prod"})
        await half.settle()
        assert half.data("db") == {"a": "prod"}
        assert half.ready("db") == ("True", "Synced")

    run(test)


def test_one_vault_under_another_name_is_the_same_vault(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, a="one", b="one")
        half.secret("db", entry("a"), entry("b", optional=True))
        await half.settle()
        half.store.delete("b")
        half.store.set_secret("a", "two")
        for _ in range(3):
            await half.tick()
        await half.vault(
            "again", url=half.azure.url("shop").upper().replace("HTTPS", "https") + "/"
        )
        half.secret(
            "db",
            entry("a"),
            entry("b", optional=True),
            generation=2,
            vaultRef={"name": "again"},
        )
        await half.settle()
        half.store.set_secret("a", "three")
        for _ in range(3):
            await half.tick()
        assert half.data("db") == {"a": "three", "b": "one"}
        assert half.status("db")["vault"]["name"] == "again"

    run(test)


def test_what_a_vault_allows_no_more_is_not_kept_for_being_gone() -> None:
    vault = VaultResource.from_dict(
        {
            "kind": "ClusterKeyVault",
            "metadata": {"name": "shop"},
            "spec": {
                "url": "https://shop.vault.azure.net",
                "auth": {"controllerIdentity": {}},
                "allow": [{"namespaces": ["shop"], "objects": ["f-*"]}],
            },
        }
    )
    reference = {"kind": "ClusterKeyVault", "name": "shop"}
    secret = KeyVaultSecret.from_dict(
        {
            "metadata": {"name": "db", "namespace": "shop"},
            "spec": {"vaultRef": reference, "data": [{"find": {"name": "?-*"}}]},
        }
    )
    lines = {Ref("secret", name): Line((name,), "Synced", "1") for name in ("f-1", "g-1")}
    assert leftovers(secret, vault, {}, lines) == {Ref("secret", "f-1")}
