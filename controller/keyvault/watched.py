"""What the Key Vault half hears of its three kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from controller.api.cluster import Manifest
from controller.keyvault.sync import Syncer
from controller.keyvault.vaults import Vaults
from controller.watching import Name, name_of
from sealer.keyvault.resource import KIND
from sealer.keyvault.vaults import API_VERSION


@dataclass(frozen=True, slots=True)
class SecretResources:
    """KeyVaultSecrets of a namespace (empty: of all)."""

    syncer: Syncer
    namespace: str
    listed: Callable[[str], None]
    """Hears that all of the namespace were seen."""

    async def on_seen(self, body: Manifest, *, listed: bool) -> None:
        self.syncer.on_secret_resource(_whole(KIND, body))

    async def on_gone(self, body: Manifest) -> None:
        self.syncer.on_resource_deleted(name_of(body))

    async def on_listed(self, present: set[Name]) -> None:
        self.listed(self.namespace)
        self.syncer.on_resources_listed(present, self.namespace)


@dataclass(frozen=True, slots=True)
class VaultResources:
    """KeyVaults of a namespace (empty: of all), or ClusterKeyVaults."""

    vaults: Vaults
    kind: str
    namespace: str
    listed: Callable[[str, str], None]
    """Hears that all of a kind and namespace were seen."""

    async def on_seen(self, body: Manifest, *, listed: bool) -> None:
        await self.vaults.see((self.kind, *name_of(body)), _whole(self.kind, body))

    async def on_gone(self, body: Manifest) -> None:
        await self.vaults.gone((self.kind, *name_of(body)))

    async def on_listed(self, present: set[Name]) -> None:
        for vault in list(self.vaults.entries):
            kind, *name = vault
            is_ours = kind == self.kind and self.namespace in ("", vault[1])
            if is_ours and tuple(name) not in present:
                await self.vaults.gone(vault)
        self.listed(self.kind, self.namespace)


def _whole(kind: str, body: Manifest) -> Manifest:
    """An item of a list has no kind."""
    return {"apiVersion": API_VERSION, "kind": kind, **body}
