"""A Secret that others write or delete, too: who has his turn, and how often it is restored."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import generate_latest

from controller.api.errors import InvalidError
from controller.drift.repairs import Repairs
from controller.drift.writer import last_writer
from sealer.sealed import PATCH_ANNOTATION
from tests.unit.controller.rig import KEY, STALLED, SYNCED, Rig, run


async def spoil(rig: Rig, manager: str = "") -> None:
    """Let somebody write another value, and work on what is due."""
    edited = copy.deepcopy(rig.secret() or {})
    edited["data"]["a"] = "eA=="
    if manager:
        edited["metadata"]["managedFields"] = [
            {"manager": manager, "fieldsV1": {"f:data": {"f:a": {}}}, "time": "2026-01-01"},
            {"manager": "sealer", "fieldsV1": {"f:type": {}}, "time": "2026-01-02"},
        ]
    rig.syncer.on_secret(rig.cluster.put(edited)["metadata"])
    await rig.work()


def is_right(rig: Rig) -> bool:
    return bool((rig.secret() or {})["data"] == {"a": "MQ=="})


def reasons(rig: Rig) -> list[str]:
    return [reason for reason, _ in rig.told]


def test_a_fight_for_a_secret_is_slowed_and_told_of_once() -> None:
    async def body(rig: Rig) -> None:
        rig.apply()
        await rig.work()
        for _ in range(50):
            await spoil(rig)
        assert rig.cluster.calls.count("replace_secret") == 2
        assert reasons(rig).count("DriftCorrected") == 2
        await rig.after(5)
        assert is_right(rig)
        assert "again and again" in rig.told[-1][1]
        rig.cluster.calls.clear()
        rig.told.clear()
        for _ in range(600):
            await spoil(rig)
            await rig.after(1)
        assert rig.cluster.calls.count("replace_secret") <= 7
        assert rig.told == []
        assert rig.conditions() == SYNCED

    run(body)


@pytest.mark.parametrize("interval", [45, 600, 3600])
def test_two_owners_that_take_turns_are_told_of_once_however_slow(interval: int) -> None:
    """A Secret that Flux applies, too: it comes back at each of its intervals."""

    async def body(rig: Rig) -> None:
        rig.apply()
        await rig.work()
        for _ in range(30):
            await spoil(rig, "kustomize-controller")
            await rig.after(interval)
        drifts = [message for reason, message in rig.told if reason == "DriftCorrected"]
        assert len(drifts) == 3
        assert "again and again by kustomize-controller" in drifts[-1]
        assert "data.a" in drifts[-1]

    run(body)


def test_edits_of_different_people_far_apart_are_no_fight() -> None:
    async def body(rig: Rig) -> None:
        rig.apply()
        await rig.work()
        for number in range(6):
            await spoil(rig, ("kubectl-edit", "helm")[number % 2])
            await rig.after(120)
        assert reasons(rig).count("DriftCorrected") == 6
        assert all("again and again" not in message for _, message in rig.told)

    run(body)


def test_the_writer_is_the_one_that_has_the_changed_field() -> None:
    def entry(manager: Any, fields: dict[str, Any], time: str) -> dict[str, Any]:
        return {"manager": manager, "fieldsV1": fields, "time": time}

    secret = {
        "metadata": {
            "managedFields": [
                entry("flux", {"f:data": {"f:tls.key": {}}}, "1"),
                entry("helm", {"f:data": {"f:b": {}}, "f:metadata": {"f:labels": {}}}, "2"),
                entry("sealer", {"f:data": {"f:c": {}}}, "3"),
            ]
        }
    }
    assert last_writer(secret, ["data.tls.key"], ours="sealer") == "flux"
    assert last_writer(secret, ["data.b", "data.tls.key"], ours="sealer") == "helm"
    assert last_writer(secret, ["metadata.labels"], ours="sealer") == "helm"
    # Who deletes a key has nothing of it.
    assert last_writer(secret, ["data.gone"], ours="sealer") == "helm"
    assert last_writer(None, ours="sealer") == ""
    assert last_writer({"metadata": {"managedFields": [None]}}, ours="sealer") == ""
    strange = {"metadata": {"managedFields": [entry("a\nb", {}, "1")]}}
    assert last_writer(strange, ours="sealer") == ""


def test_after_a_calm_an_edit_is_restored_at_once_and_told_of() -> None:
    async def body(rig: Rig) -> None:
        rig.apply()
        await rig.work()
        for _ in range(3):
            await spoil(rig)
        await rig.after(5)
        await rig.after(60)
        rig.told.clear()
        await spoil(rig)
        assert is_right(rig)
        assert reasons(rig) == ["DriftCorrected"]

    run(body)


def test_a_changed_sealed_secret_waits_for_no_fight() -> None:
    async def body(rig: Rig) -> None:
        rig.apply()
        await rig.work()
        for _ in range(5):
            await spoil(rig)
        assert not is_right(rig)
        rig.apply(labels={"x": "y"})
        await rig.work()
        assert is_right(rig)

    run(body)


def test_the_pauses_between_repairs_double_up_to_five_minutes() -> None:
    repairs, now, waits = Repairs(), 1000.0, []
    for _ in range(12):
        waits.append(repairs.wait(now))
        now += waits[-1]
        repairs.made(now)
    assert waits == [0, 0, 5, 10, 20, 40, 80, 160, 300, 300, 300, 300]


def test_a_patched_secret_of_another_that_goes_is_not_replaced_at_once() -> None:
    async def body(rig: Rig) -> None:
        metadata = {"name": "db", "namespace": "shop", "annotations": {PATCH_ANNOTATION: "true"}}
        foreign = {"kind": "Secret", "metadata": metadata, "type": "Opaque", "data": {}}
        rig.cluster.put(foreign)
        rig.apply()
        await rig.work()
        assert rig.conditions() == SYNCED
        gone = (rig.secret() or {})["metadata"]
        rig.cluster.drop("Secret", *KEY)
        rig.syncer.on_secret_deleted(gone)
        await rig.after(0.4)
        assert rig.secret() is None
        await rig.after(0.4)
        assert rig.secret() is not None

    run(body)


def test_one_that_cannot_be_re_made_keeps_its_secret() -> None:
    async def body(rig: Rig) -> None:
        rig.syncer.policy = replace(rig.syncer.policy, recreate_immutable=True)
        rig.apply()
        await rig.work()
        frozen = copy.deepcopy(rig.secret() or {})
        rig.cluster.put({**frozen, "immutable": True, "data": {"a": "eA=="}})
        rig.cluster.fail("create_secret", InvalidError("data[tls.crt]: Required value"))
        rig.apply()
        await rig.work()
        assert rig.secret() is not None
        assert rig.conditions() == STALLED
        await rig.after(10)
        assert rig.conditions() == SYNCED
        assert is_right(rig)

    run(body)


@pytest.mark.parametrize("labels", [{}, {"app.kubernetes.io/instance": "two"}])
def test_a_changed_instance_label_leaves_no_series_behind(labels: dict[str, str]) -> None:
    def series(rig: Rig) -> list[Any]:
        lines = generate_latest(rig.metrics.registry).decode().splitlines()
        return [line for line in lines if "condition_info{" in line]

    async def body(rig: Rig) -> None:
        stored = rig.apply()
        stored["metadata"]["labels"] = {"app.kubernetes.io/instance": "one"}
        rig.syncer.on_sealed(rig.cluster.put(stored), listed=False)
        await rig.work()
        assert all('instance="one"' in line for line in series(rig))
        relabelled = copy.deepcopy(rig.cluster.objects["SealedSecret", *KEY])
        relabelled["metadata"]["labels"] = labels
        rig.syncer.on_sealed(rig.cluster.put(relabelled), listed=False)
        await rig.work()
        assert len(series(rig)) == 2
        assert not any('instance="one"' in line for line in series(rig))

    run(body)
