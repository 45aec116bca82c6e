"""A syncer on a cluster in memory: the clock and the API server's faults in the test's hands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from controller.api.cluster import Cluster
from controller.events.recorder import Recorder
from controller.keys.renewal import key_secret
from controller.keys.store import KeyStore
from controller.metrics import Metrics
from controller.sealed.desired import Policy
from controller.sealed.sync import Syncer
from controller.work.workers import Workers
from controller.workqueue import WorkQueue
from sealer import Secret, seal
from sealer.keys.custody import Custody
from tests.sealing_keys import pair
from tests.testbed.fake_cluster import FakeCluster

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = ("shop", "db")


class Rig:
    """A syncer on a fake cluster, with a clock that stands still."""

    def __init__(self, **options: Any) -> None:
        self.cluster = FakeCluster()
        checked: Cluster = self.cluster
        self.seconds = 0.0
        self.metrics = Metrics(version="x")
        self.recorder = Recorder(checked.create_event, lambda: NOW, lambda: None)
        self.told: list[tuple[str, str]] = []
        self.recorder.listeners.append(lambda one: self.told.append((one.reason, one.message)))
        self.keys = KeyStore(
            priority="", on_change=lambda keys: self.syncer.on_keys(keys), on_bad=lambda *_: None
        )
        self.queue = WorkQueue[tuple[str, str]](clock=lambda: self.seconds)
        self._options = options
        self.executor, self.workers = ThreadPoolExecutor(1), Workers()
        self.restart()
        self.add_key("one")

    def restart(self) -> None:
        """Another process takes over: it knows what the cluster says and nothing else."""
        self.syncer = Syncer(
            cluster=self.cluster,
            keys=self.keys,
            policy=Policy(Custody("home")),
            recorder=self.recorder,
            metrics=self.metrics,
            queue=self.queue,
            executor=self.executor,
            now=lambda: NOW,
            jitter=lambda: 0.5,
            **{"workers": self.workers, **self._options},
        )

    def add_key(self, name: str) -> None:
        secret = key_secret(pair(name), prefix="k", namespace="home")
        secret["metadata"]["name"] = name
        self.keys.put(secret)

    def apply(self, *, key: str = "one", **spec: Any) -> dict[str, Any]:
        """Write the SealedSecret and let the syncer see it."""
        secret = Secret(name="db", namespace="shop", data={"a": b"1"}, metadata=spec)
        manifest = seal(secret, pair(key).certificate).to_dict()
        old = self.cluster.objects.get(("SealedSecret", *KEY))
        generation = old["metadata"]["generation"] + 1 if old else 1
        manifest["metadata"]["generation"] = generation
        if old:
            manifest["metadata"]["uid"] = old["metadata"]["uid"]
            manifest["status"] = old.get("status")
        stored = self.cluster.put(manifest)
        self.syncer.on_sealed(stored, listed=False)
        return stored

    async def work(self) -> None:
        """Run everything that is due now."""
        while True:
            self.queue.promote()
            if not len(self.queue):
                return
            key = await self.queue.get()
            assert key is not None
            await self.syncer.run(key)
            self.queue.done(key)

    async def after(self, seconds: float) -> None:
        """Let time pass and work."""
        self.seconds += seconds
        await self.work()

    def conditions(self) -> list[tuple[str, str]]:
        status = self.cluster.objects[("SealedSecret", *KEY)].get("status") or {}
        return [(one["type"], one["status"]) for one in status.get("conditions", ())]

    def secret(self) -> dict[str, Any] | None:
        return self.cluster.objects.get(("Secret", *KEY))


def run(body: Callable[[Rig], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        rig = Rig(**options)
        await body(rig)
        await rig.syncer.workers.close()
        rig.syncer.executor.shutdown()

    asyncio.run(main())


SYNCED = [("Synced", "True"), ("Ready", "True")]
STALLED = [("Synced", "False"), ("Ready", "False"), ("Stalled", "True")]
RECONCILING = [("Synced", "False"), ("Ready", "False"), ("Reconciling", "True")]


def edit(rig: Rig) -> None:
    """Touch the Secret as somebody else would, and let the syncer see it."""
    touched = dict(rig.secret() or {})
    touched["metadata"] = {**touched["metadata"], "annotations": {"x": "y"}}
    rig.syncer.on_secret(rig.cluster.put(touched)["metadata"])


def runs(rig: Rig) -> float:
    return float(rig.metrics.unseal_requests._value.get())


def errors(rig: Rig, reason: str) -> float:
    return float(rig.metrics.unseal_errors.labels(reason, "shop")._value.get())
