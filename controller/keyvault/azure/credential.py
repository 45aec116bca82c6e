"""Tokens for one vault under one identity, through azure-identity.

The SDK's clients see ``Credential``; behind it is the SDK's own credential of each kind, made
with the settings that the SDK takes from the environment.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from azure.core.credentials import AccessTokenInfo
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity.aio import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)

from controller.backoff import Backoff
from controller.keyvault.azure.errors import retry_after
from controller.keyvault.azure.jose import claims
from controller.keyvault.identities import Identity
from controller.keyvault.vault import IdentityError, ThrottledError, UnreachableError, VaultError
from controller.reasons import Reason

_FRESH_SECONDS = 300
_TOKEN_SECONDS = 60
_PAUSES = Backoff(5.0, 300.0)
_CODE = re.compile(r"\bAADSTS\d{4,8}\b")
_PASSING = ("(temporarily_unavailable)", "(server_error)")
"""What Entra says of itself and not of the credential (RFC 6749, 4.1.2.1)."""
_OWN = ("AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE")
"""What the webhook sets in the controller's pod, beside the tenant."""


class _Pause:
    """Silence of 5 s, twice as long each time, 5 min at most; ``clock`` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures, self._until = 0, 0.0

    @property
    def left(self) -> float:
        """Seconds until it is over; 0 or less where it is."""
        return self._until - self._clock()

    def begin(self, at_least: float = 0) -> None:
        """Be silent from now on; what was long ago does not make it longer."""
        self._failures = self._failures + 1 if self.left > -_PAUSES.longest else 1
        self._until = self._clock() + max(_PAUSES.after(self._failures), at_least)

    def end(self) -> None:
        """All is well."""
        self._failures, self._until = 0, 0.0


class Credential:
    """The credential that the SDK's clients see: one request at a time, and our tenant first.

    The tenant of the challenge is only the default: with a tenant of our own, an odd one there
    does not matter. With a ``resource`` (a vault suffix of Azure's) tokens are for that only.
    A refusal holds for all who ask until its back-off ends: another credential is another
    ``Credential``.
    """

    def __init__(
        self,
        identity: Identity,
        transport: AioHttpTransport,
        on_request: Callable[[bool], None],
        *,
        resource: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._identity, self._transport, self._told = identity, transport, on_request
        self._resource = resource
        self._refusal: VaultError | None = None
        self._refused, self._renewed = _Pause(clock), _Pause(clock)
        self.age = 0
        """How often the tokens were forgotten."""
        self._lock = asyncio.Lock()
        self._tokens: dict[tuple[Any, ...], AccessTokenInfo] = {}
        self._inner: dict[str, Any] = {}
        self._assertion = ""
        self.tenant = identity.tenant_id

    async def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        """Return a token that is good for five minutes more; IdentityError."""
        if self._resource and {urlsplit(scope).netloc for scope in scopes} != {self._resource}:
            raise VaultError(
                "the host's challenge asks for a token for something else: none was sent",
                hint="see whether the URL is the vault's own",
                reason=Reason.UNKNOWN_CLOUD,
            )
        options = dict(options or {})
        tenant = self._tenant() or options.get("tenant_id") or ""
        claims = options.get("claims")
        async with self._lock:
            known = self._tokens.get((scopes, tenant))
            if claims and known and self._renewed.left <= 0:
                self._renewed.begin()  # the vault wants one with these claims
            elif known and known.expires_on - time.time() > _FRESH_SECONDS:
                return known
            asked = {key: value for key, value in options.items() if key != "tenant_id"}
            token = await self._try(scopes, tenant, asked)
            self._tokens = {**self._tokens, (scopes, tenant): token}
            self.tenant = tenant
            return token

    def renew(self, age: int) -> bool:
        """Forget the tokens of this age: the vault took none of them.

        Return whether asking again makes sense: not where they were renewed just now.
        """
        if self.age == age:
            if self._renewed.left > 0:
                return False
            self._renewed.begin()
            self.age += 1
            self._tokens.clear()
            self._inner.clear()  # they keep tokens, too
        return True

    async def close(self) -> None:
        """Forget the tokens; the transport is shared and stays."""
        self._tokens.clear()
        self._inner.clear()

    async def __aenter__(self) -> Credential:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _tenant(self) -> str:
        """The tenant that somebody wrote down; empty leaves it to the challenge."""
        who = self._identity
        own = os.environ.get("AZURE_TENANT_ID", "") if who.kind == "controllerIdentity" else ""
        return who.tenant_id or own

    async def _try(self, scopes: Any, tenant: str, options: Any) -> AccessTokenInfo:
        """Ask, but not again while a refusal is fresh: one request is enough for all objects."""
        left = self._refused.left
        if self._refusal is not None and left > 0:
            if isinstance(self._refusal, ThrottledError):
                self._refusal.retry_after = left
            raise self._refusal
        try:
            token = await self._request(scopes, tenant, options)
        except VaultError as error:
            self._refused.begin(error.retry_after or 0)
            self._refusal = error
            raise
        self._refused.end()
        self._refusal = None
        return token

    async def _request(self, scopes: Any, tenant: str, options: Any) -> AccessTokenInfo:
        if self._identity.assertion is not None:
            # One that was refused may name an issuer of before, or be signed with its key.
            self._assertion = await self._identity.assertion(self._refusal is not None)
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
        if who.kind == "managedIdentity":
            chosen: dict[str, Any] = {"client_id": who.client_id} if who.client_id else {}
            return ManagedIdentityCredential(
                transport=self._transport, _exclude_workload_identity_credential=True, **chosen
            )
        if not tenant:
            raise IdentityError(
                "no tenant is known: the vault's challenge names none",
                hint="write it into auth's tenantId",
                reason=Reason.TOKEN_REQUEST_DENIED,
            )
        shared: dict[str, Any] = {
            "authority": who.authority,
            "transport": self._transport,
            "retry_total": 0,
            "logging_enable": False,
        }
        if who.kind == "controllerIdentity":
            lacking = [name for name in _OWN if not os.environ.get(name)]
            if lacking:
                raise IdentityError(
                    f"the controller has no identity of its own: {', '.join(lacking)} not set",
                    hint="federate its service account, and label its pods for the webhook",
                    reason=Reason.TOKEN_REQUEST_DENIED,
                )
            return WorkloadIdentityCredential(tenant_id=tenant, **shared)
        if who.assertion is not None:
            return ClientAssertionCredential(
                tenant, who.client_id, lambda: self._assertion, **shared
            )
        if who.certificate:
            return CertificateCredential(
                tenant, who.client_id, certificate_data=who.certificate, **shared
            )
        return ClientSecretCredential(tenant, who.client_id, who.secret, **shared)

    def _explain(self, error: Exception, tenant: str) -> VaultError:
        # What the metadata endpoint answered is only in the cause.
        answers = [getattr(one, "response", None) for one in (error, error.__cause__)]
        response = next((one for one in answers if one is not None), None)
        text = str(getattr(error, "message", "") or "")
        found = _CODE.search(text)
        code = found[0] if found else ""
        status = getattr(response, "status_code", None)
        if status == 429:
            throttled = ThrottledError("the token endpoint throttles")
            throttled.retry_after = retry_after(response)
            return throttled
        if (status and status >= 500) or any(word in text for word in _PASSING):
            return UnreachableError(
                f"the token endpoint answers {status}", hint="it is in trouble: nothing is to do"
            )
        refused = isinstance(error, ClientAuthenticationError) and (code or response is not None)
        if isinstance(error, ValueError) or refused or status in (400, 401):
            return self._refuse(code, tenant)
        return UnreachableError(
            "the token endpoint does not answer",
            hint="see DNS, the proxy and the firewall between the controller and it",
        )

    def _refuse(self, code: str, tenant: str) -> IdentityError:
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
        reason = (
            Reason.FEDERATION_REJECTED
            if who.kind == "controllerIdentity"
            else Reason.TOKEN_REQUEST_DENIED
        )
        return IdentityError(
            f"no token for the {who.kind} {who.client_id}{told}".replace("  ", " "),
            hint=cures.get(who.kind),
            reason=reason,
        )
