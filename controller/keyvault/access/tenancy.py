"""PURE: who may have what. Deny unless allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sealer.keyvault.names import matches_glob
from sealer.keyvault.vaults import VaultResource


def may_have(
    vault: VaultResource, namespace: str, labels: Mapping[str, str], object_name: str
) -> bool:
    """Whether a namespace may have an object of this vault."""
    if not vault.is_cluster_wide:
        return vault.namespace == namespace
    for allowance in vault.allow:
        if allowance.selector is not None:
            if not selects(allowance.selector, labels):
                continue
        elif namespace not in allowance.namespaces:
            continue
        if any(matches_glob(pattern, object_name) for pattern in allowance.objects):
            return True
    return False


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Kubernetes' label selectors; an empty one selects everything, an unknown operator nothing."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for one in selector.get("matchExpressions") or ():
        operator, present = one.get("operator"), one.get("key") in labels
        values, value = one.get("values") or (), labels.get(one.get("key", ""))
        passed = {
            "In": present and value in values,
            "NotIn": not present or value not in values,
            "Exists": present,
            "DoesNotExist": not present,
        }.get(str(operator), False)
        if not passed:
            return False
    return True
