"""The test server against the REST reference: what the service does, through the real SDK or raw.

The tests of the product mean as much as this server resembles the service.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

import jwt
import pytest
from azure.core.credentials import AccessTokenInfo
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.core.pipeline.transport import AioHttpTransport
from azure.keyvault.keys.aio import KeyClient
from azure.keyvault.secrets.aio import SecretClient
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from controller.keyvault.azure.client import session
from tests.keyvault.direct import CLIENT
from tests.testbed.azure.server import Azure, Loopback
from tests.testbed.azure.store import MAX_VALUE, Store

VERSION = "2025-07-01"
_T = TypeVar("_T")
_VERBS = ("get", "list", "set", "delete", "recover", "purge")


@pytest.fixture
def store(azure: Azure) -> Store:
    """A vault, and a client that may do everything."""
    store = azure.vault("shop")
    kinds = ("secrets", "keys", "certificates")
    store.grant(CLIENT, *(f"{kind}/{verb}" for kind in kinds for verb in _VERBS))
    return store


class Token:
    """A credential of the SDK's that always has a token."""

    def __init__(self, token: str) -> None:
        self._token = AccessTokenInfo(token, 2**33)

    async def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        return self._token

    async def close(self) -> None:
        """Nothing is open."""

    async def __aenter__(self) -> Token:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""


def token(azure: Azure, **claims: str) -> str:
    """A good token, or one with other claims."""
    tenant, resource = azure.vault("shop").tenant, f"https://{azure.suffix}"
    good = azure.entra.issue(CLIENT, claims.pop("tenant", tenant), claims.pop("resource", resource))
    if not claims:
        return good
    told = jwt.decode(good, options={"verify_signature": False})
    return jwt.encode({**told, **claims}, azure.entra._key, algorithm="HS256")


def sdk(azure: Azure, client: Any, question: Callable[[Any], Awaitable[_T]], **more: Any) -> _T:
    """Ask through one of the SDK's clients."""

    async def whole() -> _T:
        async with session(Loopback()) as http:
            transport = AioHttpTransport(session=http, session_owner=False)
            options = {"transport": transport, "api_version": VERSION, "retry_total": 0, **more}
            async with client(azure.url("shop"), Token(token(azure)), **options) as one:
                return await question(one)

    return asyncio.run(whole())


def raw(
    azure: Azure, method: str, path: str, *, bearer: str | None = None, body: Any = None
) -> tuple[int, Any, Any]:
    """Ask without the SDK: status, body, headers."""
    bearer = token(azure) if bearer is None else bearer
    if "api-version" not in path:
        path += f"{'&' if '?' in path else '?'}api-version={VERSION}"

    async def whole() -> tuple[int, Any, Any]:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        async with (
            session(Loopback()) as http,
            http.request(method, azure.url("shop") + path, headers=headers, json=body) as answer,
        ):
            text = await answer.read()
            return answer.status, await answer.json() if text else None, answer.headers

    return asyncio.run(whole())


def code(body: Any) -> tuple[str, str]:
    """``error.code`` and ``innererror.code``."""
    return body["error"]["code"], body["error"].get("innererror", {}).get("code", "")


# Authentication: https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses


def test_without_a_token_the_challenge_names_authority_tenant_and_resource(
    azure: Azure, store: Store
) -> None:
    status, body, headers = raw(azure, "GET", "/secrets", bearer="")
    assert (status, code(body)) == (401, ("Unauthorized", ""))
    assert body["error"]["message"].startswith("AKV10000")
    where, resource = f"{azure.login}/{store.tenant}", f"https://{azure.suffix}"
    expected = f'Bearer authorization="{where}", resource="{resource}"'
    assert headers["WWW-Authenticate"] == expected


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"resource": "https://management.azure.com"}, "AKV10022"),
        ({"tenant": "99999999-9999-4999-8999-999999999999"}, "AKV10032"),
        ({"iss": "https://sts.evil.test/"}, "AKV10032"),
        ({"exp": 1}, "expired"),
    ],
)
def test_a_token_of_another_audience_issuer_or_time_is_refused(
    azure: Azure, store: Store, claims: Any, told: str
) -> None:
    status, body, headers = raw(azure, "GET", "/secrets", bearer=token(azure, **claims))
    assert status == 401
    assert told in body["error"]["message"]
    assert "WWW-Authenticate" in headers


def test_a_token_that_we_did_not_sign_is_refused(azure: Azure, store: Store) -> None:
    head, body, _ = token(azure).split(".")
    assert raw(azure, "GET", "/secrets", bearer=f"{head}.{body}.AAAA")[0] == 401
    assert azure.calls.total() == 0


# Requests.


