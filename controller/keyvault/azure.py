"""One vault under one identity, through Azure's SDK; its tokens are ``credential``'s.

One HTTP session serves all clients and credentials. The SDK's own retries are off: they are per
call, and two hundred references on a throttled vault would become eight hundred requests; the
poller's governor decides. Challenge verification is what keeps a stranger's host from being
handed a token: it is on, and there is no way to switch it off.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.transport import AioHttpTransport
from azure.keyvault.secrets.aio import SecretClient

from controller.keyvault.credential import Credential
from controller.keyvault.identities import Identity
from controller.keyvault.jose import public_jwk
from controller.keyvault.vault import (
    DeniedError,
    DisabledError,
    Found,
    IdentityError,
    MissingError,
    Row,
    Stamp,
    ThrottledError,
    UnreachableError,
    VaultError,
)
from sealer.keyvault.address import CLOUDS
from sealer.keyvault.explain import KEYS_ROLE, SECRETS_ROLE
from sealer.keyvault.references import CERTIFICATE, KEY, Ref

PAGE = 25
_CONNECT_SECONDS = 10
_READ_SECONDS = 30

_T = TypeVar("_T")


def session(resolver: Any = None) -> aiohttp.ClientSession:
    """One session for everything; trusts ``SSL_CERT_FILE`` and honours the proxy variables."""
    context = ssl.create_default_context()
    connector = aiohttp.TCPConnector(ssl=context, limit=64, resolver=resolver)
    # The SDK decodes bodies itself.
    return aiohttp.ClientSession(
        connector=connector,
        trust_env=True,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def quiet_logs() -> None:
    """The SDK logs URLs at info and what Entra said at warning: neither is ours to log."""
    logging.getLogger("azure").setLevel(logging.CRITICAL)


class _OneHost(AioHttpTransport):  # type: ignore[misc]
    """Sends to the vault's own address only.

    A redirect or the link to a next page could name a stranger, whose challenge the SDK would
    check against the stranger's own name.
    """

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        super().__init__(session=session, session_owner=False)
        self._origin = _origin(url)

    async def send(self, request: Any, **options: Any) -> Any:
        if _origin(request.url) != self._origin:
            raise VaultError(
                "the host sends the controller to another address: nothing was sent there",
                hint="see whether the URL is the vault's own",
                reason="UnknownCloud",
            )
        return await super().send(request, **options)


class AzureVault:
    """A ``Vault`` in Azure."""

    def __init__(
        self,
        url: str,
        identity: Identity,
        *,
        api_version: str,
        session: aiohttp.ClientSession,
        on_call: Callable[[str, int], None] = lambda operation, code: None,
        on_token: Callable[[bool], None] = lambda ok: None,
    ) -> None:
        self._url, self._on_call = url, on_call
        plain = AioHttpTransport(session=session, session_owner=False)
        self.credential = Credential(identity, plain, on_token, resource=_resource(url))
        self._options: dict[str, Any] = {
            "vault_url": url,
            "credential": self.credential,
            "transport": _OneHost(url, session),
            "api_version": api_version,
            "retry_total": 0,
            "connection_timeout": _CONNECT_SECONDS,
            "read_timeout": _READ_SECONDS,
            "logging_enable": False,
        }
        self._secrets = SecretClient(**self._options)
        self._keys: Any = None

    @property
    def tenant(self) -> str:
        """The tenant that the last token came from."""
        return self.credential.tenant

    async def list_secrets(self) -> list[Row]:
        return await _bare(self._list())

    async def get(self, ref: Ref) -> Found:
        return await _bare(self._get_key(ref) if ref.type == KEY else self._get(ref))

    async def _list(self) -> list[Row]:
        rows = []
        async with self._call("list"):
            # Pages are counted: each is one request.
            async for page in self._secrets.list_properties_of_secrets(
                max_page_size=PAGE
            ).by_page():
                async for item in page:
                    rows.append(Row(str(item.name), _stamp(item), bool(item.managed)))  # noqa: PERF401
                self._on_call("list", 200)
        return rows

    async def _get(self, ref: Ref) -> Found:
        async with self._call("get", ref):
            got = await self._secrets.get_secret(ref.name, ref.version or None)
        self._on_call("get", 200)
        properties = got.properties
        managed = bool(properties.managed)
        if ref.type == CERTIFICATE and not managed:
            raise MissingError(f"there is a secret {ref.name}, but no certificate")
        value = (got.value or "").encode()
        return Found(str(properties.version), value, _stamp(properties), managed)

    async def _get_key(self, ref: Ref) -> Found:
        if self._keys is None:
            from azure.keyvault.keys.aio import KeyClient

            self._keys = KeyClient(**self._options)
        async with self._call("get_key", ref):
            got = await self._keys.get_key(ref.name, ref.version or None)
        self._on_call("get_key", 200)
        found = Found(str(got.properties.version), public_jwk(got.key), _stamp(got.properties))
        if not found.stamp.enabled:
            raise DisabledError(f"the key {ref.name} is disabled in the vault")
        return found

    async def close(self) -> None:
        await self.credential.close()

    def _call(self, operation: str, ref: Ref | None = None) -> _Errors:
        return _Errors(operation, ref, self._on_call)


async def _bare(call: Awaitable[_T]) -> _T:
    """Errors are kept while a vault fails: without the SDK's, which hold requests and tokens."""
    try:
        return await call
    except VaultError as error:
        failure = error.with_traceback(None)
    failure.__context__ = failure.__cause__ = None
    raise failure


