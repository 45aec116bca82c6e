"""From a vault's ``auth`` to an identity: service accounts and Secrets are read in the cluster.

A namespaced KeyVault reaches its own namespace's accounts and Secrets only, and an account must
have opted in by its label: who may write a KeyVault could act as any account otherwise.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from controller.api.errors import ClusterError, NotFoundError
from controller.keyvault.cluster import Objects
from controller.keyvault.target.reading import Reading
from controller.keyvault.target.readings import convert
from controller.keyvault.target.values import BadValueError
from controller.keyvault.vault import IdentityError
from controller.reasons import Reason
from controller.work.workers import Workers
from sealer import encoding
from sealer.keyvault.address import Address
from sealer.keyvault.vaults import USE_LABEL, Auth, KeyOf, VaultResource

_CLIENT = "azure.workload.identity/client-id"
_TENANT = "azure.workload.identity/tenant-id"
_FRESH_SECONDS = 300
_PEPPER = secrets.token_bytes(32)
"""Of this process: identities are told apart in its memory only."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks a vault; ``key`` tells identities apart and holds no credential."""

    kind: str
    key: str
    client_id: str = ""
    tenant_id: str = ""
    authority: str = ""
    secret: str = field(default="", repr=False)
    certificate: bytes = field(default=b"", repr=False)
    assertion: Callable[[bool], Awaitable[str]] | None = field(
        default=None, repr=False, compare=False
    )
    """Gives the service account's token; True wants another than before."""


@dataclass(frozen=True, slots=True)
class Identities:
    """Makes identities; ``authority`` is ``AZURE_AUTHORITY_HOST`` or nothing."""

    objects: Objects
    authority: str = ""
    demand_label: bool = True
    workers: Workers = field(default_factory=Workers)
    """Where certificates are read."""

    async def of(self, vault: VaultResource, address: Address) -> Identity:
        """Return a vault's identity; IdentityError says what is missing."""
        auth = vault.auth
        authority = address.authority(self.authority)
        if auth.kind == "workloadIdentity":
            return await self._workload(vault, auth, authority)
        if auth.kind == "servicePrincipal":
            return await self._principal(vault, auth, authority)
        key = f"{auth.kind}:{auth.client_id}"
        return Identity(auth.kind, key, auth.client_id, auth.tenant_id, authority)

    async def _workload(self, vault: VaultResource, auth: Auth, authority: str) -> Identity:
        namespace, name = vault.namespace or auth.namespace, auth.service_account
        where = f"service account {namespace}/{name}"
        try:
            account = await self.objects.service_account(namespace, name)
        except NotFoundError:
            raise _denied(f"there is no {where}", "make it, or name another") from None
        metadata = account["metadata"]
        labels, notes = metadata.get("labels") or {}, metadata.get("annotations") or {}
        if self.demand_label and labels.get(USE_LABEL) != "true":
            raise _denied(f"the {where} has not opted in", f'label it {USE_LABEL}: "true"')
        client = auth.client_id or notes.get(_CLIENT, "")
        if not client:
            raise _denied(
                f"no client id for the {where}", f"annotate it {_CLIENT}, or set clientId"
            )
        tenant = auth.tenant_id or notes.get(_TENANT, "")
        key = f"workloadIdentity:{namespace}/{name}:{metadata.get('uid')}:{client}:{tenant}"
        source = _Assertions(self.objects, namespace, name)
        return Identity(auth.kind, key, client, tenant, authority, assertion=source.get)

    async def _principal(self, vault: VaultResource, auth: Auth, authority: str) -> Identity:
        reference = auth.secret or auth.certificate
        if reference is None:
            raise _denied("there is no secretRef and no certificateRef", "add one of them")
        value = await self._value(vault, reference)
        # A changed credential is a new identity; a bare hash would let a weak one be guessed.
        digest = hmac.digest(_PEPPER, value, "sha256").hex()
        place = f"{vault.namespace or reference.namespace}/{reference.name}"
        key = f"servicePrincipal:{place}:{auth.client_id}:{auth.tenant_id}:{digest}"
        text = "" if auth.certificate else value.decode(errors="replace").strip()
        certificate = await self._pem(place, value) if auth.certificate else b""
        return Identity(
            auth.kind,
            key,
            auth.client_id,
            auth.tenant_id,
            authority,
            secret=text,
            certificate=certificate,
        )

    async def _pem(self, place: str, value: bytes) -> bytes:
        """Read a PFX or PEM, whose author may not be trusted to have made a quick one."""
        reading = Reading("credential", "", value)
        read = await convert(self.workers, place.split("/", maxsplit=1)[0], [reading])
        try:
            return read(reading)[""]
        except BadValueError as error:
            hint = error.hint or "put a certificate with its RSA key there, as PEM or PFX"
            raise _denied(f"the certificate in the Secret {place} {error.message}", hint) from None

    async def _value(self, vault: VaultResource, reference: KeyOf) -> bytes:
        namespace = vault.namespace or reference.namespace
        secret = await self.objects.find_secret(namespace, reference.name)
        if secret is None:
            raise _denied(f"there is no Secret {namespace}/{reference.name}", "make it")
        item = (secret.get("data") or {}).get(reference.key)
        if not item:
            raise _denied(
                f"the Secret {namespace}/{reference.name} has no key {reference.key}",
                "put the credential there",
            )
        return encoding.decode(item)


@dataclass(slots=True)
class _Assertions:
    """Tokens of one service account, each kept until five minutes before its end."""

    objects: Objects
    namespace: str
    name: str
    _token: str = field(default="", repr=False)
    _expires: float = 0

    async def get(self, anew: bool) -> str:
        if not anew and self._token and self._expires - time.time() > _FRESH_SECONDS:
            return self._token
        try:
            self._token, expires = await self.objects.token(self.namespace, self.name)
        except ClusterError as error:
            raise _denied(
                f"the cluster gives no token for service account {self.namespace}/{self.name}: "
                f"{error.message}",
                "the controller needs the right create on serviceaccounts/token",
            ) from None
        self._expires = datetime.fromisoformat(expires.replace("Z", "+00:00")).timestamp()
        return self._token


def _denied(message: str, hint: str) -> IdentityError:
    return IdentityError(message, hint=hint, reason=Reason.TOKEN_REQUEST_DENIED)
