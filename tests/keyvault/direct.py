"""One vault, asked by ``AzureVault`` itself: no poller, no cluster, the clock on the wall."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from controller.keyvault.azure.client import AzureVault, session
from controller.keyvault.identities import Identity
from sealer.keyvault.references import Ref
from sealer.keyvault.vaults import DEFAULT_VAULT_API
from tests.testbed.azure.entra import App
from tests.testbed.azure.server import Azure, Loopback
from tests.testbed.azure.store import Store

CLIENT = "44444444-4444-4444-8444-444444444444"
PASSWORD = "direct-password"
ONE = Ref("secret", "one")

_T = TypeVar("_T")


def store_of(azure: Azure, client: str = CLIENT) -> Store:
    """The vault ``shop`` with one secret, and an app that may read it."""
    store = azure.vault("shop")
    store.set_secret("one", "first")
    azure.entra.register(App(client, store.tenant, secret=PASSWORD))
    store.grant(client)
    return store


def principal(azure: Azure, *, tenant: str | None = None, authority: str = "") -> Identity:
    """A service principal with its secret."""
    tenant = azure.vault("shop").tenant if tenant is None else tenant
    return Identity(
        "servicePrincipal", "sp", CLIENT, tenant, authority or azure.login, secret=PASSWORD
    )


@asynccontextmanager
async def opened(
    azure: Azure,
    identity: Identity,
    *,
    url: str = "",
    api_version: str = DEFAULT_VAULT_API,
    resolver: Loopback | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[AzureVault]:
    """Open a vault with a session of its own."""
    # Names are for the test's DNS, a proxy's names for the proxy.
    http = session(resolver or Loopback(azure.port))
    vault = AzureVault(
        url or azure.url("shop"), identity, api_version=api_version, session=http, clock=clock
    )
    try:
        yield vault
    finally:
        await vault.close()
        await http.close()
        await asyncio.sleep(0.05)  # aiohttp closes TLS connections in the background


def ask(
    azure: Azure,
    identity: Identity,
    question: Callable[[AzureVault], Awaitable[_T]],
    *,
    url: str = "",
    api_version: str = DEFAULT_VAULT_API,
) -> _T:
    """Ask one vault one thing."""

    async def whole() -> _T:
        async with opened(azure, identity, url=url, api_version=api_version) as vault:
            return await question(vault)

    return asyncio.run(whole())


async def get_one(vault: AzureVault) -> bytes:
    """The value of the secret ``one``."""
    return (await vault.get(ONE)).value


async def names(vault: AzureVault) -> list[str]:
    """What is listed."""
    return [row.name for row in await vault.list_secrets()]
