"""No token reaches a stranger: a redirect, a link, or a challenge that is not the vault's own.

The stranger listens, answers 401 with a challenge that fits its own name, and would be believed;
the identity is a node's, for which tokens for anything at all can be had.
"""

from __future__ import annotations

import asyncio
import secrets

import pytest

from controller.keyvault.identities import Identity
from controller.keyvault.vault import IdentityError, VaultError
from tests.keyvault.direct import CLIENT, ask, get_one, names, opened, principal, store_of
from tests.testbed.azure.server import STRANGER, Azure

NODE = Identity("managedIdentity", "mi", CLIENT)


@pytest.fixture
def world(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> Azure:
    """A vault, and a stranger beside it."""
    store_of(azure)
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", azure.metadata)
    return azure


def stranger(azure: Azure) -> str:
    return f"https://shop.{STRANGER}:{azure.port}"


def assert_nothing_there(azure: Azure) -> None:
    assert azure.requests[f"shop.{STRANGER}"] == 0
    assert f"shop.{STRANGER}" not in azure.bearers


def test_a_stranger_would_get_a_token_if_it_were_asked(world: Azure) -> None:
    """The other tests mean something: this stranger's challenge passes the SDK's check."""
    with pytest.raises(VaultError):
        ask(world, NODE, get_one, url=stranger(world))
    assert world.bearers[f"shop.{STRANGER}"]


def test_a_redirect_before_the_challenge_is_not_followed(world: Azure) -> None:
    world.redirect = stranger(world)
    with pytest.raises(VaultError) as caught:
        ask(world, NODE, get_one)
    assert caught.value.reason == "UnknownCloud"
    assert_nothing_there(world)
    assert not world.entra.tokens


def test_a_redirect_of_a_vault_that_was_trusted_is_not_followed(world: Azure) -> None:
    async def whole() -> None:
        async with opened(world, NODE) as vault:
            assert await get_one(vault) == b"first"
            world.redirect = stranger(world)
            with pytest.raises(VaultError) as caught:
                await get_one(vault)
            assert caught.value.reason == "UnknownCloud"

    asyncio.run(whole())
    assert_nothing_there(world)
    assert world.entra.tokens == [(CLIENT, "ok")]


def test_the_next_page_of_a_list_is_not_read_from_a_stranger(world: Azure) -> None:
    world.next_link = f"{stranger(world)}/secrets?api-version=2025-07-01&$skiptoken=25"
    with pytest.raises(VaultError) as caught:
        ask(world, NODE, names)
    assert caught.value.reason == "UnknownCloud"
    assert_nothing_there(world)


def test_a_challenge_for_another_resource_gets_no_token(world: Azure) -> None:
    world.challenge_resource = f"https://{STRANGER}:{world.port}"
    with pytest.raises(VaultError) as caught:
        ask(world, NODE, get_one)
    assert caught.value.reason == "UnknownCloud"
    assert not world.entra.tokens
    assert not world.bearers


@pytest.mark.parametrize("resource", ["https://azure.net", "https://net", "https://vault.azure.cn"])
def test_a_vault_of_azures_gets_tokens_for_vaults_only(world: Azure, resource: str) -> None:
    world.challenge_resource = resource
    with pytest.raises(VaultError) as caught:
        ask(world, NODE, get_one, url="https://shop.vault.azure.net")
    assert caught.value.reason == "UnknownCloud"
    assert not world.entra.tokens
    assert not world.bearers


def test_the_authority_of_a_challenge_is_never_asked(world: Azure) -> None:
    tenant = world.vault("shop").tenant
    evil = f"https://login.{STRANGER}:{world.port}"
    world.challenge_authorization = f"{evil}/{tenant}"
    assert ask(world, principal(world, tenant=""), get_one) == b"first"
    assert world.requests[f"login.{STRANGER}"] == 0
    assert world.entra.asked == [f"login.test:{world.port}"]


@pytest.mark.parametrize(
    "authorization",
    [
        "https://login.test",
        "https://login.test/",
        "https://login.test/adfs",
        "https://login.test/some other tenant!",
        "https://login.test/common/oauth2",
        "https://login.test/99999999-9999-4999-8999-999999999999",
    ],
)
def test_an_odd_tenant_in_the_challenge_fails_no_vault_whose_credential_works(
    world: Azure, authorization: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.challenge_authorization = authorization
    assert ask(world, principal(world), get_one) == b"first"
    assert ask(world, NODE, get_one) == b"first"
    monkeypatch.setenv("AZURE_TENANT_ID", secrets.token_hex(4))
    assert ask(world, NODE, get_one) == b"first"
    with pytest.raises(IdentityError):
        ask(world, principal(world, tenant=""), get_one)


def test_a_challenge_without_a_tenant_says_what_to_write(world: Azure) -> None:
    world.challenge_authorization = "https://login.test/"
    with pytest.raises(IdentityError) as caught:
        ask(world, principal(world, tenant=""), get_one)
    assert "tenantId" in (caught.value.hint or "")
