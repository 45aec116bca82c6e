"""What the controller asks of the API server, as a Protocol; fakes obey it in tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Manifest = dict[str, Any]
MANAGER = "sealer"
"""Our field manager where none is said: the API server takes it from the User-Agent."""


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change: ``LISTED`` comes once all of a first list was told, with no object."""

    type: str
    object: Manifest


class Cluster(Protocol):
    """What the controller needs of a cluster."""

    async def get_secret(self, namespace: str, name: str) -> Manifest:
        """Return a Secret; NotFoundError."""

    async def create_secret(
        self, manifest: Mapping[str, Any], *, dry_run: bool = False
    ) -> Manifest:
        """Create it, or only ask whether it would be; AlreadyExistsError, InvalidError."""

    async def replace_secret(self, manifest: Mapping[str, Any]) -> Manifest:
        """Update it under its resourceVersion; ConflictError, InvalidError, NotFoundError."""

    async def delete_secret(self, namespace: str, name: str, uid: str) -> None:
        """Delete exactly this object; NotFoundError or ConflictError where it is another."""

    async def get_sealed(self, namespace: str, name: str) -> Manifest:
        """Return a SealedSecret; NotFoundError."""

    async def patch_status(
        self, namespace: str, name: str, status: Mapping[str, Any], version: str
    ) -> Manifest:
        """Write it on the SealedSecret of this resourceVersion; NotFoundError, ConflictError."""

    async def create_event(self, manifest: Mapping[str, Any]) -> None:
        """Record an Event."""

    def watch_secrets(
        self, namespace: str, *, selector: str = "", metadata_only: bool = True
    ) -> AsyncIterator[WatchEvent]:
        """List, then watch, without an end; ``namespace`` empty for all of them."""