@pytest.mark.parametrize(
    ("method", "path", "status", "expected"),
    [
        ("GET", "/secrets?api-version=", 400, "BadParameter"),
        ("GET", "/secrets?api-version=1.0", 400, "BadParameter"),
        ("GET", "/secrets?maxresults=26", 400, "BadParameter"),
        ("GET", "/secrets?maxresults=0", 400, "BadParameter"),
        ("GET", "/secrets?maxresults=x", 400, "BadParameter"),
        ("GET", "/secrets?$skiptoken=x", 400, "BadParameter"),
        ("GET", "/secrets/a_b", 400, "BadParameter"),
        ("GET", f"/secrets/{'a' * 128}", 400, "BadParameter"),
        ("GET", "/secrets/one/1", 400, "BadParameter"),
        ("GET", "/secrets/none", 404, "SecretNotFound"),
        ("GET", f"/secrets/one/{'0' * 32}", 404, "SecretNotFound"),
        ("GET", "/keys/none", 404, "KeyNotFound"),
        ("GET", "/certificates/none", 404, "CertificateNotFound"),
        ("GET", "/deletedsecrets/one", 404, "SecretNotFound"),
        ("POST", "/secrets", 405, "MethodNotAllowed"),
        ("GET", "/nothing", 404, "NotFound"),
    ],
)
def test_what_is_wrong_is_told(
    azure: Azure, store: Store, method: str, path: str, status: int, expected: str
) -> None:
    store.set_secret("one", "x")
    found, body, headers = raw(azure, method, path)
    assert (found, code(body)[0]) == (status, expected)
    assert headers["x-ms-request-id"]


@pytest.mark.parametrize("denial", ["ForbiddenByRbac", "AccessDenied"])
def test_each_operation_needs_its_right(azure: Azure, store: Store, denial: str) -> None:
    store.rights.clear()
    store.denial = denial
    for path in ("/secrets", "/secrets/one", "/keys/one", "/deletedsecrets/one"):
        status, body, _ = raw(azure, "GET", path)
        assert (status, code(body)) == (403, ("Forbidden", denial))


# Secrets.


def test_a_secret_is_set_read_updated_and_versioned(azure: Azure, store: Store) -> None:
    async def question(client: SecretClient) -> None:
        first = await client.set_secret("One", "x", tags={"a": "b"}, content_type="text")
        second = await client.set_secret("one", "y", enabled=True)
        assert first.properties.version != second.properties.version
        assert len(first.properties.version or "") == 32
        newest = await client.get_secret("ONE")
        assert (newest.value, newest.properties.version) == ("y", second.properties.version)
        assert newest.properties.recovery_level == "Recoverable+Purgeable"
        assert newest.properties.recoverable_days == 90
        assert newest.id == f"{azure.url('shop')}/secrets/One/{newest.properties.version}"
        old = await client.get_secret("one", first.properties.version)
        assert (old.value, old.properties.tags) == ("x", {"a": "b"})
        changed = await client.update_secret_properties("one", tags={"c": "d"})
        assert (changed.tags, changed.content_type) == ({"c": "d"}, None)
        versions = [v async for v in client.list_properties_of_secret_versions("one")]
        assert [v.version for v in versions] == sorted(str(v.version) for v in versions)
        (row,) = [item async for item in client.list_properties_of_secrets()]
        assert (row.name, row.version, row.tags) == ("One", None, {"c": "d"})

    sdk(azure, SecretClient, question)
    status, body, _ = raw(azure, "GET", "/secrets/one")
    assert status == 200
    assert body.keys() == {"value", "id", "attributes", "tags", "previousVersion"}
    assert "previousVersion" not in raw(azure, "GET", "/secrets/one?api-version=7.6")[1]
    version = body["id"].rsplit("/", 1)[1]
    status, body, _ = raw(azure, "PATCH", f"/secrets/one/{version}", body={"tags": {}})
    assert status == 200
    assert "value" not in body


