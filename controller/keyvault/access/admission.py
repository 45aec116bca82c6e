"""Which vault a KeyVaultSecret may ask, and what it wants of the others no more."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from controller.api.errors import ClusterError
from controller.conditions import Outcome
from controller.keyvault.access.selection import check_allowed
from controller.keyvault.cluster import Objects
from controller.keyvault.entry import VaultKey
from controller.keyvault.poll.poller import Poller
from controller.keyvault.status.memory import Key, Record
from controller.keyvault.status.outcomes import WaitingError
from controller.keyvault.vaults import Vaults
from controller.reasons import Reason
from sealer.keyvault.resource import KeyVaultSecret
from sealer.keyvault.vaults import CLUSTER_KEY_VAULT, VaultResource


@dataclass(frozen=True, slots=True)
class Admitted:
    """What a KeyVaultSecret may ask."""

    vault: VaultResource
    poller: Poller
    labels: Mapping[str, str]
    """Of its namespace; empty where the vault does not select by them."""


@dataclass
class Admission:
    """Runs on the event loop."""

    objects: Objects
    vaults: Vaults

    async def admit(self, record: Record, secret: KeyVaultSecret) -> Admitted:
        """Return its vault; WaitingError, and nothing is asked for it any more, ClusterError."""
        try:
            vault, poller = self._find(secret)
            record.labels = None
            if any(allowance.selector is not None for allowance in vault.allow):
                record.labels = await self.objects.namespace_labels(secret.namespace)
            labels = record.labels or {}
            check_allowed(secret, vault, labels)
        except WaitingError:
            self.drop((secret.namespace, secret.name))
            raise
        return Admitted(vault, poller, labels)

    async def changed(self, vault: VaultKey, records: Mapping[Key, Record]) -> list[Key]:
        """Return those that were judged by labels that their namespace has no more.

        Each namespace is read once. One that cannot be read now is looked at the next time.
        """
        judged: dict[str, list[Key]] = {}
        for key, record in records.items():
            if record.labels is not None and record.secret and vault_key(record.secret) == vault:
                judged.setdefault(key[0], []).append(key)
        found = []
        for namespace, keys in judged.items():
            with suppress(ClusterError):
                labels = await self.objects.namespace_labels(namespace)
                found += [key for key in keys if key in records and records[key].labels != labels]
        return found

    def interval(self, secret: KeyVaultSecret) -> float | None:
        """Seconds between two polls of its vault, None where it has none."""
        with suppress(WaitingError):
            return self._find(secret)[1].interval
        return None

    def drop(self, key: Key, *, but: Poller | None = None) -> None:
        """Want nothing any more, of any vault but one."""
        user = "/".join(key)
        for poller in self.vaults.pollers():
            if poller is not but and user in poller.users:
                poller.drop(user)

    def _find(self, secret: KeyVaultSecret) -> tuple[VaultResource, Poller]:
        key = vault_key(secret)
        entry = self.vaults.entries.get(key)
        if entry is None:
            message = f"there is no {secret.vault_kind} {secret.vault_name}"
            raise WaitingError(Outcome(Reason.VAULT_NOT_FOUND, message))
        poller = self.vaults.poller(key)
        if entry.resource is None or poller is None:
            raise WaitingError(
                Outcome(Reason.VAULT_NOT_READY, f"{secret.vault_name}: {entry.outcome.message}")
            )
        return entry.resource, poller


def vault_key(secret: KeyVaultSecret) -> VaultKey:
    """The vault that it names."""
    namespace = "" if secret.vault_kind == CLUSTER_KEY_VAULT else secret.namespace
    return secret.vault_kind, namespace, secret.vault_name
