"""What both halves of the controller are to the application, and what they hear of Secrets."""

from __future__ import annotations

from asyncio import Task
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Protocol

from controller.api.cluster import Manifest
from controller.watching import Name


class Spawn(Protocol):
    """Starts a task that is kept up; with ``lasting`` its end is a fault, and /healthz says so."""

    def __call__(
        self, name: str, work: Callable[[], Awaitable[None]], *, lasting: bool = True
    ) -> Task[None]:
        """Start it."""


class Half(Protocol):
    """SealedSecrets, or Key Vault: what makes Secrets of something."""

    def start(self, spawn: Spawn) -> None:
        """Start its tasks."""

    def on_secret(self, metadata: Mapping[str, Any], *, deleted: bool = False) -> None:
        """A Secret was seen, changed or deleted; its metadata alone."""

    def on_secrets_listed(self, present: Set[Name], namespace: str) -> None:
        """Every Secret of a namespace (empty: of all) was seen."""

    def missing(self) -> str:
        """What it waits for before it is ready; empty when it is."""

    def refresh(self) -> None:
        """Bring metrics up to date that change without a call."""

    async def stop(self) -> None:
        """Take no more work and finish what is in work; its tasks may be cancelled then."""


@dataclass(frozen=True, slots=True)
class SecretsOfHalves:
    """Tells every half of the Secrets of a namespace (empty: of all)."""

    halves: Sequence[Half]
    namespace: str

    async def on_seen(self, body: Manifest, *, listed: bool) -> None:
        for half in self.halves:
            half.on_secret(body["metadata"])

    async def on_gone(self, body: Manifest) -> None:
        for half in self.halves:
            half.on_secret(body["metadata"], deleted=True)

    async def on_listed(self, present: set[Name]) -> None:
        for half in self.halves:
            half.on_secrets_listed(present, self.namespace)
