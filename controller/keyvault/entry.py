"""One vault resource as the controller knows it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.api.cluster import Manifest
from controller.conditions import Outcome
from controller.reasons import Reason
from sealer.keyvault.vaults import VaultResource

VaultKey = tuple[str, str, str]
"""Kind, namespace (empty for a ClusterKeyVault), name."""
Name = tuple[str, str, str, str]
"""Of a poller: URL, api-version, identity, whose it is."""


@dataclass(slots=True)
class Entry:
    """One KeyVault or ClusterKeyVault."""

    body: Manifest
    resource: VaultResource | None = None
    poller: Name | None = None
    outcome: Outcome = field(
        default_factory=lambda: Outcome(Reason.VAULT_NOT_READY, "not asked yet")
    )
    status: Mapping[str, Any] = field(default_factory=dict)
    logged: str = ""
    """The reason that this process logged last; the logs of the one before are elsewhere."""
    untold: bool = False
    """Whether the last status could not be written."""
    retry: asyncio.Task[None] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while its identity is read: what was read first must not win over what came later."""
