"""Kubernetes Events as manifests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from controller.conditions import rfc3339
from controller.reasons import Reason

COMPONENT = "sealed-secrets"
MAX_MESSAGE = 1024  # core/v1 Event, NoteLengthLimit


def event(
    involved: Mapping[str, Any], reason: Reason, message: str, *, now: datetime, serial: int
) -> dict[str, Any]:
    """Return a core/v1 Event about ``involved`` (a manifest with metadata).

    ``serial`` keeps the names of one process apart; client-go uses nanoseconds there.
    """
    metadata = involved["metadata"]
    namespace = metadata.get("namespace") or "default"
    stamp = rfc3339(now)
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
        "reason": reason.on(involved["kind"]),
        "message": message[:MAX_MESSAGE],
        "type": "Warning" if reason.is_warning else "Normal",
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": "",
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
    }
