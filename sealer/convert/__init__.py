"""Manifests of other Key Vault syncers into ours: External Secrets, the CSI driver, akv2k8s.

Pure and offline. What has no match becomes a comment beside what was made of the rest: a
conversion that silently loses something is worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sealer.convert import akv2k8s, csi, external_secrets
from sealer.convert.result import Converted, Notes

_READERS: dict[tuple[str, str], Callable[[Mapping[str, Any]], list[Converted]]] = {
    ("external-secrets.io", "ExternalSecret"): external_secrets.external_secret,
    ("external-secrets.io", "SecretStore"): external_secrets.store,
    ("external-secrets.io", "ClusterSecretStore"): external_secrets.store,
    ("secrets-store.csi.x-k8s.io", "SecretProviderClass"): csi.provider_class,
    ("spv.no", "AzureKeyVaultSecret"): akv2k8s.vault_secret,
}


def convert(manifest: Mapping[str, Any]) -> list[Converted] | None:
    """Return our manifests for a foreign one; None where it is of no kind that is known."""
    group = str(manifest.get("apiVersion", "")).split("/")[0]
    reader = _READERS.get((group, str(manifest.get("kind", ""))))
    return reader(manifest) if reader else None


__all__ = ["Converted", "Notes", "convert"]