class _Errors:
    """Turns the SDK's errors into ours; nothing of a body but its error codes is kept."""

    def __init__(self, operation: str, ref: Ref | None, told: Callable[[str, int], None]) -> None:
        self._operation, self._ref, self._told = operation, ref, told

    async def __aenter__(self) -> None:
        return

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, VaultError):
            raise error.with_traceback(None) from None
        if isinstance(error, HttpResponseError):
            self._told(self._operation, error.status_code or 0)
            raise _explain(error, self._ref) from None
        if isinstance(error, (AzureError, aiohttp.ClientError, TimeoutError, OSError)):
            self._told(self._operation, 0)
            raise UnreachableError(
                "the vault does not answer",
                hint="see DNS, network policies, the firewall, and SSL_CERT_FILE for a private CA",
            ) from None
        if isinstance(error, ValueError):
            raise VaultError(
                "the host's challenge is not one of a vault at this address: no token was sent",
                hint="see whether the URL is the vault's own",
                reason="UnknownCloud",
            ) from None


def _explain(error: HttpResponseError, ref: Ref | None) -> VaultError:
    what = str(ref) if ref else "the list of secrets"
    inner = _inner(error)
    if isinstance(error, ResourceNotFoundError):
        return MissingError(f"there is no {what} in the vault")
    if error.status_code == 429:
        throttled = ThrottledError("the vault throttles")
        throttled.retry_after = _retry_after(error)
        return throttled
    if inner.endswith("Disabled"):
        return DisabledError(f"the {what} is disabled in the vault")
    if inner == "ForbiddenByFirewall":
        return DeniedError(
            "the vault's firewall does not let the controller in",
            reason="Firewall",
            hint="allow the cluster's outgoing address or use a private endpoint",
        )
    if error.status_code == 403:
        need = "keys/get" if ref and ref.type == KEY else "secrets/get" if ref else "secrets/list"
        role = KEYS_ROLE if ref and ref.type == KEY else SECRETS_ROLE
        return DeniedError(
            f"the identity may not read {what}: {inner or 'forbidden'}",
            hint=f'it needs the role "{role}" on the vault, or {need} in its access policy',
        )
    if error.status_code == 401:
        return IdentityError(
            "the vault does not take the token: tenant or audience differ from the vault's",
            hint="see auth's tenantId",
            reason="TokenRequestDenied",
        )
    if error.status_code and error.status_code < 500:
        return VaultError(
            f"the vault refuses the request with {error.status_code}",
            hint="an api-version that this vault does not know? see spec.apiVersion",
        )
    return UnreachableError(f"the vault answers {error.status_code}")


def _inner(error: HttpResponseError) -> str:
    inner: Any = getattr(getattr(error, "error", None), "innererror", None)
    code = inner.get("code") if isinstance(inner, dict) else None
    return code if isinstance(code, str) and code.isalnum() else ""


def _retry_after(error: HttpResponseError) -> float | None:
    try:
        headers = getattr(error.response, "headers", {})
        header = headers.get("Retry-After")
        return float(header) if header else None
    except ValueError:
        return None


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or 443


def _resource(url: str) -> str:
    """What tokens for a vault of Azure's clouds are for; empty where only the vault knows."""
    host = urlsplit(url).hostname or ""
    return next((cloud.suffix for cloud in CLOUDS if host.endswith("." + cloud.suffix)), "")


def _stamp(properties: Any) -> Stamp:
    return Stamp(
        enabled=properties.enabled is not False,
        created=_seconds(properties.created_on) or 0,
        updated=_seconds(properties.updated_on) or 0,
        not_before=_seconds(properties.not_before),
        expires=_seconds(properties.expires_on),
        content_type=getattr(properties, "content_type", None) or "",
        tags=tuple(sorted((properties.tags or {}).items())),
    )


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None
