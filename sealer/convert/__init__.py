"""Manifests of other Key Vault syncers into ours: External Secrets, the CSI driver, akv2k8s.

Pure and offline. What has no match becomes a comment beside what was made of the rest: a
conversion that silently loses something is worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sealer.convert import akv2k8s, csi, external_secrets, stores
from sealer.convert.result import REPLACE, Converted, Notes
from sealer.convert.source import Source
from sealer.convert.together import point_at_stores, share_targets, share_vaults
from sealer.keyvault.vaults import CLUSTER_KEY_VAULT, KEY_VAULT

_READERS: dict[tuple[str, str], Callable[[Source], list[Converted]]] = {
    ("external-secrets.io", "ExternalSecret"): external_secrets.external_secret,
    ("external-secrets.io", "ClusterExternalSecret"): external_secrets.cluster_external_secret,
    ("external-secrets.io", "SecretStore"): stores.store,
    ("external-secrets.io", "ClusterSecretStore"): stores.store,
    ("secrets-store.csi.x-k8s.io", "SecretProviderClass"): csi.provider_class,
    ("spv.no", "AzureKeyVaultSecret"): akv2k8s.vault_secret,
    ("keyvault.azure.spv.no", "AzureKeyVaultSecret"): akv2k8s.vault_secret,
}


class Conversion:
    """Foreign manifests that belong together, in the order in which they were added."""

    def __init__(self) -> None:
        self._groups: list[list[Converted]] = []
        self._stores: dict[tuple[str, str, str], Converted | None] = {}

    def add(self, manifest: Mapping[str, Any]) -> bool:
        """Take one; False where it is of no kind that is known.

        Raises ManifestError with a path, or ManyErrors, where its shape is not what its kind has.
        """
        group, kind = str(manifest.get("apiVersion", "")).split("/")[0], str(manifest.get("kind"))
        reader = _READERS.get((group, kind))
        if reader is None:
            return False
        source = Source.of({"kind": kind, **manifest})
        made = reader(source)
        source.done()
        self._groups.append(made)
        if reader is stores.store:
            wide = kind == stores.CLUSTER_STORE
            metadata = source.part("metadata")
            namespace = "" if wide else metadata.text("namespace")
            at = (CLUSTER_KEY_VAULT if wide else KEY_VAULT, namespace, metadata.text("name"))
            self._stores[at] = made[0] if made[0].manifest else None
        return True

    def finish(self) -> list[Converted]:
        """Our manifests, with what only all of them together tell."""
        made = point_at_stores(share_vaults(self._groups), self._stores)
        return share_targets(made)


__all__ = ["REPLACE", "Conversion", "Converted", "Notes"]
