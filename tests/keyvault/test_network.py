"""The SDK's own settings: clouds, authorities, identities, certificates, proxies, api-versions."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from controller.keyvault.identities import Identities, Identity
from controller.keyvault.vault import IdentityError, UnreachableError, VaultError
from sealer import encoding
from sealer.keyvault import address
from sealer.keyvault.vaults import Auth, KeyOf, VaultResource
from tests.keyvault.direct import CLIENT, PASSWORD, ask, get_one, names, opened, principal, store_of
from tests.keyvault.simulation import Issuer, MemoryObjects
from tests.testbed.azure.entra import App, Federation
from tests.testbed.azure.metadata import HEADER
from tests.testbed.azure.proxy import Proxy
from tests.testbed.azure.server import CLOUDS, LOGIN, SUFFIX, Azure

NODE = Identity("managedIdentity", "mi")


# Clouds and authorities.


def identity_for(azure: Azure, url: str, override: str) -> Identity:
    """The identity that the controller makes for a vault's URL under ``AZURE_AUTHORITY_HOST``."""
    objects = MemoryObjects()
    data = {"password": encoding.encode(PASSWORD.encode())}
    objects.secrets["shop", "principal"] = {"metadata": {}, "data": data}
    auth = Auth(
        "servicePrincipal",
        CLIENT,
        azure.vault("shop").tenant,
        secret=KeyOf("principal", "password"),
    )
    vault = VaultResource("KeyVault", "shop", "shop", url, auth)
    place = address.parse(url, (azure.suffix,))
    return asyncio.run(Identities(objects, override).of(vault, place))


@pytest.mark.parametrize(("suffix", "login"), CLOUDS.items())
def test_each_cloud_is_asked_at_its_own_authority_for_its_own_resource(
    azure: Azure, suffix: str, login: str
) -> None:
    store_of(azure)
    url = f"https://shop.{suffix}"
    # The pod runs in the public cloud, and the webhook there says so.
    identity = identity_for(azure, url, "https://login.microsoftonline.com/")
    assert ask(azure, identity, get_one, url=url) == b"first"
    assert azure.entra.asked == [login]
    assert azure.entra.tokens == [(CLIENT, "ok")]


@pytest.mark.parametrize("override", ["https://{}", "https://{}/", "{}"])
def test_an_authority_of_ones_own_serves_a_suffix_of_ones_own(azure: Azure, override: str) -> None:
    store_of(azure)
    host = f"{LOGIN}:{azure.port}"
    identity = identity_for(azure, azure.url("shop"), override.format(host))
    assert ask(azure, identity, get_one) == b"first"
    assert azure.entra.asked == [host]


# Managed identities.


@pytest.mark.parametrize(
    ("variables", "client"),
    [
        pytest.param({"AZURE_POD_IDENTITY_AUTHORITY_HOST": "{}"}, "", id="imds-system"),
        pytest.param({"AZURE_POD_IDENTITY_AUTHORITY_HOST": "{}/"}, "user", id="imds-user"),
        pytest.param(
            {"IDENTITY_ENDPOINT": "{}/app-service", "IDENTITY_HEADER": HEADER}, "", id="app-service"
        ),
        pytest.param(
            {"IDENTITY_ENDPOINT": "{}/app-service", "IDENTITY_HEADER": HEADER},
            "user",
            id="app-user",
        ),
        pytest.param({"MSI_ENDPOINT": "{}/cloud-shell"}, "", id="cloud-shell"),
        pytest.param(
            {"MSI_ENDPOINT": "{}/ml", "MSI_SECRET": HEADER}, "user", id="machine-learning"
        ),
    ],
)
def test_a_managed_identity_comes_from_where_the_environment_says(
    azure: Azure, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], client: str
) -> None:
    store_of(azure, client or "system-assigned")
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(azure.metadata))
    # The controller's pod may have a federated identity as well: it is not the node's.
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.setenv(name, "the-controllers")
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", azure.login)
    assert ask(azure, Identity("managedIdentity", "mi", client), get_one) == b"first"
    assert azure.entra.tokens == [(client or "system-assigned", "ok")]
    assert not azure.entra.asked


