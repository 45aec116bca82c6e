"""Tokens that Entra refuses or the vault no longer takes: how often they are asked for."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from controller.keyvault.azure.client import AzureVault
from controller.keyvault.azure.errors import retry_after
from controller.keyvault.identities import Identities
from controller.keyvault.vault import IdentityError, ThrottledError, UnreachableError, VaultError
from sealer.keyvault import address
from sealer.keyvault.references import Ref
from sealer.keyvault.vaults import Auth, VaultResource
from tests.keyvault.conftest import Run
from tests.keyvault.direct import CLIENT, PASSWORD, get_one, opened, principal, store_of
from tests.keyvault.simulation import CLIENT as CLIENT_OF_HALF
from tests.keyvault.simulation import Clock, MemoryObjects, Simulation
from tests.testbed.azure.entra import App, Federation
from tests.testbed.azure.faults import Fault
from tests.testbed.azure.server import Azure

MANY = 60


def asked(azure: Azure, test: Callable[[AzureVault, Clock], Awaitable[None]]) -> None:
    """Ask one vault under a clock of one's own."""

    async def whole() -> None:
        clock = Clock()
        async with opened(azure, principal(azure), clock=clock) as vault:
            await test(vault, clock)

    asyncio.run(whole())


async def reason(vault: AzureVault, name: str = "one") -> str:
    """Why an object does not come."""
    with pytest.raises(VaultError) as caught:
        await vault.get(Ref("secret", name))
    return caught.value.reason


def spoil(azure: Azure) -> None:
    """Tokens given out until now are worth nothing."""
    azure.entra._key = secrets.token_hex(32)


async def many(half: Simulation) -> None:
    """Sixty objects in twenty Secrets."""
    for number in range(MANY):
        half.store.set_secret(f"s-{number}", "value")
    half.clock.now += 60
    await half.vault()
    for number in range(0, MANY, 3):
        names = [f"s-{number + one}" for one in range(3)]
        half.secret(f"k-{number}", *({"key": one, "from": {"secret": one}} for one in names))
    await half.settle()


