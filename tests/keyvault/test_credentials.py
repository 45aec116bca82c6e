"""Credentials that change under a running controller: taken up, or no longer used."""

from __future__ import annotations

from typing import Any

from controller.api.errors import UnavailableError
from tests.keyvault.conftest import Run
from tests.keyvault.simulation import CLIENT, Simulation

ACCOUNT: dict[str, Any] = {"workloadIdentity": {"serviceAccountName": "shop"}}


def entry(name: str) -> dict[str, object]:
    return {"key": name, "from": {"secret": name}}


async def started(half: Simulation, **spec: Any) -> None:
    half.store.set_secret("one", "first")
    half.clock.now += 60
    await half.vault(**spec)
    half.secret("db", entry("one"))
    await half.settle()
    assert half.data("db") == {"one": "first"}
    half.azure.forget()


def rotate(half: Simulation) -> None:
    """Another client secret, at Entra and in the cluster."""
    half.azure.entra.apps[CLIENT].secret = "rotated"
    half.principal("rotated")


def test_a_rotated_client_secret_is_taken_up_at_once(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        rotate(half)
        half.vaults.on_secret("shop", "principal")
        await half.settle()
        # While the old token is still good: nothing has failed.
        assert half.azure.entra.tokens == [(CLIENT, "ok")]
        half.store.set_secret("one", "second")
        await half.tick()
        assert half.data("db") == {"one": "second"}
        assert half.azure.entra.tokens == [(CLIENT, "ok")]
        assert half.events == [("db", "Synced")]

    run(test)


def test_without_a_watch_a_rotated_client_secret_is_taken_up_at_the_next_poll(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        rotate(half)
        await half.tick()
        assert half.azure.entra.tokens == [(CLIENT, "ok")]
        assert half.ready("shop", "KeyVault") == ("True", "Ready")

    run(test)


def test_a_secret_that_did_not_change_makes_no_request(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        writes = half.objects.status_writes
        for _ in range(3):
            half.vaults.on_secret("shop", "principal")
            half.vaults.on_secret("shop", "db")
            await half.settle()
        assert not half.azure.entra.tokens
        assert not half.azure.calls
        assert half.objects.status_writes == writes

    run(test)


def test_a_credential_that_comes_late_is_not_waited_for(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        del half.objects.secrets["shop", "principal"]
        half.vaults.on_secret("shop", "principal")
        await half.settle()
        assert half.ready("shop", "KeyVault") == ("False", "TokenRequestDenied")
        assert half.data("db") == {"one": "first"}
        rotate(half)
        half.vaults.on_secret("shop", "principal")
        await half.settle()
        assert half.ready("shop", "KeyVault") == ("True", "Ready")

    run(test)


def test_a_credential_that_is_gone_is_told_from_one_that_lacks_its_key(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        for key, words in (({"other": "eA=="}, "has no key"), (None, "there is no Secret")):
            secrets = half.objects.secrets
            if key is None:
                del secrets["shop", "principal"]
            else:
                secrets["shop", "principal"]["data"] = key
            await half.tick()
            ready = half.status("shop", "KeyVault")["conditions"][0]
            assert ready["reason"] == "TokenRequestDenied"
            assert words in ready["message"]

    run(test)


def test_a_service_account_without_its_label_is_not_used_from_the_next_poll_on(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.account("wi-client")
        await started(half, auth=ACCOUNT)
        half.account("wi-client", use="false")
        await half.tick()
        assert not half.azure.calls
        assert half.ready("shop", "KeyVault") == ("False", "TokenRequestDenied")
        assert half.ready("db") == ("True", "VaultNotReady")
        for _ in range(5):
            await half.tick()
        assert not half.azure.calls
        half.account("wi-client")
        await half.tick()
        assert half.ready("shop", "KeyVault") == ("True", "Ready")

    run(test)


def test_another_client_id_on_the_service_account_is_another_identity(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.account("wi-client")
        await started(half, auth=ACCOUNT)
        half.account("other-client")
        await half.tick()
        assert half.azure.entra.tokens == [("other-client", "ok")]
        half.store.rights.pop("wi-client")
        half.store.set_secret("one", "second")
        await half.tick()
        assert half.data("db") == {"one": "second"}

    run(test)


def test_while_the_cluster_does_not_say_who_asks_nobody_asks_and_nothing_is_forgotten(
    run: Run,
) -> None:
    async def test(half: Simulation) -> None:
        half.account("wi-client")
        await started(half, auth=ACCOUNT)
        await half.tick()
        half.azure.forget()
        half.objects.failure = UnavailableError("it is away")
        await half.tick()
        assert not half.azure.calls
        assert half.ready("shop", "KeyVault") == ("True", "Ready")
        half.objects.failure = None
        await half.tick(16)
        assert half.azure.calls == {"secrets/list": 1} or half.azure.calls == {"secrets/get": 1}
        assert not half.azure.entra.tokens

    run(test)


def test_a_vault_that_is_deleted_while_its_identity_is_read_is_not_polled(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        rotate(half)
        half.vaults.on_secret("shop", "principal")
        await half.vaults.gone(("KeyVault", "shop", "shop"))
        await half.settle()
        assert not half.vaults.pollers()
        assert not half.azure.entra.tokens
        half.vaults.on_secret("shop", "principal")

    run(test)