def test_an_identity_that_the_node_does_not_have_is_not_an_outage(
    azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_of(azure)
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", azure.metadata)
    with pytest.raises(IdentityError) as caught:
        ask(azure, Identity("managedIdentity", "mi", "nobody"), get_one)
    assert caught.value.reason == "TokenRequestDenied"
    assert "node pool" in (caught.value.hint or "")


def test_a_metadata_endpoint_that_is_silent_is_an_outage(
    azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_of(azure)
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:9/")
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)
    with pytest.raises(UnreachableError):
        ask(azure, NODE, get_one)


# The controller's own identity.


def federated(azure: Azure, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """What the workload identity webhook does for the controller's pod."""
    store, issuer = store_of(azure), Issuer()
    subject = "system:serviceaccount:kube-system:sealer"
    azure.entra.issuer_keys = issuer.keys
    own = App("own", store.tenant, federations=[Federation(issuer.url, subject)])
    azure.entra.register(own)
    store.grant("own")
    (folder / "token").write_text(issuer.token(subject)[0])
    monkeypatch.setenv("AZURE_CLIENT_ID", "own")
    monkeypatch.setenv("AZURE_TENANT_ID", store.tenant)
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(folder / "token"))


def own(azure: Azure) -> Identity:
    return Identity("controllerIdentity", "own", authority=azure.login)


def test_the_controllers_own_identity_is_what_the_webhook_set(
    azure: Azure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    federated(azure, monkeypatch, tmp_path)
    # The tenant that the webhook wrote wins over the challenge's.
    azure.challenge_authorization = "https://login.test/99999999-9999-4999-8999-999999999999"

    async def question() -> str:
        async with opened(azure, own(azure)) as vault:
            assert await get_one(vault) == b"first"
            return vault.tenant

    assert asyncio.run(question()) == azure.vault("shop").tenant
    assert azure.entra.tokens == [("own", "ok")]


@pytest.mark.parametrize("missing", ["AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"])
def test_a_controller_without_an_identity_says_what_is_not_set(
    azure: Azure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str
) -> None:
    federated(azure, monkeypatch, tmp_path)
    monkeypatch.delenv(missing)
    with pytest.raises(IdentityError) as caught:
        ask(azure, own(azure), get_one)
    assert missing in caught.value.message
    assert caught.value.reason == "TokenRequestDenied"


# Certificates of a private authority.


def test_a_folder_of_authorities_is_trusted_for_vaults_and_tokens(
    azure: Azure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store_of(azure)
    monkeypatch.delenv("SSL_CERT_FILE")
    folder = tmp_path / "certs"
    folder.mkdir()
    command = ["openssl", "x509", "-hash", "-noout", "-in", str(azure.authority.bundle)]
    name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    (folder / f"{name}.0").write_bytes(azure.authority.bundle.read_bytes())
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    assert ask(azure, principal(azure), get_one) == b"first"


def test_a_private_authority_that_nobody_named_is_not_trusted(
    azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_of(azure)
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(UnreachableError) as caught:
        ask(azure, principal(azure), get_one)
    assert "SSL_CERT_FILE" in (caught.value.hint or "")
    assert not azure.requests


def test_a_token_endpoint_that_nobody_vouches_for_gets_no_credential(
    azure: Azure, tmp_path: Path
) -> None:
    store_of(azure)
    folder = tmp_path / "other"
    folder.mkdir()
    other = Azure(folder).start()
    try:
        with pytest.raises(UnreachableError):
            ask(azure, principal(azure, authority=other.login), get_one)
        assert not other.requests
    finally:
        other.stop()


# Proxies.


@pytest.mark.parametrize(
    ("direct", "tunnelled"),
    [
        pytest.param("", {SUFFIX, LOGIN}, id="all"),
        pytest.param(SUFFIX, {LOGIN}, id="vaults-direct"),
        pytest.param(f".{SUFFIX},{LOGIN}", set[str](), id="all-direct"),
    ],
)
def test_proxies_are_used_but_for_those_hosts_that_need_none(
    azure: Azure, monkeypatch: pytest.MonkeyPatch, direct: str, tunnelled: set[str]
) -> None:
    store_of(azure)
    for name in ("https_proxy", "http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    async def whole() -> set[str]:
        async with Proxy(azure.port) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            monkeypatch.setenv("NO_PROXY", direct)
            async with opened(azure, principal(azure)) as vault:
                assert await get_one(vault) == b"first"
            return {target.rsplit(":", 1)[0].removeprefix("shop.") for target in proxy.asked}

    assert asyncio.run(whole()) == tunnelled


# Api-versions.


@pytest.mark.parametrize("version", ["2025-07-01", "7.4"])
def test_every_request_carries_the_vaults_api_version(azure: Azure, version: str) -> None:
    store = store_of(azure)
    for number in range(30):
        store.set_secret(f"s-{number}", "x")
    ask(azure, principal(azure), names, api_version=version)
    ask(azure, principal(azure), get_one, api_version=version)
    assert azure.versions == {("shop", version): 3}


def test_an_api_version_that_the_vault_does_not_know_is_told(azure: Azure) -> None:
    store_of(azure)
    with pytest.raises(VaultError) as caught:
        ask(azure, principal(azure), names, api_version="2031-01-01")
    assert "spec.apiVersion" in (caught.value.hint or "")
