"""One SealedSecret at a time, with the clock and the API server's faults in the test's hands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from controller.cluster import (
    AlreadyExistsError,
    Cluster,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)
from controller.keystore import KeyStore
from controller.metrics import Metrics
from controller.reconcile import Policy
from controller.recorder import Recorder
from controller.renewal import key_secret
from controller.sync import Syncer
from controller.workqueue import WorkQueue
from sealer import Secret, seal
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
        self.recorder = Recorder(checked, lambda: NOW, lambda: None)
        self.told: list[tuple[str, str]] = []
        self.recorder.listeners.append(lambda one: self.told.append((one.reason, one.message)))
        self.keys = KeyStore(
            priority="", on_change=lambda keys: self.syncer.on_keys(keys), on_bad=lambda *_: None
        )
        self.queue = WorkQueue[tuple[str, str]](clock=lambda: self.seconds)
        self.syncer = Syncer(
            cluster=checked,
            keys=self.keys,
            policy=Policy(namespace="home"),
            recorder=self.recorder,
            metrics=self.metrics,
            queue=self.queue,
            executor=ThreadPoolExecutor(1),
            now=lambda: NOW,
            jitter=lambda: 0.5,
            **options,
        )
        self.add_key("one")

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
            self.queue._promote()
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
        rig.syncer.executor.shutdown()

    asyncio.run(main())


SYNCED = [("Synced", "True"), ("Ready", "True")]
STALLED = [("Synced", "False"), ("Ready", "False"), ("Stalled", "True")]
RECONCILING = [("Synced", "False"), ("Ready", "False"), ("Reconciling", "True")]


def test_a_new_one_costs_two_writes_and_no_read() -> None:
    async def body(rig: Rig) -> None:
        rig.apply()
        await rig.work()
        assert rig.cluster.calls == ["create_secret", "patch_status"]
        assert rig.conditions() == SYNCED
        assert rig.told == [("Unsealed", "SealedSecret unsealed successfully")]

    run(body)


def test_seeing_it_again_costs_nothing() -> None:
    async def body(rig: Rig) -> None:
        rig.apply()
        await rig.work()
        rig.cluster.calls.clear()
        rig.syncer.on_sealed(rig.cluster.objects[("SealedSecret", *KEY)], listed=False)
        rig.syncer.on_secret(rig.cluster.objects[("Secret", *KEY)]["metadata"])
        await rig.work()
        assert rig.cluster.calls == []
        assert len(rig.told) == 1

    run(body)


def test_a_restart_reads_and_writes_nothing() -> None:
    async def body(rig: Rig) -> None:
        rig.apply()
        await rig.work()
        rig.cluster.calls.clear()
        rig.syncer._records.clear()
        rig.syncer.on_sealed(rig.cluster.objects[("SealedSecret", *KEY)], listed=True)
        await rig.work()
        assert rig.cluster.calls == ["get_secret"]
        assert len(rig.told) == 1

    run(body)


def test_a_conflict_is_read_and_decided_again_at_once() -> None:
    async def body(rig: Rig) -> None:
        rig.apply()
        await rig.work()
        rig.cluster.fail("replace_secret", ConflictError("changed"))
        rig.apply(labels={"x": "y"})
        await rig.work()
        assert rig.conditions() == SYNCED
        assert (rig.secret() or {})["metadata"]["labels"] == {"x": "y"}
        assert [reason for reason, _ in rig.told] == ["Unsealed", "Unsealed"]

    run(body)


def test_short_trouble_is_not_told_of_and_long_trouble_is() -> None:
    async def body(rig: Rig) -> None:
        rig.cluster.fail("create_secret", *[UnavailableError("away")] * 4)
        rig.apply()
        await rig.work()
        assert (rig.conditions(), rig.queue.delayed) == ([], 1)
        await rig.after(0.06)
        assert rig.conditions() == []
        await rig.after(0.11)
        assert rig.conditions() == RECONCILING
        rig.syncer.on_sealed(rig.cluster.objects[("SealedSecret", *KEY)], listed=False)
        await rig.after(300)
        await rig.after(300)
        assert rig.conditions() == SYNCED
        assert [reason for reason, _ in rig.told] == ["ErrUpdateFailed", "Unsealed"]

    run(body)


def test_the_same_failure_is_told_of_once_and_tried_for_ever() -> None:
    async def body(rig: Rig) -> None:
        rig.apply(key="two")
        await rig.work()
        runs = []
        for _ in range(20):
            before = rig.metrics.unseal_requests._value.get()
            await rig.after(300)
            runs.append(rig.metrics.unseal_requests._value.get() - before)
        assert all(count >= 1 for count in runs)
        assert rig.conditions() == STALLED
        assert [reason for reason, _ in rig.told] == ["ErrUnsealFailed"]
        rig.add_key("two")
        await rig.work()
        assert rig.conditions() == SYNCED
        assert rig.told[-1][0] == "Unsealed"

    run(body)


def test_what_the_api_server_calls_invalid_is_final() -> None:
    async def body(rig: Rig) -> None:
        rig.cluster.fail("create_secret", InvalidError("data: Invalid"))
        rig.apply()
        await rig.work()
        assert rig.conditions() == STALLED

    run(body)


def test_a_missing_right_is_not_final() -> None:
    async def body(rig: Rig) -> None:
        rig.cluster.fail("create_secret", *[ForbiddenError("no")] * 3)
        rig.apply()
        await rig.work()
        await rig.after(1)
        await rig.after(1)
        assert rig.conditions() == RECONCILING

    run(body)


def test_a_status_that_cannot_be_written_is_written_later() -> None:
    async def body(rig: Rig) -> None:
        rig.cluster.fail("patch_status", UnavailableError("away"), UnavailableError("away"))
        rig.apply()
        await rig.work()
        assert rig.secret() is not None
        await rig.after(1)
        await rig.after(1)
        assert rig.conditions() == SYNCED

    run(body)


def test_one_that_goes_while_in_work_is_forgotten() -> None:
    async def body(rig: Rig) -> None:
        rig.apply()
        rig.cluster.drop("SealedSecret", *KEY)
        await rig.work()
        rig.syncer.on_secret_deleted(rig.cluster.objects[("Secret", *KEY)]["metadata"])
        await rig.work()
        assert not rig.syncer.known_keys

    run(body)


def test_one_that_is_being_deleted_gets_no_secret_again() -> None:
    async def body(rig: Rig) -> None:
        stored = rig.apply()
        await rig.work()
        stored["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        rig.cluster.drop("Secret", *KEY)
        rig.cluster.put(stored)
        rig.syncer.on_secret_deleted({"namespace": "shop", "name": "db"})
        await rig.work()
        assert rig.secret() is None

    run(body)


def test_a_foreign_secret_that_goes_is_not_replaced_at_once() -> None:
    async def body(rig: Rig) -> None:
        foreign = {"kind": "Secret", "metadata": {"name": "db", "namespace": "shop"}}
        rig.cluster.put(foreign)
        rig.apply()
        await rig.work()
        assert rig.conditions() == STALLED
        metadata = rig.cluster.objects[("Secret", *KEY)]["metadata"]
        rig.cluster.drop("Secret", *KEY)
        rig.syncer.on_secret_deleted(metadata)
        await rig.after(0.4)
        assert rig.secret() is None
        await rig.after(0.4)
        assert rig.conditions() == SYNCED

    run(body)


def test_secrets_that_vanished_unseen_are_made_again_in_their_namespace_only() -> None:
    async def body(rig: Rig) -> None:
        rig.apply()
        await rig.work()
        rig.cluster.drop("Secret", *KEY)
        rig.syncer.on_secrets_listed(set(), "elsewhere")
        await rig.work()
        assert rig.secret() is None
        rig.syncer.on_secrets_listed(set(), "")
        await rig.work()
        assert rig.secret() is not None

    run(body)


@pytest.mark.parametrize(("mode", "told"), [("report", 1), ("ignore", 0)])
def test_drift_that_is_left_is_told_of_once_or_never(mode: str, told: int) -> None:
    async def body(rig: Rig) -> None:
        rig.apply()
        await rig.work()
        edited = {**rig.cluster.objects[("Secret", *KEY)], "data": {"a": "eA=="}}
        rig.cluster.put(edited)
        for _ in range(3):
            rig.syncer.on_secret(rig.cluster.objects[("Secret", *KEY)]["metadata"])
            rig.syncer._force(KEY)
            await rig.work()
        assert [reason for reason, _ in rig.told].count("DriftDetected") == told
        assert (rig.secret() or {})["data"] == {"a": "eA=="}
        assert rig.conditions() == SYNCED

    run(body, drift=mode)


def test_a_secret_made_between_look_and_create_is_looked_at() -> None:
    async def body(rig: Rig) -> None:
        rig.cluster.fail("create_secret", AlreadyExistsError("exists"))
        rig.apply()
        await rig.work()
        assert rig.cluster.calls[:2] == ["create_secret", "get_secret"]
        assert rig.conditions() == SYNCED

    run(body)


def test_a_bug_does_not_end_the_worker_and_prints_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def body(rig: Rig) -> None:
        rig.apply()

        class Broken(Exception):
            pass

        async def broken(*_: Any) -> Any:
            raise Broken("canary")

        rig.cluster.create_secret = broken  # type: ignore[method-assign,assignment]
        await rig.work()
        assert rig.queue.delayed == 1
        assert "canary" not in caplog.text

    run(body)


def test_the_old_garbage_collection_spares_foreign_secrets_and_survives_faults() -> None:
    async def body(rig: Rig) -> None:
        stored = rig.apply()
        await rig.work()
        rig.cluster.fail("get_secret", UnavailableError("away"), NotFoundError("gone"))
        for _ in range(2):
            await rig.syncer.on_sealed_deleted(stored)
        assert rig.secret() is not None
        await rig.syncer.on_sealed_deleted(stored)
        assert rig.secret() is None

    run(body, old_gc=True)


def edit(rig: Rig) -> None:
    """Touch the Secret as somebody else would, and let the syncer see it."""
    touched = dict(rig.secret() or {})
    touched["metadata"] = {**touched["metadata"], "annotations": {"x": "y"}}
    rig.syncer.on_secret(rig.cluster.put(touched)["metadata"])


def runs(rig: Rig) -> float:
    return float(rig.metrics.unseal_requests._value.get())


def errors(rig: Rig, reason: str) -> float:
    return float(rig.metrics.unseal_errors.labels(reason, "shop")._value.get())


def test_an_edit_of_the_secret_of_one_that_fails_is_one_run() -> None:
    async def body(rig: Rig) -> None:
        rig.apply()
        await rig.work()
        rig.apply(key="two")
        await rig.work()
        before = runs(rig)
        edit(rig)
        async with asyncio.timeout(5):
            await rig.work()
        assert runs(rig) == before + 1
        assert rig.queue.delayed == 1

    run(body)


def test_a_refused_status_backs_off_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def body(rig: Rig) -> None:
        rig.cluster.fail("patch_status", *[ForbiddenError("no")] * 20)
        rig.apply()
        for _ in range(600):
            await rig.after(0.1)
        tries = rig.cluster.calls.count("patch_status")
        assert 8 <= tries <= 12
        assert (errors(rig, "status"), errors(rig, "fetch")) == (tries, 0)
        assert [one.message for one in caplog.records].count("cannot write the status") == 1
        assert rig.told == []
        for _ in range(10):
            await rig.after(300)
        assert rig.conditions() == SYNCED
        assert [reason for reason, _ in rig.told] == ["Unsealed"]

    run(body)


def test_other_trouble_after_a_long_failure_has_its_own_back_off() -> None:
    async def body(rig: Rig) -> None:
        rig.apply(key="two")
        await rig.work()
        for _ in range(30):
            await rig.after(301)
        rig.cluster.fail("create_secret", UnavailableError("leader changed"))
        rig.cluster.fail("get_secret", UnavailableError("leader changed"))
        rig.add_key("two")
        await rig.work()
        for _ in range(2):
            await rig.after(1)
        assert rig.conditions() == SYNCED

    run(body)


def test_a_sealed_secret_that_cannot_be_read_is_counted_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def body(rig: Rig) -> None:
        rig.apply()
        await rig.work()
        rig.cluster.fail("get_sealed", *[ForbiddenError("no")] * 9)
        edit(rig)
        await rig.work()
        for _ in range(8):
            await rig.after(300)
        assert errors(rig, "fetch") == 9
        assert [one.message for one in caplog.records].count("cannot read the SealedSecret") == 1

    run(body)
