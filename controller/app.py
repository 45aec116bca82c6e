"""Wiring: settings in, a running controller out; nothing is decided here."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import ssl
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import kopf
from aiohttp import web

from controller.api.connection import connect
from controller.api.errors import ClusterError
from controller.api.kubernetes import KubernetesCluster
from controller.events.event import COMPONENT
from controller.events.recorder import Recorder
from controller.http.endpoints import READ_SECONDS, Endpoints, State, metrics_application
from controller.http.listening import serve, tls
from controller.http.page import Page
from controller.http.ratelimit import RateLimit
from controller.keys.keeper import KeyKeeper
from controller.keys.store import Keys, KeyStore
from controller.looplag import watch_loop
from controller.metrics import Metrics
from controller.notify.wiring import Notifying
from controller.reasons import Reason
from controller.sealed import handlers
from controller.sealed.desired import Policy
from controller.sealed.memory import Key
from controller.sealed.sync import Syncer
from controller.settings import Settings
from controller.turns import cores
from controller.work.workers import Workers
from controller.workqueue import WorkQueue
from sealer import __version__

if TYPE_CHECKING:
    from controller.keyvault.wiring import KeyVaultHalf

_LOG = logging.getLogger(__name__)
_RETRY_SECONDS = 5.0
_DRAIN_SECONDS = 20.0
_EVENT_SECONDS = 5.0


class App:
    """All parts of one controller; make and ``run`` it on one event loop."""

    def __init__(self, settings: Settings, cluster: KubernetesCluster) -> None:
        self.settings, self.cluster = settings, cluster
        self.metrics = Metrics(
            version=__version__, omit_secret_labels=settings.metrics_omit_secret_labels
        )
        # RSA leaves the interpreter's lock: a namespace has as many threads as there are cores,
        # and one is left for the others.
        self.executor = ThreadPoolExecutor(cores() + 1, thread_name_prefix="unseal")
        self.workers = Workers()
        self.recorder = Recorder(cluster, _now, self.metrics.events_dropped.inc)
        self.store = KeyStore(
            priority=settings.key_order_priority, on_change=self._on_keys, on_bad=self._on_bad_key
        )
        self.keeper = KeyKeeper(cluster, self.store, settings, self.recorder, self.executor, _now)
        self.syncer = Syncer(
            cluster=cluster,
            keys=self.store,
            policy=Policy(
                custody=settings.custody,
                accept_deprecated_data=settings.accept_deprecated_v1_data,
                allow_token_types=settings.allow_service_account_tokens,
                recreate_immutable=settings.recreate_immutable,
            ),
            recorder=self.recorder,
            metrics=self.metrics,
            queue=WorkQueue[Key](lane=itemgetter(0), width=_most(settings.workers)),
            executor=self.executor,
            now=_now,
            drift=settings.drift,
            update_status=settings.update_status,
            old_gc=settings.old_gc_behavior,
            workers=self.workers,
        )
        self.key_vault = self._key_vault() if settings.key_vault else None
        self.notifying = Notifying(settings, cluster, self.recorder, self.metrics, _now)
        self._listed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._stop_kopf = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def _key_vault(self) -> KeyVaultHalf:
        # Brings Azure's SDK: who does not ask for it does not pay for it.
        from controller.keyvault.wiring import KeyVaultHalf

        return KeyVaultHalf(
            self.settings, self.cluster, self.recorder, self.metrics, _now, self.workers
        )

    async def run(self) -> None:
        """Run until a signal comes, then finish what is in work."""
        async with AsyncExitStack() as stack:
            for application, address, context in self._servers():
                stack.push_async_callback(await serve(application, address, context))
            self._catch_signals()
            self._spawn()
            await self._stopping.wait()
        # kopf ends every task that is younger than itself: our servers are closed before.
        self._stop_kopf.set()
        await asyncio.wait([self._tasks["operator"]], timeout=_DRAIN_SECONDS)
        await self._drain()

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, self.keeper.ask)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)

    def _servers(self) -> list[tuple[web.Application, str, ssl.SSLContext | None]]:
        settings = self.settings
        state = State(
            ring=lambda: self.store.ring,
            alive=self._stuck,
            ready=self._missing,
            page=Page(settings.page_cluster_name) if settings.page else None,
        )
        limit = RateLimit(
            settings.rate_limit,
            settings.rate_limit_burst,
            clock=asyncio.get_running_loop().time,
        )
        # Go takes 0 for no end; here a request always has one.
        read = settings.read_timeout.total_seconds()
        read = read if read > 0 else READ_SECONDS
        endpoints = Endpoints(state, self.metrics, limit, read=read)
        metrics = metrics_application(self.metrics, self._refresh)
        servers: list[tuple[web.Application, str, ssl.SSLContext | None]] = [
            (endpoints.application(), settings.listen_addr, None),
            (metrics, settings.listen_metrics_addr, None),
        ]
        if settings.listen_tls_addr:
            context = tls(settings.tls_cert_file, settings.tls_key_file)
            servers.append((endpoints.application(), settings.listen_tls_addr, context))
        return servers

    def _spawn(self) -> None:
        lasting: dict[str, Callable[[], Awaitable[None]]] = {
            "key watch": self.keeper.watch,
            "key renewal": self.keeper.renew,
            "event recorder": self.recorder.run,
            "first list": self._first_list,
            "loop watch": partial(watch_loop, self.metrics.loop_lag.observe),
        }
        if not self.settings.skip_recreate:
            for namespace in self.settings.watched_namespaces or ("",):
                name = f"secret watch {namespace}".strip()
                lasting[name] = partial(self._watch_secrets, namespace)
        for number in range(self.settings.workers):
            lasting[f"worker {number}"] = self._work
        tasks = {name: keep_up(name, task) for name, task in lasting.items()}
        if self.key_vault is not None:
            tasks.update(self.key_vault.tasks())
        tasks.update(self.notifying.tasks())
        # kopf ends what is younger: it comes last.
        tasks["operator"] = keep_up("operator", self._operate)
        self._tasks = {name: asyncio.create_task(task) for name, task in tasks.items()}

    async def _operate(self) -> None:
        """Let kopf watch SealedSecrets until it is stopped; what ends it otherwise begins anew."""
        while not self._stopping.is_set():
            await self._wait_for_crd()
            ready = asyncio.Event()
            catcher = asyncio.create_task(self._catch_signals_again(ready))
            try:
                await kopf.operator(
                    registry=handlers.registry(self.syncer, self.cluster),
                    settings=handlers.settings(self.settings.label_selector),
                    namespaces=self.settings.watched_namespaces,
                    clusterwide=not self.settings.watched_namespaces,
                    standalone=True,
                    # kopf would ask for the user's name, and in a container there is none. It
                    # keeps the type of this string to itself.
                    identity=COMPONENT,  # type: ignore[arg-type]
                    ready_flag=ready,
                    stop_flag=self._stop_kopf,
                )
            finally:
                catcher.cancel()

    async def _catch_signals_again(self, ready: asyncio.Event) -> None:
        """kopf puts its own handlers in place of ours when it starts."""
        await ready.wait()
        self._catch_signals()

    async def _wait_for_crd(self) -> None:
        told = False
        while True:
            try:
                if await self.cluster.has_sealed_secrets():
                    return
                problem = "the CRD sealedsecrets.bitnami.com is not installed"
            except ClusterError as error:
                problem = error.message
            if not told:
                _LOG.warning("waiting for the cluster", extra={"why": problem})
                told = True
            await asyncio.sleep(1)

    async def _work(self) -> None:
        # Without keys every SealedSecret would seem to be broken.
        await self.keeper.loaded.wait()
        await self.syncer.work()

    async def _watch_secrets(self, namespace: str) -> None:
        while True:
            try:
                await self._follow_secrets(namespace)
            except ClusterError as error:
                extra = {"why": error.message, "namespace": namespace}
                _LOG.warning("cannot watch Secrets", extra=extra)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _follow_secrets(self, namespace: str) -> None:
        present: set[Key] | None = set()
        async for event in self.cluster.watch_secrets(namespace):
            metadata = event.object.get("metadata", {})
            if event.type == "LISTED":
                self.syncer.on_secrets_listed(present or set(), namespace)
                if self.key_vault is not None:
                    self.key_vault.on_secrets_listed(present or set(), namespace)
                present = None
            elif event.type == "DELETED":
                self.syncer.on_secret_deleted(metadata)
                if self.key_vault is not None:
                    self.key_vault.on_secret(metadata, deleted=True)
            elif event.type != "BOOKMARK":
                if event.type == "EXISTS":
                    present = present or set()
                    present.add((metadata["namespace"], metadata["name"]))
                self.syncer.on_secret(metadata)
                if self.key_vault is not None:
                    self.key_vault.on_secret(metadata)

    async def _first_list(self) -> None:
        """Find out when every SealedSecret that is there was seen; only /readyz waits for it."""
        pause = 0.1
        while not self._listed.is_set():
            try:
                names = set[Key]()
                for namespace in self.settings.watched_namespaces or ("",):
                    names |= await self.cluster.sealed_names(
                        namespace, self.settings.label_selector
                    )
                if names <= self.syncer.known_keys:
                    self._listed.set()
                    return
            except ClusterError:
                pause = _RETRY_SECONDS
            await asyncio.sleep(pause)
            pause = min(_RETRY_SECONDS, pause * 2)

    async def _drain(self) -> None:
        """Let the workers finish what they hold, and the recorder what was told."""
        self.syncer.queue.close(discard=True)
        workers = [task for name, task in self._tasks.items() if name.startswith("worker")]
        if self.keeper.loaded.is_set():
            await asyncio.wait(workers, timeout=_DRAIN_SECONDS)
        if self.key_vault is not None:
            await self.key_vault.close()
        await self.recorder.drain(_EVENT_SECONDS)
        await self.notifying.close(_EVENT_SECONDS)
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self.workers.close()
        self.executor.shutdown(wait=False, cancel_futures=True)
        _LOG.info("stopped")

    def _on_keys(self, keys: Keys) -> None:
        self.metrics.show_keys(keys, len(self.store.bad))
        self.syncer.on_keys(keys)
        newest = keys.newest
        _LOG.info(
            "sealing keys",
            extra={"count": len(keys.keys), "newest": newest.pair.fingerprint if newest else ""},
        )

    def _on_bad_key(self, secret: Any, problem: str) -> None:
        self.metrics.keys_bad.set(len(self.store.bad))
        involved = {**secret, "apiVersion": "v1", "kind": "Secret"}
        self.recorder.record(involved, Reason.KEY_REJECTED, f"Not a usable sealing key: {problem}")
        _LOG.error("bad key Secret", extra={"object": secret["metadata"]["name"], "why": problem})

    def _refresh(self) -> None:
        self.metrics.queue_depth.set(len(self.syncer.queue))
        self.metrics.retries_waiting.set(self.syncer.queue.delayed)
        self.metrics.show_uses(self.store.keys, self.syncer.opened_by())

    def _stuck(self) -> str:
        ended = [name for name, task in self._tasks.items() if task.done() and name != "first list"]
        return f"ended: {', '.join(ended)}" if ended else ""

    def _missing(self) -> str:
        if not self.keeper.loaded.is_set() or self.store.keys.newest is None:
            return "sealing keys are not loaded"
        return "" if self._listed.is_set() else "SealedSecrets are not listed"


async def main(settings: Settings) -> None:
    """Connect and run."""
    cluster = await connect(
        kubeconfig=settings.kubeconfig,
        context=settings.context,
        qps=settings.kubeclient_qps,
        burst=settings.kubeclient_burst,
    )
    # What is loaded by now stays: the collector need not walk over it again and again.
    gc.collect()
    gc.freeze()
    try:
        _LOG.info("starting", extra={"version": __version__, "namespace": settings.namespace})
        await App(settings, cluster).run()
    finally:
        await cluster.close()


async def keep_up(
    name: str, task: Callable[[], Awaitable[None]], *, pause: float = _RETRY_SECONDS
) -> None:
    """Run what has no end until it ends by itself; whatever fails in it begins anew.

    Of an exception only the class is told: its text may hold anything.
    """
    while True:
        try:
            await task()
        except Exception as error:  # noqa: BLE001 whatever it was, the work must go on
            _LOG.error("failed, begins anew", extra={"task": name, "why": type(error).__name__})
            await asyncio.sleep(pause)
        else:
            return


def _most(workers: int) -> int:
    """How many of the workers one namespace may have: the others find one that is free."""
    return max(1, workers * 3 // 4)


def _now() -> datetime:
    return datetime.now(UTC)
