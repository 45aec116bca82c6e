"""Wiring of the Key Vault half: watches in, Secrets out; made only with ``--key-vault``."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from controller.api.errors import ClusterError, ForbiddenError, NotFoundError
from controller.api.kubernetes import KubernetesCluster
from controller.events.recorder import Recorder
from controller.keyvault.azure.client import AzureVault, quiet_logs, session
from controller.keyvault.cluster import ClusterObjects
from controller.keyvault.entry import VaultKey
from controller.keyvault.identities import Identities, Identity
from controller.keyvault.metrics import KeyVaultMetrics
from controller.keyvault.status.memory import Key
from controller.keyvault.sync import Syncer
from controller.keyvault.vault import Vault
from controller.keyvault.vaults import Vaults
from controller.metrics import Metrics
from controller.settings import Settings
from controller.work.workers import Workers
from controller.workqueue import WorkQueue
from sealer.keyvault.resource import KIND
from sealer.keyvault.vaults import CLUSTER_KEY_VAULT, KEY_VAULT

_LOG = logging.getLogger(__name__)
_RETRY_SECONDS = 5.0


class KeyVaultHalf:
    """Make it on the event loop; ``tasks`` are to be run, ``close`` ends it."""

    def __init__(
        self,
        settings: Settings,
        cluster: KubernetesCluster,
        recorder: Recorder,
        metrics: Metrics,
        now: Callable[[], datetime],
        workers: Workers,
    ) -> None:
        quiet_logs()
        self._settings = settings
        self.objects = ClusterObjects(cluster)
        self.metrics = KeyVaultMetrics(metrics.registry)
        self.session = session()
        loop = asyncio.get_running_loop()
        self.vaults = Vaults(
            objects=self.objects,
            identities=Identities(
                self.objects,
                os.environ.get("AZURE_AUTHORITY_HOST", ""),
                demand_label=settings.vault_service_account_label,
                workers=workers,
            ),
            open_vault=self._open,
            recorder=recorder,
            now=now,
            clock=loop.time,
            on_dirty=self._on_dirty,
            on_vault=self._on_vault,
            on_polled=self._on_polled,
            suffixes=settings.vault_suffixes,
            on_poll=lambda vault, seconds: self.metrics.poll_seconds.labels(vault).observe(seconds),
            on_told=self.metrics.show_vault,
        )
        self.syncer = Syncer(
            objects=self.objects,
            vaults=self.vaults,
            recorder=recorder,
            metrics=self.metrics,
            queue=WorkQueue[Key](lane=lambda key: self.syncer.lane(key), width=settings.workers),
            now=now,
            knows_all=self._knows_all,
        )
        self.syncer.targets.custody = settings.custody
        self.syncer.targets.workers = workers
        # Before the vaults are known every KeyVaultSecret would seem to lack its own.
        self._vaults_pending = {
            (CLUSTER_KEY_VAULT, ""),
            *((KEY_VAULT, name) for name in settings.watched_namespaces or ("",)),
        }
        self._secrets_listed: set[str] = set()
        self._vaults_known = asyncio.Event()

    def tasks(self) -> dict[str, Any]:
        """The coroutines to run, by name."""
        return {"key vault watch": self._watch_all(), "key vault work": self._work()}

    def on_secret(self, metadata: Mapping[str, Any], *, deleted: bool = False) -> None:
        """A Secret was seen, changed or deleted."""
        self.syncer.on_target(metadata, deleted=deleted)
        self.vaults.on_secret(metadata["namespace"], metadata["name"])

    def on_secrets_listed(self, present: set[Key], namespace: str) -> None:
        """Every Secret there is was seen."""
        self.syncer.on_targets_listed(present, namespace)

    async def close(self) -> None:
        """Stop polling and let go of all connections."""
        self.syncer.queue.close(discard=True)
        await self.vaults.close()
        await self.session.close()

    def _open(self, url: str, identity: Identity, api_version: str) -> Vault:
        vault = urlsplit(url).hostname or url

        def on_call(operation: str, code: int) -> None:
            self.metrics.requests.labels(vault, operation, str(code)).inc()

        def on_token(ok: bool) -> None:
            self.metrics.tokens.labels("ok" if ok else "failed").inc()

        return AzureVault(
            url,
            identity,
            api_version=api_version,
            session=self.session,
            on_call=on_call,
            on_token=on_token,
        )

    def _on_dirty(self, users: Iterable[str]) -> None:
        self.syncer.on_dirty(users)

    def _on_vault(self, vault: VaultKey, everybody: bool) -> None:
        self.syncer.on_vault(vault, everybody)

    async def _on_polled(self, vault: VaultKey) -> None:
        await self.syncer.on_polled(vault)

    async def _work(self) -> None:
        await self._vaults_known.wait()
        await self.syncer.work()

    def _knows_all(self, namespace: str) -> bool:
        return bool(self._secrets_listed & {"", namespace})

    def _note_listed(self, kind: str, namespace: str) -> None:
        self._vaults_pending.discard((kind, namespace))
        if not self._vaults_pending:
            self._vaults_known.set()

    async def _watch_all(self) -> None:
        watches = [
            self._watch(kind, namespace)
            for namespace in self._settings.watched_namespaces or ("",)
            for kind in (KEY_VAULT, KIND)
        ]
        # A cluster vault is cluster-scoped, whatever namespaces are watched.
        await asyncio.gather(self._watch(CLUSTER_KEY_VAULT, ""), *watches)

    async def _watch(self, kind: str, namespace: str) -> None:
        told = False
        while True:
            try:
                await self._follow(kind, namespace)
            except ClusterError as error:
                why = error.message
                if isinstance(error, NotFoundError):
                    why = f"the CRD of {kind} is not installed"
                    self._note_listed(kind, namespace)
                elif isinstance(error, ForbiddenError) and kind == CLUSTER_KEY_VAULT:
                    # Rights in named namespaces cannot include what is cluster-scoped: there
                    # are no cluster vaults then, and nobody waits for them.
                    self._note_listed(kind, namespace)
                if not told:
                    _LOG.warning("cannot watch", extra={"kind": kind, "why": why})
                    told = True
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception as error:  # noqa: BLE001 one odd answer must not end the watch
                _LOG.error("watch failed", extra={"kind": kind, "why": type(error).__name__})
                await asyncio.sleep(_RETRY_SECONDS)

    async def _follow(self, kind: str, namespace: str) -> None:
        present: set[Key] = set()
        listing = True
        async for event in self.objects.watch(kind, namespace):
            if event.type == "LISTED":
                await self._drop_missing(kind, namespace, present)
                self._note_listed(kind, namespace)
                listing = False
            elif event.type == "DELETED":
                await self._gone(kind, event.object["metadata"])
            elif event.type != "BOOKMARK":
                if event.type == "EXISTS" and not listing:
                    present, listing = set(), True
                body = {"apiVersion": "keyvault.sealer.dev/v1alpha1", "kind": kind, **event.object}
                metadata = body["metadata"]
                present.add((metadata.get("namespace", ""), metadata["name"]))
                await self._see(kind, body)

    async def _see(self, kind: str, body: dict[str, Any]) -> None:
        if kind == KIND:
            self.syncer.on_secret_resource(body)
        else:
            metadata = body["metadata"]
            key = (kind, metadata.get("namespace", ""), metadata["name"])
            await self.vaults.see(key, body)

    async def _gone(self, kind: str, metadata: Mapping[str, Any]) -> None:
        if kind == KIND:
            self.syncer.on_resource_deleted((metadata["namespace"], metadata["name"]))
        else:
            await self.vaults.gone((kind, metadata.get("namespace", ""), metadata["name"]))

    async def _drop_missing(self, kind: str, namespace: str, present: set[Key]) -> None:
        """What a new list does not have any more was deleted while nobody watched."""
        if kind != KIND:
            for vault in list(self.vaults.entries):
                if vault[0] == kind and namespace in ("", vault[1]) and vault[1:] not in present:
                    await self.vaults.gone(vault)
            return
        self._secrets_listed.add(namespace)
        self.syncer.on_resources_listed(present, namespace)