def test_25k_is_counted_in_bytes(azure: Azure, store: Store) -> None:
    path = "/secrets/one"
    assert raw(azure, "PUT", path, body={"value": "x" * MAX_VALUE})[0] == 200
    status, body, _ = raw(azure, "PUT", path, body={"value": "ü" * (MAX_VALUE // 2 + 1)})
    assert (status, code(body)[0]) == (400, "BadParameter")
    assert raw(azure, "PUT", path, body={})[0] == 400


def test_pages_hold_25_rows_in_order_and_their_links_are_opaque(azure: Azure, store: Store) -> None:
    for number in range(60):
        store.set_secret(f"s-{number:02}", "x")

    async def question(client: SecretClient) -> list[list[str]]:
        pages = client.list_properties_of_secrets().by_page()
        return [[str(item.name) async for item in page] async for page in pages]

    pages = sdk(azure, SecretClient, question)
    assert [len(page) for page in pages] == [25, 25, 10]
    assert [name for page in pages for name in page] == sorted(store.live["secrets"])
    link = raw(azure, "GET", "/secrets?maxresults=7")[1]["nextLink"]
    assert link.startswith(f"{azure.url('shop')}/secrets?api-version={VERSION}&$skiptoken=")
    assert raw(azure, "GET", "/secrets?maxresults=25&$skiptoken=")[1]["nextLink"]
    # What is deleted between two pages takes no other row with it.
    store.delete("s-00")
    status, body, _ = raw(azure, "GET", link.removeprefix(azure.url("shop")))
    assert (status, body["value"][0]["id"]) == (200, f"{azure.url('shop')}/secrets/s-07")


def test_a_disabled_secret_is_listed_and_not_given_out(azure: Azure, store: Store) -> None:
    store.set_secret("one", "x", enabled=False, nbf=1, exp=2)
    status, body, _ = raw(azure, "GET", "/secrets/one")
    assert (status, code(body)) == (403, ("Forbidden", "SecretDisabled"))
    (row,) = raw(azure, "GET", "/secrets")[1]["value"]
    assert row["attributes"]["enabled"] is False
    # nbf and exp are only told: https://learn.microsoft.com/azure/key-vault/secrets/about-secrets
    store.update("one", enabled=True)
    assert raw(azure, "GET", "/secrets/one")[0] == 200


def test_soft_delete(azure: Azure, store: Store) -> None:
    store.set_secret("one", "x")

    async def question(client: SecretClient) -> None:
        gone = await client.delete_secret("one")
        assert gone.recovery_id == f"{azure.url('shop')}/deletedsecrets/one"
        assert gone.deleted_date is not None
        assert gone.scheduled_purge_date == gone.deleted_date + timedelta(days=90)
        for missing in (client.get_secret("one"), client.delete_secret("one")):
            with pytest.raises(ResourceNotFoundError):
                await missing
        with pytest.raises(ResourceExistsError) as caught:
            await client.set_secret("one", "y")
        assert "ObjectIsDeletedButRecoverable" in str(caught.value.error)
        assert [item.name async for item in client.list_deleted_secrets()] == ["one"]
        assert [item.name async for item in client.list_properties_of_secrets()] == []
        await client.recover_deleted_secret("one")
        assert (await client.get_secret("one")).value == "x"
        await client.delete_secret("one")
        await client.purge_deleted_secret("one")
        with pytest.raises(ResourceNotFoundError):
            await client.get_deleted_secret("one")
        await client.set_secret("one", "anew")

    sdk(azure, SecretClient, question)


# Keys and certificates.


@pytest.mark.parametrize("hsm", [False, True])
@pytest.mark.parametrize(
    "key",
    [
        pytest.param(rsa.generate_private_key(65537, 2048), id="rsa"),
        pytest.param(ec.generate_private_key(ec.SECP521R1()), id="ec"),
    ],
)
def test_a_key_gives_out_its_public_half(azure: Azure, store: Store, key: Any, hsm: bool) -> None:
    store.set_key("sign", key.public_key(), hsm=hsm)

    async def question(client: KeyClient) -> None:
        got = await client.get_key("sign")
        assert got.key_type == ("RSA" if hasattr(key, "decrypt") else "EC") + "-HSM" * hsm
        assert got.id == f"{azure.url('shop')}/keys/sign/{got.properties.version}"
        (row,) = [item async for item in client.list_properties_of_keys()]
        assert (row.name, row.version) == ("sign", None)

    sdk(azure, KeyClient, question)
    _, body, _ = raw(azure, "GET", "/keys/sign")
    assert body.keys() == {"key", "attributes"}
    assert not {"d", "p", "q", "k"} & body["key"].keys()


def test_a_certificate_is_three_objects_that_come_and_go_together(
    azure: Azure, store: Store
) -> None:
    leaf = azure.authority.certificate
    pem = leaf.public_bytes(Encoding.PEM).decode()
    store.set_certificate("tls", pem, cer=leaf.public_bytes(Encoding.DER))
    _, certificate, _ = raw(azure, "GET", "/certificates/tls")
    assert {"id", "kid", "sid", "x5t", "cer", "attributes", "policy"} <= certificate.keys()
    place = azure.url("shop")
    _, secret, _ = raw(azure, "GET", certificate["sid"].removeprefix(place))
    _, key, _ = raw(azure, "GET", certificate["kid"].removeprefix(place))
    assert secret["kid"] == key["key"]["kid"] == certificate["kid"]
    assert secret["managed"] is key["managed"] is True
    assert secret["contentType"] == "application/x-pem-file"
    (row,) = raw(azure, "GET", "/secrets")[1]["value"]
    assert row["managed"] is True
    assert raw(azure, "DELETE", "/certificates/tls")[0] == 200
    for kind in ("secrets", "keys", "certificates"):
        assert raw(azure, "GET", f"/{kind}/tls")[0] == 404
        assert raw(azure, "GET", f"/deleted{kind}/tls")[0] == 200
    assert raw(azure, "POST", "/deletedcertificates/tls/recover")[0] == 200
    assert raw(azure, "GET", "/secrets/tls")[0] == 200
    raw(azure, "DELETE", "/certificates/tls")
    status, body, _ = raw(azure, "DELETE", "/deletedcertificates/tls")
    assert (status, body) == (204, None)
    assert raw(azure, "GET", "/deletedsecrets/tls")[0] == 404


def test_the_sdks_own_errors_carry_the_codes(azure: Azure, store: Store) -> None:
    store.set_secret("one", "x", enabled=False)

    async def question(client: SecretClient) -> Any:
        with pytest.raises(HttpResponseError) as caught:
            await client.get_secret("one")
        return caught.value.error

    error = sdk(azure, SecretClient, question)
    assert error.code == "Forbidden"
    assert error.innererror == {"code": "SecretDisabled"}
