"""One vault under one identity, through Azure's SDK; its tokens are ``credential``'s.

One HTTP session serves all clients and credentials. The SDK's own retries are off: they are per
call, and two hundred references on a throttled vault would become eight hundred requests; the
poller's governor decides. Challenge verification is what keeps a stranger's host from being
handed a token: it is on, and there is no way to switch it off.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
from azure.core.pipeline.transport import AioHttpTransport
from azure.keyvault.secrets.aio import SecretClient

from controller.keyvault.azure.credential import Credential
from controller.keyvault.azure.errors import Call, StaleTokenError, garbled
from controller.keyvault.azure.jose import public_jwk
from controller.keyvault.identities import Identity
from controller.keyvault.vault import (
    DisabledError,
    Found,
    Row,
    Stamp,
    VaultError,
    VersionRow,
)
from controller.reasons import Reason
from sealer.keyvault.address import CLOUDS
from sealer.keyvault.references import KEY, SECRET, Ref

PAGE = 25

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that a request may take; ``whole`` is more than a token may, to name the culprit."""

    connect: float = 10
    silent: float = 30
    """Between two bytes."""
    whole: float = 90
    """A GET or one page, from connect to the last byte."""


def session(resolver: Any = None) -> aiohttp.ClientSession:
    """One session for everything; trusts ``SSL_CERT_FILE`` and honours the proxy variables."""
    context = ssl.create_default_context()
    connector = aiohttp.TCPConnector(ssl=context, limit=64, limit_per_host=16, resolver=resolver)
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

    def __init__(self, url: str, **settings: Any) -> None:
        super().__init__(**settings)
        self._origin = _origin(url)

    async def send(self, request: Any, **options: Any) -> Any:
        if _origin(request.url) != self._origin:
            raise VaultError(
                "the host sends the controller to another address: nothing was sent there",
                hint="see whether the URL is the vault's own",
                reason=Reason.UNKNOWN_CLOUD,
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
        limits: Limits = Limits(),
        on_call: Callable[[str, int], None] = lambda operation, code: None,
        on_token: Callable[[bool], None] = lambda ok: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url, self._limits, self._on_call = url, limits, on_call
        # A client hands time-outs only to a transport that it makes itself.
        wire: dict[str, Any] = {
            "session": session,
            "session_owner": False,
            "connection_timeout": limits.connect,
            "read_timeout": limits.silent,
        }
        self.credential = Credential(
            identity, AioHttpTransport(**wire), on_token, resource=_resource(url), clock=clock
        )
        self._options: dict[str, Any] = {
            "vault_url": url,
            "credential": self.credential,
            "transport": _OneHost(url, **wire),
            "api_version": api_version,
            "retry_total": 0,
            "logging_enable": False,
        }
        self._secrets = SecretClient(**self._options)
        self._keys: Any = None

    @property
    def tenant(self) -> str:
        """The tenant that the last token came from."""
        return self.credential.tenant

    async def list_secrets(self) -> list[Row]:
        return await self._ask(self._list)

    async def list_versions(self, name: str) -> list[VersionRow]:
        return await self._ask(lambda: self._list_versions(name))

    async def get(self, ref: Ref) -> Found:
        get = self._get_key if ref.type == KEY else self._get
        return await self._ask(lambda: get(ref))

    async def _ask(self, question: Callable[[], Awaitable[_T]]) -> _T:
        """Ask, and once more with another token where the vault does not take this one.

        One that was revoked, or is of a tenant that the vault has left, is good by its dates.
        """
        age = self.credential.age
        try:
            return await _bare(question())
        except StaleTokenError:
            if not self.credential.renew(age):
                raise
        return await _bare(question())

    async def _list(self) -> list[Row]:
        rows = []
        async with self._call("list") as call:
            # Pages are counted: each is one request.
            async for page in self._secrets.list_properties_of_secrets(
                max_page_size=PAGE
            ).by_page():
                async for item in page:
                    if not item.name:
                        raise garbled()
                    rows.append(Row(item.name, _stamp(item), bool(item.managed)))
                self._on_call("list", 200)
                call.renew()
        return rows

    async def _list_versions(self, name: str) -> list[VersionRow]:
        rows = []
        async with self._call("list_versions", Ref(SECRET, name)) as call:
            async for page in self._secrets.list_properties_of_secret_versions(
                name, max_page_size=PAGE
            ).by_page():
                async for item in page:
                    if not item.version:
                        raise garbled()
                    rows.append(VersionRow(item.version, _stamp(item)))
                self._on_call("list_versions", 200)
                call.renew()
        return rows

    async def _get(self, ref: Ref) -> Found:
        async with self._call("get", ref):
            dates: list[float | None] = []
            got = await self._secrets.get_secret(
                ref.name,
                ref.version or None,
                raw_response_hook=lambda answer: dates.append(_date(answer.http_response.headers)),
            )
            self._on_call("get", 200)
            properties = _of(ref, got.properties)
            managed = bool(properties.managed)
            # Whether it holds a certificate, its value tells: a content type is what somebody
            # typed. And only the vault's own 404 says that something is gone.
            if not isinstance(got.value, str):
                raise garbled()  # an empty value is one, none is not
            value, answered = got.value.encode(), dates[-1] if dates else None
            return Found(
                str(properties.version), value, _stamp(properties), managed, answered=answered
            )

    async def _get_key(self, ref: Ref) -> Found:
        if self._keys is None:
            from azure.keyvault.keys.aio import KeyClient

            self._keys = KeyClient(**self._options)
        async with self._call("get_key", ref):
            got = await self._keys.get_key(ref.name, ref.version or None)
            self._on_call("get_key", 200)
            stamp = _stamp(_of(ref, got.properties))
            if not stamp.enabled:
                raise DisabledError(f"the key {ref.name} is disabled in the vault")
            return Found(str(got.properties.version), public_jwk(got.key), stamp)

    async def close(self) -> None:
        await self.credential.close()

    def _call(self, operation: str, ref: Ref | None = None) -> Call:
        return Call(operation, ref, self._limits.whole, self._on_call)


async def _bare(call: Awaitable[_T]) -> _T:
    """Errors are kept while a vault fails: without the SDK's, which hold requests and tokens."""
    try:
        return await call
    except VaultError as error:
        failure = error.with_traceback(None)
    failure.__context__ = failure.__cause__ = None
    raise failure


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or 443


def _resource(url: str) -> str:
    """What tokens for a vault of Azure's clouds are for; empty where only the vault knows."""
    host = urlsplit(url).hostname or ""
    return next((cloud.suffix for cloud in CLOUDS if host.endswith("." + cloud.suffix)), "")


def _of(ref: Ref, properties: Any) -> Any:
    """Pass on the properties of the object asked for; another body has another id, or none."""
    named = (properties.name or "").lower() == ref.name.lower()
    if not named or (ref.version and properties.version != ref.version):
        raise garbled()
    return properties


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


def _date(headers: Mapping[str, str]) -> float | None:
    try:
        return parsedate_to_datetime(headers.get("Date") or "").timestamp()
    except ValueError:
        return None


def _seconds(moment: datetime | None) -> float | None:
    """Seconds since 1970, None for no date; emulators say 0 for that, and nothing ended in 1970."""
    return (moment.timestamp() or None) if moment else None
