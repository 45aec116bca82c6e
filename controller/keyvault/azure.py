"""One vault under one identity, through Azure's SDK; the only module that imports it.

One HTTP session serves all clients and credentials. The SDK's own retries are off: they are per
call, and two hundred references on a throttled vault would become eight hundred requests; the
poller's governor decides. Challenge verification is what keeps a stranger's host from being
handed a token: it is on, and there is no way to switch it off.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import aiohttp
from azure.core.credentials import AccessTokenInfo
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
)
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity.aio import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from azure.keyvault.secrets.aio import SecretClient

from controller.keyvault.identities import Identity
from controller.keyvault.jose import claims, public_jwk
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
from sealer.keyvault.references import CERTIFICATE, KEY, Ref

PAGE = 25
_FRESH_SECONDS = 300
_CONNECT_SECONDS = 10
_READ_SECONDS = 30
_TOKEN_SECONDS = 60


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


class Credential:
    """The credential that the SDK's clients see: one request at a time, and our tenant first.

    The tenant of the challenge is only the default: with a tenant of our own, an odd one there
    does not matter.
    """

    def __init__(
        self, identity: Identity, transport: AioHttpTransport, on_request: Callable[[bool], None]
    ) -> None:
        self._identity, self._transport, self._told = identity, transport, on_request
        self._lock = asyncio.Lock()
        self._tokens: dict[tuple[Any, ...], AccessTokenInfo] = {}
        self._inner: dict[str, Any] = {}
        self._assertion = ""
        self.tenant = identity.tenant_id

    async def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        """Return a token that is good for five minutes more; IdentityError."""
        options = dict(options or {})
        tenant = self._identity.tenant_id or options.get("tenant_id") or ""
        claims = options.get("claims")
        async with self._lock:
            known = self._tokens.get((scopes, tenant))
            if known and not claims and known.expires_on - time.time() > _FRESH_SECONDS:
                return known
            asked = {key: value for key, value in options.items() if key != "tenant_id"}
            token = await self._request(scopes, tenant, asked)
            self._tokens = {**self._tokens, (scopes, tenant): token}
            self.tenant = tenant
            return token

    async def close(self) -> None:
        """Forget the tokens; the transport is shared and stays."""
        self._tokens.clear()
        self._inner.clear()

    async def __aenter__(self) -> Credential:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _request(self, scopes: Any, tenant: str, options: Any) -> AccessTokenInfo:
        if self._identity.assertion is not None:
            self._assertion = await self._identity.assertion()
        try:
            inner = self._inner.get(tenant)
            if inner is None:
                inner = self._inner[tenant] = self._make(tenant)
            async with asyncio.timeout(_TOKEN_SECONDS):
                token: AccessTokenInfo = await inner.get_token_info(*scopes, options=options)
        except (AzureError, ValueError, TimeoutError) as error:
            self._told(False)
            raise self._explain(error, tenant) from None
        self._told(True)
        return token

    def _make(self, tenant: str) -> Any:
        who = self._identity
        shared = {"transport": self._transport, "retry_total": 0, "logging_enable": False}
        authority = {"authority": who.authority}
        if who.kind == "managedIdentity":
            chosen: dict[str, Any] = {"client_id": who.client_id} if who.client_id else {}
            return ManagedIdentityCredential(
                transport=self._transport, _exclude_workload_identity_credential=True, **chosen
            )
        if who.kind == "controllerIdentity":
            return WorkloadIdentityCredential(
                tenant_id=who.tenant_id or os.environ.get("AZURE_TENANT_ID") or tenant,
                **shared,
                **authority,
            )
        if who.assertion is not None:
            return ClientAssertionCredential(
                tenant, who.client_id, lambda: self._assertion, **shared, **authority
            )
        if who.certificate:
            return CertificateCredential(
                tenant, who.client_id, certificate_data=who.certificate, **shared, **authority
            )
        return ClientSecretCredential(tenant, who.client_id, who.secret, **shared, **authority)

    def _explain(self, error: Exception, tenant: str) -> VaultError:
        response = getattr(error, "response", None)
        text = str(getattr(error, "message", "") or "")
        code = next((word for word in text.replace(":", " ").split() if word[:5] == "AADST"), "")
        status = getattr(response, "status_code", None)
        if isinstance(error, (ClientAuthenticationError, ValueError)) or status in (400, 401):
            if not _is_answer(error, code) and not isinstance(error, ValueError):
                return UnreachableError(
                    "the token endpoint does not answer",
                    hint="see DNS, the proxy and the firewall between the controller and it",
                )
            return self._refused(code, tenant)
        if status == 429:
            return ThrottledError("the token endpoint throttles")
        return UnreachableError("the token endpoint does not answer")

    def _refused(self, code: str, tenant: str) -> IdentityError:
        who = self._identity
        told = f" ({code})" if code else ""
        if who.assertion is not None:
            issuer, subject, audience = claims(self._assertion)
            return IdentityError(
                f"Entra takes no token for {who.client_id} in tenant {tenant}{told}: it must trust "
                f"issuer {issuer}, subject {subject}, audience {audience}",
                hint="add a federated credential with exactly these to the app",
            )
        cures = {
            "servicePrincipal": "see client id, tenant and whether the credential has expired",
            "managedIdentity": "assign the identity to the node pool, and name its client id",
            "controllerIdentity": "federate the controller's service account with the app",
        }
        reason = "FederationRejected" if who.kind == "controllerIdentity" else "TokenRequestDenied"
        return IdentityError(
            f"no token for the {who.kind} {who.client_id}{told}".replace("  ", " "),
            hint=cures.get(who.kind),
            reason=reason,
        )


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
        transport = AioHttpTransport(session=session, session_owner=False)
        self.credential = Credential(identity, transport, on_token)
        self._options: dict[str, Any] = {
            "vault_url": url,
            "credential": self.credential,
            "transport": transport,
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

    async def get(self, ref: Ref) -> Found:
        if ref.type == KEY:
            return await self._get_key(ref)
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
        role = "Key Vault Crypto User" if ref and ref.type == KEY else "Key Vault Secrets User"
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


def _is_answer(error: Exception, code: str) -> bool:
    return bool(code) or getattr(error, "response", None) is not None


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