def test_a_refused_credential_is_tried_once_a_back_off_for_all_objects(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.azure.entra.apps[CLIENT_OF_HALF].secret = "another"
        await many(half)
        assert half.azure.entra.tokens == [(CLIENT_OF_HALF, "AADSTS7000215")]
        for _ in range(30):
            await half.tick(60)
        # 5, 10, 20 s and so on up to five minutes, in half an hour.
        assert 6 <= len(half.azure.entra.tokens) <= 13
        assert half.ready("shop", "KeyVault") == ("False", "TokenRequestDenied")
        assert half.ready("k-0") == ("False", "VaultNotReady")

    run(test)


def test_a_credential_put_right_is_tried_at_once(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.azure.entra.apps[CLIENT_OF_HALF].secret = "rotated"
        await many(half)
        for _ in range(10):
            await half.tick(60)
        half.principal("rotated")
        half.vaults.on_secret("shop", "principal")
        await half.settle()
        assert half.ready("shop", "KeyVault") == ("True", "Ready")
        assert half.ready("k-0") == ("True", "Synced")

    run(test)


def test_what_was_put_right_at_entra_is_seen_when_the_back_off_ends(azure: Azure) -> None:
    store_of(azure)
    azure.entra.apps[CLIENT].secret = "another"

    async def test(vault: AzureVault, clock: Clock) -> None:
        for pause in (5, 10, 20, 40, 80, 160, 300, 300):
            before = len(azure.entra.tokens)
            refusals = await asyncio.gather(*(reason(vault, f"s-{one}") for one in range(20)))
            assert set(refusals) == {"TokenRequestDenied"}
            assert len(azure.entra.tokens) == before + 1
            clock.now += pause - 1
            assert await reason(vault) == "TokenRequestDenied"
            assert len(azure.entra.tokens) == before + 1
            clock.now += 1
        azure.entra.apps[CLIENT].secret = PASSWORD
        assert await get_one(vault) == b"first"
        # From then on the first back-off is short again.
        azure.entra.apps[CLIENT].secret = "another"
        spoil(azure)
        assert await reason(vault) == "TokenRequestDenied"
        clock.now += 5
        azure.entra.apps[CLIENT].secret = PASSWORD
        assert await get_one(vault) == b"first"

    asked(azure, test)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("error", ["temporarily_unavailable", "internal"])
def test_an_entra_in_trouble_is_no_wrong_credential(azure: Azure, status: int, error: str) -> None:
    store_of(azure)
    text = f'{{"error": "{error}", "error_description": "AADSTS90033: later."}}'
    azure.faults.add(Fault(operation="token", status=status, text=text))

    async def test(vault: AzureVault, clock: Clock) -> None:
        with pytest.raises(UnreachableError) as caught:
            await get_one(vault)
        assert "token endpoint" in caught.value.message
        azure.faults.clear()
        clock.now += 5
        assert await get_one(vault) == b"first"

    asked(azure, test)


@pytest.mark.parametrize("error", ["temporarily_unavailable", "server_error"])
def test_trouble_that_entra_tells_with_400_is_no_wrong_credential(azure: Azure, error: str) -> None:
    store_of(azure)
    text = f'{{"error": "{error}", "error_description": "AADSTS90033: later."}}'
    azure.faults.add(Fault(operation="token", status=400, text=text))

    async def test(vault: AzureVault, clock: Clock) -> None:
        with pytest.raises(UnreachableError):
            await get_one(vault)

    asked(azure, test)


def test_what_entra_says_is_told_by_its_code_alone(azure: Azure) -> None:
    store_of(azure)
    text = '{"error": "invalid_client", "error_description": "AADSTS7000222-hunter2: expired."}'
    azure.faults.add(Fault(operation="token", status=401, text=text))

    async def test(vault: AzureVault, clock: Clock) -> None:
        with pytest.raises(IdentityError) as caught:
            await get_one(vault)
        assert "(AADSTS7000222)" in caught.value.message
        assert "hunter2" not in str(caught.value)

    asked(azure, test)


def test_an_entra_that_throttles_is_left_alone_as_long_as_it_says(azure: Azure) -> None:
    store_of(azure)
    fault = azure.faults.add(Fault(operation="token", status=429, retry_after=400))

    async def test(vault: AzureVault, clock: Clock) -> None:
        with pytest.raises(ThrottledError) as caught:
            await get_one(vault)
        assert caught.value.retry_after == 400
        clock.now += 390
        with pytest.raises(ThrottledError) as caught:
            await get_one(vault)
        assert caught.value.retry_after == pytest.approx(10)
        assert fault.hits == 1
        azure.faults.clear()
        clock.now += 10
        assert await get_one(vault) == b"first"

    asked(azure, test)


def test_a_token_that_the_vault_no_longer_takes_is_replaced(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await many(half)
        await half.tick()
        half.azure.forget()
        spoil(half.azure)
        for number in range(20):
            half.store.set_secret(f"s-{number}", "new")
        await half.tick()
        assert half.azure.entra.tokens == [(CLIENT_OF_HALF, "ok")]
        assert half.ready("shop", "KeyVault") == ("True", "Ready")
        assert half.data("k-0") == {"s-0": "new", "s-1": "new", "s-2": "new"}

    run(test)


def test_many_who_hear_of_a_bad_token_at_once_ask_for_one(azure: Azure) -> None:
    store = store_of(azure)
    for number in range(20):
        store.set_secret(f"s-{number}", "x")

    async def test(vault: AzureVault, clock: Clock) -> None:
        await get_one(vault)
        spoil(azure)
        azure.forget()
        await asyncio.gather(*(vault.get(Ref("secret", f"s-{one}")) for one in range(20)))
        assert azure.entra.tokens == [(CLIENT, "ok")]

    asked(azure, test)


def test_a_vault_that_takes_no_token_at_all_costs_few(azure: Azure) -> None:
    store = store_of(azure)

    async def test(vault: AzureVault, clock: Clock) -> None:
        await get_one(vault)
        azure.forget()
        # The vault's own tenant is another now.
        store.tenant = "99999999-9999-4999-8999-999999999999"
        for _ in range(20):
            assert await reason(vault) == "TokenRequestDenied"
        assert azure.entra.tokens == [(CLIENT, "ok")]
        for _ in range(60):
            clock.now += 60
            assert await reason(vault) == "TokenRequestDenied"
        assert len(azure.entra.tokens) <= 18

    asked(azure, test)


def test_after_a_refusal_the_service_accounts_token_is_read_anew(azure: Azure) -> None:
    """Its issuer may be another since: a cluster that has just been given a public one."""
    store = store_of(azure)
    objects = MemoryObjects()
    notes = {"azure.workload.identity/client-id": CLIENT}
    objects.accounts["shop", "shop"] = {
        "metadata": {"labels": {"keyvault.sealer.dev/use": "true"}, "annotations": notes}
    }
    azure.entra.issuer_keys = objects.issuer.keys
    subject = "system:serviceaccount:shop:shop"
    federation = Federation("https://public.example", subject)
    azure.entra.register(App(CLIENT, store.tenant, federations=[federation]))

    async def whole() -> None:
        auth = Auth("workloadIdentity", "", store.tenant, service_account="shop")
        resource = VaultResource("KeyVault", "shop", "shop", azure.url("shop"), auth)
        place = address.parse(resource.url, (azure.suffix,))
        identity = await Identities(objects, azure.login).of(resource, place)
        clock = Clock()
        async with opened(azure, identity, clock=clock) as vault:
            assert await reason(vault) == "FederationRejected"
            objects.issuer.url = "https://public.example"
            clock.now += 5
            assert await get_one(vault) == b"first"

    asyncio.run(whole())


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param("120", 120, id="seconds"),
        pytest.param("1.5", 1.5, id="fraction"),
        pytest.param("900", 900, id="quarter-of-an-hour"),
        pytest.param("1000000", 3600, id="days"),
        pytest.param("", None, id="none"),
        pytest.param("0", None, id="at-once"),
        pytest.param("-5", None, id="negative"),
        pytest.param("nan", None, id="nan"),
        pytest.param("inf", None, id="infinite"),
        pytest.param("1e999", None, id="overflow"),
        pytest.param("soon", None, id="word"),
        pytest.param("Wed, 21 Oct 2015 07:28:00 GMT", None, id="past"),
    ],
)
def test_retry_after_in_its_forms(header: str, seconds: float | None) -> None:
    assert retry_after(Answer(header)) == seconds


def test_retry_after_as_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert retry_after(Answer(date)) == pytest.approx(100, abs=5)


class Answer:
    """A response's headers."""

    def __init__(self, header: str) -> None:
        self.headers = {"Retry-After": header}


def test_no_answer_has_no_retry_after() -> None:
    assert retry_after(None) is None
