"""A ClusterKeyVault that selects namespaces by their labels, which come and go."""

from __future__ import annotations

import copy

from controller.api.errors import UnavailableError
from tests.keyvault.conftest import Run
from tests.keyvault.simulation import Simulation
from tests.keyvault.test_faults import entry


async def started(half: Simulation) -> None:
    """A cluster vault for namespaces with ``team: a``, and KeyVaultSecrets of it."""
    half.store.set_secret("s", "v")
    half.clock.now += 60
    await half.vault()
    body = copy.deepcopy(half.vaults.entries["KeyVault", "shop", "shop"].body)
    body["kind"] = "ClusterKeyVault"
    body["metadata"] = {"name": "all", "generation": 1, "uid": "all"}
    body["spec"]["auth"]["servicePrincipal"]["secretRef"]["namespace"] = "shop"
    selector = {"matchLabels": {"team": "a"}}
    body["spec"]["allow"] = [{"namespaceSelector": selector, "objects": ["*"]}]
    half.objects.labels["shop"] = {"team": "a"}
    await half.vaults.see(("ClusterKeyVault", "", "all"), body)
    await half.settle()
    for name in ("a", "b"):
        half.secret(name, entry("s"), vaultRef={"name": "all", "kind": "ClusterKeyVault"})
    half.secret("own", entry("s"))
    await half.settle()
    assert half.ready("a") == ("True", "Synced")


def test_a_namespace_that_loses_its_label_loses_its_grant_with_the_next_poll(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        half.objects.labels["shop"] = {}
        await half.tick()
        assert half.ready("a") == half.ready("b") == ("False", "NotAllowed")
        assert half.ready("own") == ("True", "Synced")
        half.store.set_secret("s", "v2")
        half.clock.now += 60
        await half.tick()
        assert half.data("a") == {"s": "v"}
        assert half.data("own") == {"s": "v2"}
        half.objects.labels["shop"] = {"team": "a"}
        await half.tick()
        assert half.ready("a") == ("True", "Synced")
        assert half.data("a") == {"s": "v2"}

    run(test)


def test_labels_are_read_once_a_namespace_and_poll_and_only_where_they_count(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        read = half.objects.namespace_labels
        asked: list[str] = []

        async def counted(name: str) -> dict[str, str]:
            asked.append(name)
            return await read(name)

        half.objects.namespace_labels = counted  # type: ignore[method-assign]
        await half.tick()
        assert asked == ["shop"]

    run(test)


def test_labels_that_cannot_be_read_take_nothing_away_and_are_read_later(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        read = half.objects.namespace_labels

        async def fail(name: str) -> dict[str, str]:
            raise UnavailableError("away")

        half.objects.labels["shop"] = {}
        half.objects.namespace_labels = fail  # type: ignore[method-assign]
        await half.tick()
        assert half.ready("a") == ("True", "Synced")
        half.objects.namespace_labels = read  # type: ignore[method-assign]
        await half.tick()
        assert half.ready("a") == ("False", "NotAllowed")

    run(test)
