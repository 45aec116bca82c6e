"""Wiring: settings in, a running controller out; what is decided is decided in its parts."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web

from controller.api.connection import connect
from controller.api.kubernetes import KubernetesCluster
from controller.events.recorder import Recorder
from controller.halves import Half, SecretsOfHalves
from controller.http.authentication import Gate
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
from controller.sealed.wiring import SealedHalf
from controller.settings import Settings
from controller.tasks import Tasks
from controller.turns import cores
from controller.watching import Watch
from controller.work.workers import Workers
from sealer import __version__

_LOG = logging.getLogger(__name__)
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
        self.recorder = Recorder(cluster.create_event, _now, self.metrics.events_dropped.inc)
        self.store = KeyStore(
            priority=settings.key_order_priority, on_change=self._on_keys, on_bad=self._on_bad_key
        )
        self.keeper = KeyKeeper(cluster, self.store, settings, self.recorder, self.executor, _now)
        self.sealed = SealedHalf(
            settings,
            cluster,
            self.keeper,
            self.recorder,
            self.metrics,
            now=_now,
            executor=self.executor,
            workers=self.workers,
            on_operator=self._catch_signals,
        )
        self.halves: tuple[Half, ...] = (self.sealed,)
        if settings.key_vault:
            self.halves += (self._key_vault(),)
        self.notifying = Notifying(settings, cluster, self.recorder, self.metrics, _now)
        self.tasks = Tasks()
        self._stopping = asyncio.Event()

    def _key_vault(self) -> Half:
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
            self._start()
            await self._stopping.wait()
        # kopf ends every task that is younger than itself: our servers are closed before.
        await self._stop()

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
        gate = Gate(self.cluster, settings.trusted_proxies) if settings.authenticate else None
        endpoints = Endpoints(state, self.metrics, limit, read=read, gate=gate)
        metrics = metrics_application(self.metrics, self._refresh)
        servers: list[tuple[web.Application, str, ssl.SSLContext | None]] = [
            (endpoints.application(), settings.listen_addr, None),
            (metrics, settings.listen_metrics_addr, None),
        ]
        if settings.listen_tls_addr:
            context = tls(settings.tls_cert_file, settings.tls_key_file)
            servers.append((endpoints.application(), settings.listen_tls_addr, context))
        return servers

    def _start(self) -> None:
        spawn = self.tasks.spawn
        spawn("key watch", self.keeper.watch)
        spawn("key renewal", self.keeper.renew)
        spawn("event recorder", self.recorder.run)
        late, computed = self.metrics.loop_lag, self.metrics.loop_computing
        spawn("loop watch", partial(watch_loop, late.observe, computed.observe))
        if not self.settings.skip_recreate:
            for namespace in self.settings.watched_namespaces or ("",):
                what = f"Secrets {namespace}".strip()
                events = partial(self.cluster.watch_secrets, namespace)
                watch = Watch(what, events, SecretsOfHalves(self.halves, namespace))
                spawn(f"watch of {what}", watch.run)
        self.notifying.start(spawn)
        # SealedSecrets come last: kopf ends what is younger than itself.
        for half in reversed(self.halves):
            half.start(spawn)

    async def _stop(self) -> None:
        """Let the halves finish what they hold, and what was told be posted."""
        for half in self.halves:
            await half.stop()
        await self.recorder.drain(_EVENT_SECONDS)
        await self.notifying.close(_EVENT_SECONDS)
        await self.tasks.cancel()
        await self.workers.close()
        self.executor.shutdown(wait=False, cancel_futures=True)
        _LOG.info("stopped")

    def _on_keys(self, keys: Keys) -> None:
        self.metrics.show_keys(keys, len(self.store.bad))
        self.sealed.syncer.on_keys(keys)
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
        for half in self.halves:
            half.refresh()

    def _stuck(self) -> str:
        ended = self.tasks.ended()
        return f"ended: {', '.join(ended)}" if ended else ""

    def _missing(self) -> str:
        if not self.keeper.loaded.is_set() or self.store.keys.newest is None:
            return "sealing keys are not loaded"
        return next(filter(None, (half.missing() for half in self.halves)), "")


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


def _now() -> datetime:
    return datetime.now(UTC)
