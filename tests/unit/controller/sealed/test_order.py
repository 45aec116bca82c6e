"""Late watch events, replaced objects of one name, and what counts as drift without a status."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.controller.rig import (
    KEY,
    STALLED,
    SYNCED,
    Rig,
    run,
)


def sealed(rig: Rig) -> dict[str, Any]:
    return copy.deepcopy(rig.cluster.objects["SealedSecret", *KEY])


def replace(rig: Rig, **options: Any) -> dict[str, Any]:
    """Delete and create it at once, as ``kubectl replace --force`` does."""
    del rig.cluster.objects["SealedSecret", *KEY]
    return rig.apply(**options)


def labels(rig: Rig) -> dict[str, str]:
    found: dict[str, str] = (rig.secret() or {})["metadata"].get("labels", {})
    return found


def while_created(rig: Rig, then: Callable[[], Any]) -> None:
    """Let something happen just after the Secret was made and before the status is written."""
    real = rig.cluster.create_secret

    async def create(manifest: Any, **_: Any) -> Any:
        made = await real(manifest)
        rig.cluster.create_secret = real  # type: ignore[method-assign]
        then()
        return made

    rig.cluster.create_secret = create  # type: ignore[method-assign]


def test_the_status_of_one_that_was_replaced_is_not_written_on_the_next() -> None:
    async def body(rig: Rig) -> None:
        rig.apply()
        while_created(rig, lambda: replace(rig, key="two"))
        key = await rig.queue.get()
        assert key is not None
        await rig.syncer.run(key)
        assert rig.conditions() == []
        rig.queue.done(key)
        await rig.work()
        assert rig.conditions() == STALLED

    run(body)


@pytest.mark.parametrize("drift", ["revert", "report", "ignore"])
def test_one_that_replaces_another_in_work_is_applied_and_no_drift(drift: str) -> None:
    async def body(rig: Rig) -> None:
        rig.apply(labels={"a": "1"})
        while_created(rig, lambda: replace(rig, labels={"b": "2"}))
        await rig.work()
        assert labels(rig) == {"b": "2"}
        assert [reason for reason, _ in rig.told] == ["Unsealed"]

    run(body, drift=drift)


def test_a_synced_status_that_was_restored_with_another_uid_is_no_proof() -> None:
    async def body(rig: Rig) -> None:
        rig.apply(labels={"a": "1"})
        await rig.work()
        rig.restart()
        restored = sealed(rig)
        restored["metadata"]["uid"] = "another"
        rig.syncer.on_sealed(rig.cluster.put(restored), listed=True)
        await rig.work()
        owner = (rig.secret() or {})["metadata"]["ownerReferences"][0]
        assert owner["uid"] == "another"

    run(body, drift="report")


def test_a_late_end_of_the_old_one_ends_nothing() -> None:
    async def body(rig: Rig) -> None:
        rig.apply()
        await rig.work()
        old = sealed(rig)
        replace(rig)
        await rig.work()
        await rig.syncer.on_sealed_deleted(old)
        assert rig.secret() is not None
        gone = (rig.secret() or {})["metadata"]
        rig.cluster.drop("Secret", *KEY)
        rig.syncer.on_secret_deleted(gone)
        await rig.work()
        assert rig.secret() is not None

    run(body, old_gc=True)


def test_a_late_event_brings_no_old_values_back_and_costs_nothing() -> None:
    async def body(rig: Rig) -> None:
        rig.apply(labels={"a": "1"})
        await rig.work()
        old = sealed(rig)
        rig.apply(labels={"b": "2"})
        await rig.work()
        rig.cluster.calls.clear()
        rig.syncer.on_sealed(old, listed=False)
        await rig.work()
        assert rig.cluster.calls == []
        assert labels(rig) == {"b": "2"}

    run(body)


def test_a_label_set_at_once_makes_no_second_event() -> None:
    async def body(rig: Rig) -> None:
        labelled = rig.apply()
        labelled["metadata"]["labels"] = {"k": "v"}
        labelled = rig.cluster.put(labelled)
        await rig.work()
        rig.syncer.on_sealed(labelled, listed=False)
        await rig.work()
        assert rig.conditions() == SYNCED
        assert [reason for reason, _ in rig.told] == ["Unsealed"]

    run(body)


def test_a_list_that_is_older_is_asked_for_again() -> None:
    """As after etcd was restored from a backup: versions begin again further down."""

    async def body(rig: Rig) -> None:
        rig.apply(labels={"a": "1"})
        await rig.work()
        old = sealed(rig)
        rig.apply(labels={"b": "2"})
        await rig.work()
        rig.cluster.objects["SealedSecret", *KEY] = old
        rig.syncer.on_sealed(old, listed=True)
        await rig.work()
        assert labels(rig) == {"a": "1"}

    run(body)


@pytest.mark.parametrize("drift", ["revert", "report", "ignore"])
def test_without_status_a_changed_one_is_applied_and_no_drift(drift: str) -> None:
    async def body(rig: Rig) -> None:
        rig.apply(labels={"a": "1"})
        await rig.work()
        rig.apply(labels={"b": "2"})
        await rig.work()
        assert labels(rig) == {"b": "2"}
        assert [reason for reason, _ in rig.told] == ["Unsealed", "Unsealed"]
        assert rig.cluster.calls.count("create_secret") == 1

    run(body, update_status=False, drift=drift)
