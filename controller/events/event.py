"""Kubernetes Events as manifests; reasons are the peer's where it has one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

COMPONENT = "sealed-secrets"
MAX_MESSAGE = 1024  # core/v1 Event, NoteLengthLimit

UNSEALED = "Unsealed"
UNSEAL_FAILED = "ErrUnsealFailed"
UPDATE_FAILED = "ErrUpdateFailed"
DRIFT_CORRECTED = "DriftCorrected"
DRIFT_DETECTED = "DriftDetected"
KEY_RENEWED = "KeyRenewed"
KEY_REJECTED = "KeyRejected"
CERTIFICATE_EXPIRING = "CertificateExpiring"
WARNINGS = frozenset(
    {UNSEAL_FAILED, UPDATE_FAILED, DRIFT_DETECTED, KEY_REJECTED} | {CERTIFICATE_EXPIRING}
)
KEY_VAULT_WARNINGS = frozenset(
    {
        "InvalidSpec",
        "VaultNotFound",
        "VaultNotReady",
        "NotAllowed",
        "ObjectNotFound",
        "ObjectDisabled",
        "BadValue",
        "KeyConflict",
        "TemplateFailed",
        "TargetNotOwned",
        "TargetImmutable",
        "TargetNotFound",
        "TargetTypeRefused",
        "ClusterError",
        "InternalError",
        "Fuse",
        "Throttled",
        "Unreachable",
        "Expired",
        "ExpiresSoon",
        "NotYetValid",
        "VaultInvalidSpec",
        "VaultInvalidUrl",
        "VaultUnknownCloud",
        "VaultTokenRequestDenied",
        "VaultFederationRejected",
        "VaultForbidden",
        "VaultFirewall",
        "VaultThrottled",
        "VaultUnreachable",
        "VaultInternalError",
        "VaultFuse",
    }
)
"""Of the Key Vault half: the words of its conditions, those of a vault with Vault before."""


def event(
    involved: Mapping[str, Any], reason: str, message: str, *, now: datetime, serial: int
) -> dict[str, Any]:
    """Return a core/v1 Event about ``involved`` (a manifest with metadata).

    ``serial`` keeps the names of one process apart; client-go uses nanoseconds there.
    """
    metadata = involved["metadata"]
    namespace = metadata.get("namespace") or "default"
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{metadata['name'][:200]}.{int(now.timestamp() * 1e6):x}{serial:x}",
            "namespace": namespace,
        },
        "involvedObject": {
            "apiVersion": involved["apiVersion"],
            "kind": involved["kind"],
            "name": metadata["name"],
            "namespace": namespace,
            "uid": metadata.get("uid", ""),
            "resourceVersion": metadata.get("resourceVersion", ""),
        },
        "reason": reason,
        "message": message[:MAX_MESSAGE],
        "type": "Warning" if reason in WARNINGS | KEY_VAULT_WARNINGS else "Normal",
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": "",
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
    }
