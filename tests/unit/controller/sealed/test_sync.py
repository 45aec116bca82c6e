"""One SealedSecret at a time, with the clock and the API server's faults in the test's hands."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.errors import (
    AlreadyExistsError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)
from tests.unit.controller.rig import KEY, RECONCILING, STALLED, SYNCED, Rig, run


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
        rig.restart()
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
            rig.queue.add(KEY)
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
