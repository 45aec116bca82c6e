"""Wiring of the Key Vault half: watches in, Secrets out; made only with ``--key-vault``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Set
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from controller.api.errors import ClusterError, ForbiddenError, NotFoundError
from controller.api.kubernetes import KubernetesCluster
from controller.events.recorder import Recorder
from controller.halves import Spawn
from controller.keyvault.azure.client import AzureVault, quiet_logs, session
from controller.keyvault.cluster import ClusterObjects
from controller.keyvault.identities import Identities, Identity
from controller.keyvault.metrics import KeyVaultMetrics
from controller.keyvault.status.memory import Key
from controller.keyvault.sync import Syncer
from controller.keyvault.target.targets import Targets
from controller.keyvault.vault import Vault
from controller.keyvault.vaults import Vaults
from controller.keyvault.watched import SecretResources, VaultResources
from controller.metrics import Metrics
from controller.settings import Settings
from controller.watching import Watch, Watched
from controller.work.workers import Workers
from controller.workqueue import WorkQueue
from sealer.keyvault.resource import KIND
from sealer.keyvault.vaults import CLUSTER_KEY_VAULT, KEY_VAULT


class KeyVaultHalf:
    """Make it on the event loop."""

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
            on_dirty=lambda users: self.syncer.on_dirty(users),
            on_vault=lambda vault, everybody: self.syncer.on_vault(vault, everybody),
            on_polled=lambda vault: self.syncer.on_polled(vault),
            suffixes=settings.vault_suffixes,
            on_poll=lambda vault, seconds: self.metrics.poll_seconds.labels(vault).observe(seconds),
            on_told=self.metrics.show_vault,
        )
        self.syncer = Syncer(
            objects=self.objects,
            targets=Targets(self.objects, settings.custody, workers),
            vaults=self.vaults,
            recorder=recorder,
            metrics=self.metrics,
            queue=WorkQueue[Key](lane=lambda key: self.syncer.lane(key), width=settings.workers),
            now=now,
            knows_all=self._knows_all,
        )
        # Before the vaults are known every KeyVaultSecret would seem to lack its own.
        self._vaults_pending = {
            (CLUSTER_KEY_VAULT, ""),
            *((KEY_VAULT, name) for name in settings.watched_namespaces or ("",)),
        }
        self._secrets_listed: set[str] = set()
        self._vaults_known = asyncio.Event()

    def start(self, spawn: Spawn) -> None:
        for namespace in self._settings.watched_namespaces or ("",):
            for kind in (KEY_VAULT, KIND):
                self._watch(kind, namespace, spawn)
        # A cluster vault is cluster-scoped, whatever namespaces are watched.
        self._watch(CLUSTER_KEY_VAULT, "", spawn)
        spawn("key vault work", self._work)

    def on_secret(self, metadata: Mapping[str, Any], *, deleted: bool = False) -> None:
        self.syncer.on_target(metadata, deleted=deleted)
        self.vaults.on_secret(metadata["namespace"], metadata["name"])

    def on_secrets_listed(self, present: Set[Key], namespace: str) -> None:
        self.syncer.on_targets_listed(present, namespace)

    def missing(self) -> str:
        return ""

    def refresh(self) -> None:
        return

    async def stop(self) -> None:
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

    async def _work(self) -> None:
        await self._vaults_known.wait()
        await self.syncer.work()

    def _knows_all(self, namespace: str) -> bool:
        return bool(self._secrets_listed & {"", namespace})

    def _note_listed(self, kind: str, namespace: str) -> None:
        self._vaults_pending.discard((kind, namespace))
        if not self._vaults_pending:
            self._vaults_known.set()

    def _watch(self, kind: str, namespace: str, spawn: Spawn) -> None:
        def on_refused(error: ClusterError) -> str:
            if isinstance(error, NotFoundError):
                self._note_listed(kind, namespace)
                return f"the CRD of {kind} is not installed"
            if isinstance(error, ForbiddenError) and kind == CLUSTER_KEY_VAULT:
                # Rights in named namespaces cannot include what is cluster-scoped: there are no
                # cluster vaults then, and nobody waits for them.
                self._note_listed(kind, namespace)
            return error.message

        what = f"{kind}s {namespace}".strip()
        hears: Watched
        if kind == KIND:
            hears = SecretResources(self.syncer, namespace, self._note_secrets)
        else:
            hears = VaultResources(self.vaults, kind, namespace, self._note_listed)
        events = partial(self.objects.watch, kind, namespace)
        spawn(f"watch of {what}", Watch(what, events, hears, on_refused).run)

    def _note_secrets(self, namespace: str) -> None:
        self._secrets_listed.add(namespace)
