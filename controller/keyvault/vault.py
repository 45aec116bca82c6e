"""What a vault can be asked, and what it answers; nothing here knows Azure's SDK.

``Vault`` is the seam between the poller and ``azure.AzureVault``. Errors are sorted by class:
what only a person can cure, what time cures, and what means that an object is not there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from controller.reasons import Reason
from sealer.errors import SealerError
from sealer.keyvault.references import Ref


class VaultError(SealerError):
    """A vault or Entra says no, or nothing; ``reason`` is the condition's word."""

    reason: Reason = Reason.UNREACHABLE
    retry_after: float | None = None

    def __init__(
        self, message: str, *, hint: str | None = None, reason: Reason | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason or type(self).reason


class MissingError(VaultError):
    """404: there is no such object, or version."""

    reason = Reason.OBJECT_NOT_FOUND


class DisabledError(VaultError):
    """The object is there and switched off."""

    reason = Reason.OBJECT_DISABLED


class IdentityError(VaultError):
    """No token: TokenRequestDenied by the cluster, or FederationRejected by Entra."""

    reason = Reason.FEDERATION_REJECTED


class DeniedError(VaultError):
    """403: Forbidden (a role is missing) or Firewall."""

    reason = Reason.FORBIDDEN


class ThrottledError(VaultError):
    """429; ``retry_after`` seconds where the vault said so."""

    reason = Reason.THROTTLED


class UnreachableError(VaultError):
    """5xx, a time-out, no connection, a certificate that nobody vouches for."""

    reason = Reason.UNREACHABLE


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a listing tells of an object; equal stamps mean the same version and attributes."""

    enabled: bool = True
    created: float = 0
    updated: float = 0
    not_before: float | None = None
    expires: float | None = None
    content_type: str = ""
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One object of a listing; no value, no version."""

    name: str
    stamp: Stamp
    managed: bool = False
    """Whether it is a certificate's or key's private half."""


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of an object in a listing of its versions; no value."""

    version: str
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Found:
    """One version of an object, with its value."""

    version: str
    value: bytes = field(repr=False)
    """A secret's text in UTF-8; a key's public half as JWK."""
    stamp: Stamp = Stamp()
    managed: bool = False
    answered: float | None = field(default=None, compare=False)
    """When the vault answered by its own clock, which made the stamps; None where it said not."""


class Vault(Protocol):
    """One vault under one identity."""

    @property
    def tenant(self) -> str:
        """The tenant that the last token came from; empty before there was one."""

    async def list_secrets(self) -> list[Row]:
        """Return all secrets, the private halves of certificates and disabled ones included."""

    async def list_versions(self, name: str) -> list[VersionRow]:
        """Return all versions of a secret, or of a certificate's private half, in no order."""

    async def get(self, ref: Ref) -> Found:
        """Return an object; VaultError's classes."""

    async def close(self) -> None:
        """Let go of the credential and the client."""
