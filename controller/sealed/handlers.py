"""kopf's part: it watches SealedSecrets and hands each event on. No logic, no storage, no try."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import kopf
from kopf import DiffBaseStorage, OperatorRegistry, OperatorSettings, ProgressStorage

from controller.api.kubernetes import KubernetesCluster
from controller.backoff import Backoff
from controller.sealed.sync import Syncer

GROUP, VERSION, PLURAL = "bitnami.com", "v1alpha1", "sealedsecrets"
# Whole objects, of up to 1.5 MiB each: a page of them must fit into memory, several times over.
_PAGE = 20


def registry(syncer: Syncer, cluster: KubernetesCluster) -> OperatorRegistry:
    """Return the handlers, bound to what they feed."""
    handlers = OperatorRegistry()

    @kopf.on.login(registry=handlers)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(**await cluster.connection())

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=handlers)
    async def on_sealed(event: Any, **_: Any) -> None:
        if event["type"] == "DELETED":
            await syncer.on_sealed_deleted(event["object"])
        else:
            syncer.on_sealed(event["object"], listed=event["type"] is None)

    return handlers


def settings(label_selector: str) -> OperatorSettings:
    """Return kopf's settings: nothing posted, nothing stored, nothing scanned, never given up."""
    chosen = OperatorSettings()
    chosen.posting.enabled = False
    chosen.scanning.disabled = True
    chosen.persistence.diffbase_storage = _NoDiffBase()
    chosen.persistence.progress_storage = _NoProgress()
    chosen.networking.error_backoffs = Backoff(1.0, 30.0)
    chosen.queueing.idle_timeout = 0.5
    chosen.watching.chunk_size = _PAGE
    chosen.peering.standalone = True
    if label_selector:
        chosen.watching.label_selectors[GROUP, VERSION, PLURAL] = label_selector
    return chosen


class _NoDiffBase(DiffBaseStorage):
    """kopf keeps a copy of each object to compare with: half of its time, for what we ignore."""

    def build(self, *, body: Any, extra_fields: Iterable[Any] | None = None) -> Any:
        return {}

    def fetch(self, *, body: Any) -> Any:
        return None

    def store(self, *, body: Any, patch: Any, essence: Any) -> None:
        return


class _NoProgress(ProgressStorage):
    """We keep no progress in annotations, and look for none."""

    def fetch(self, *, key: Any, body: Any) -> Any:
        return None

    def store(self, *, key: Any, record: Any, body: Any, patch: Any) -> None:
        return

    def purge(self, *, key: Any, body: Any, patch: Any) -> None:
        return

    def touch(self, *, body: Any, patch: Any, value: Any) -> None:
        return

    def clear(self, *, essence: Any) -> Any:
        return essence
