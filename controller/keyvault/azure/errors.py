"""What goes wrong in a call through Azure's SDK, as our own errors.

Nothing of a body but its error codes is kept. What is not in Key Vault's own form comes from
something on the way (a proxy, a sign-in page, an ingress): it says nothing about an object, and
so its 404 is no 404. https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from azure.core.exceptions import AzureError, DecodeError, HttpResponseError, ResourceNotFoundError

from controller.keyvault.vault import (
    DeniedError,
    DisabledError,
    IdentityError,
    MissingError,
    ThrottledError,
    UnreachableError,
    VaultError,
)
from controller.reasons import Reason
from sealer.keyvault.explain import KEYS_ROLE, SECRETS_ROLE
from sealer.keyvault.references import KEY, Ref

_NETWORK = {"ForbiddenByFirewall", "ForbiddenByConnection"}
_NETWORK_WORDS = ("client address is not authorized", "public network access is disabled")
"""Older services say AccessDenied, or no code, and leave it to the message."""
_NO_ANSWER = (AzureError, aiohttp.ClientError, TimeoutError, OSError)
_LONGEST_OBEYED = 3600.0
_MISFIT = "The challenge "
"""How the SDK's error begins where a challenge is not for the host that sent it."""


class StaleTokenError(IdentityError):
    """401: the vault does not take the token, or no longer."""

    reason = Reason.TOKEN_REQUEST_DENIED


class Call:
    """One call of ``seconds`` at most, each further page too; ``told`` hears how it failed."""

    def __init__(
        self, operation: str, ref: Ref | None, seconds: float, told: Callable[[str, int], None]
    ) -> None:
        self._operation, self._ref, self._seconds, self._told = operation, ref, seconds, told
        self._limit = asyncio.timeout(seconds)

    def renew(self) -> None:
        """Allow the next page as long as the first."""
        self._limit.reschedule(asyncio.get_running_loop().time() + self._seconds)

    async def __aenter__(self) -> Call:
        await self._limit.__aenter__()
        return self

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        try:
            await self._limit.__aexit__(kind, error, trace)
        except TimeoutError as late:
            error = late
        if isinstance(error, VaultError):
            raise error.with_traceback(None) from None
        if isinstance(error, HttpResponseError) and not isinstance(error, DecodeError):
            self._told(self._operation, error.status_code or 0)
            raise _explain(error, self._ref) from None
        if isinstance(error, ValueError) and str(error).startswith(_MISFIT):
            raise VaultError(
                "the host's challenge is not one of a vault at this address: no token was sent",
                hint="see whether the URL is the vault's own",
                reason=Reason.UNKNOWN_CLOUD,
            ) from None
        if isinstance(error, _NO_ANSWER) and not isinstance(error, DecodeError):
            self._told(self._operation, 0)
            raise UnreachableError(
                "the vault does not answer",
                hint="see DNS, network policies, the firewall, and SSL_CERT_FILE for a private CA",
            ) from None
        if isinstance(error, Exception):
            # Whatever the SDK makes of a body of another form than the reference's.
            self._told(self._operation, 0)
            raise garbled() from None


def garbled() -> UnreachableError:
    """An answer that is not one of Key Vault's, or not a whole one."""
    return UnreachableError(
        "what answers is not a vault, or was cut short",
        hint="see whether a proxy or sign-in page stands between the controller and the vault",
    )


def _explain(error: HttpResponseError, ref: Ref | None) -> VaultError:
    what = str(ref) if ref else "the list of secrets"
    code, inner = _codes(error)
    if isinstance(error, ResourceNotFoundError):
        return MissingError(f"there is no {what} in the vault") if _is_absence(code) else garbled()
    if error.status_code == 429:
        throttled = ThrottledError("the vault throttles")
        throttled.retry_after = retry_after(error.response)
        return throttled
    if inner.endswith("Disabled"):
        return DisabledError(f"the {what} is disabled in the vault")
    if error.status_code == 403 and (inner in _NETWORK or not code or _is_of_network(error)):
        return DeniedError(
            "the vault's firewall, or one on the way, does not let the controller in",
            reason=Reason.FIREWALL,
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
        return StaleTokenError(
            "the vault does not take the token: tenant or audience differ from the vault's",
            hint="see auth's tenantId",
        )
    if error.status_code and 400 <= error.status_code < 500:
        return VaultError(
            f"the vault refuses the request with {error.status_code}",
            hint="an api-version that this vault does not know? see spec.apiVersion",
        )
    return UnreachableError(f"the vault answers {error.status_code}")


def _is_of_network(error: HttpResponseError) -> bool:
    message = str(getattr(getattr(error, "error", None), "message", "") or "").lower()
    return any(words in message for words in _NETWORK_WORDS)


def _is_absence(code: str) -> bool:
    """Whether a 404 with this code is about the object; emulators have codes of their own."""
    return bool(code) and code != "VaultNotFound"


def _codes(error: HttpResponseError) -> tuple[str, str]:
    """``error.code`` and ``error.innererror.code``, empty where there is none."""
    body: Any = getattr(error, "error", None)
    inner: Any = getattr(body, "innererror", None)
    code = inner.get("code") if isinstance(inner, dict) else None
    # The inner one is shown, and so must be a word; the outer one may be a class's name.
    shown = code if isinstance(code, str) and code.isalnum() else ""
    return str(getattr(body, "code", "") or ""), shown


def retry_after(response: Any) -> float | None:
    """Seconds that Retry-After asks for, as a number or a date (RFC 9110, 10.2.3).

    Of more than an hour an hour is obeyed: a proxy's slip must not end polling for days.
    """
    text = str((getattr(response, "headers", None) or {}).get("Retry-After") or "")
    try:
        seconds = float(text) if text[:1].isdigit() else _until(text)
    except (ValueError, OverflowError):
        return None
    return min(seconds, _LONGEST_OBEYED) if 0 < seconds < math.inf else None


def _until(date: str) -> float:
    return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()
