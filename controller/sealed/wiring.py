"""Wiring of the SealedSecrets' half: kopf's watch in, Secrets out."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Set
from concurrent.futures import Executor
from datetime import datetime
from operator import itemgetter
from typing import Any

import kopf

from controller.api.errors import ClusterError
from controller.api.kubernetes import KubernetesCluster
from controller.backoff import Backoff
from controller.events.event import COMPONENT
from controller.events.recorder import Recorder
from controller.halves import Spawn
from controller.keys.keeper import KeyKeeper
from controller.metrics import Metrics
from controller.sealed import handlers
from controller.sealed.desired import Policy
from controller.sealed.memory import Key
from controller.sealed.sync import Syncer
from controller.settings import Settings
from controller.watching import Name
from controller.work.workers import Workers
from controller.workqueue import WorkQueue

_LOG = logging.getLogger(__name__)
_DRAIN_SECONDS = 20.0
_CRD_SECONDS = 1.0
_LISTING = Backoff(0.1, 5.0)


class SealedHalf:
    """Make it on the event loop."""

    def __init__(
        self,
        settings: Settings,
        cluster: KubernetesCluster,
        keeper: KeyKeeper,
        recorder: Recorder,
        metrics: Metrics,
        *,
        now: Callable[[], datetime],
        executor: Executor,
        workers: Workers,
        on_operator: Callable[[], None],
    ) -> None:
        """``on_operator`` is called whenever kopf has started and put its signal handlers."""
        self._settings, self._cluster, self._keeper = settings, cluster, keeper
        self._metrics, self._on_operator = metrics, on_operator
        self.syncer = Syncer(
            cluster=cluster,
            keys=keeper.store,
            policy=Policy(
                custody=settings.custody,
                accept_deprecated_data=settings.accept_deprecated_v1_data,
                allow_token_types=settings.allow_service_account_tokens,
                recreate_immutable=settings.recreate_immutable,
            ),
            recorder=recorder,
            metrics=metrics,
            queue=WorkQueue[Key](lane=itemgetter(0), width=_most(settings.workers)),
            executor=executor,
            now=now,
            drift=settings.drift,
            update_status=settings.update_status,
            old_gc=settings.old_gc_behavior,
            jitter=random.random,
            workers=workers,
        )
        self._listed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._working: list[asyncio.Task[None]] = []
        self._operator: asyncio.Task[None] | None = None

    def start(self, spawn: Spawn) -> None:
        spawn("first list", self._first_list, lasting=False)
        self._working = [
            spawn(f"worker {number}", self._work) for number in range(self._settings.workers)
        ]
        # kopf ends what is younger: it comes last.
        self._operator = spawn("operator", self._operate)

    def on_secret(self, metadata: Mapping[str, Any], *, deleted: bool = False) -> None:
        if deleted:
            self.syncer.on_secret_deleted(metadata)
        else:
            self.syncer.on_secret(metadata)

    def on_secrets_listed(self, present: Set[Name], namespace: str) -> None:
        self.syncer.on_secrets_listed(present, namespace)

    def missing(self) -> str:
        return "" if self._listed.is_set() else "SealedSecrets are not listed"

    def refresh(self) -> None:
        self._metrics.queue_depth.set(len(self.syncer.queue))
        self._metrics.retries_waiting.set(self.syncer.queue.delayed)
        self._metrics.show_uses(self._keeper.store.keys, self.syncer.opened_by())

    async def stop(self) -> None:
        self._stopping.set()
        if self._operator is not None:
            await asyncio.wait([self._operator], timeout=_DRAIN_SECONDS)
        self.syncer.queue.close(discard=True)
        if self._keeper.loaded.is_set() and self._working:
            await asyncio.wait(self._working, timeout=_DRAIN_SECONDS)

    async def _work(self) -> None:
        # Without keys every SealedSecret would seem to be broken.
        await self._keeper.loaded.wait()
        await self.syncer.work()

    async def _first_list(self) -> None:
        """Find out when every SealedSecret that is there was seen; only /readyz waits for it."""
        for pause in _LISTING:
            if await self._has_seen_all():
                self._listed.set()
                return
            await asyncio.sleep(pause)

    async def _has_seen_all(self) -> bool:
        names = set[Key]()
        try:
            for namespace in self._settings.watched_namespaces or ("",):
                names |= await self._cluster.sealed_names(namespace, self._settings.label_selector)
        except ClusterError:
            return False
        return names <= self.syncer.known_keys

    async def _operate(self) -> None:
        """Let kopf watch SealedSecrets until it is stopped; what ends it otherwise begins again."""
        namespaces = self._settings.watched_namespaces
        while not self._stopping.is_set():
            await self._wait_for_crd()
            ready = asyncio.Event()
            started = asyncio.create_task(self._tell_of_start(ready))
            try:
                await kopf.operator(
                    registry=handlers.registry(self.syncer, self._cluster),
                    settings=handlers.settings(self._settings.label_selector),
                    namespaces=namespaces,
                    clusterwide=not namespaces,
                    standalone=True,
                    # kopf would ask for the user's name, and in a container there is none. It
                    # keeps the type of this string to itself.
                    identity=COMPONENT,  # type: ignore[arg-type]
                    ready_flag=ready,
                    stop_flag=self._stopping,
                )
            finally:
                started.cancel()

    async def _tell_of_start(self, ready: asyncio.Event) -> None:
        await ready.wait()
        self._on_operator()

    async def _wait_for_crd(self) -> None:
        told = False
        while True:
            try:
                if await self._cluster.has_sealed_secrets():
                    return
                problem = "the CRD sealedsecrets.bitnami.com is not installed"
            except ClusterError as error:
                problem = error.message
            if not told:
                _LOG.warning("waiting for the cluster", extra={"why": problem})
                told = True
            await asyncio.sleep(_CRD_SECONDS)


def _most(workers: int) -> int:
    """How many of the workers one namespace may have: the others find one that is free."""
    return max(1, workers * 3 // 4)
