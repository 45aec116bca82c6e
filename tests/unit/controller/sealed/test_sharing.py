"""Several controllers, or one that was stopped for a while: nothing old is written over new."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.controller.rig import KEY, SYNCED, Rig, edit, run, runs

SKIP: dict[str, Any] = {
    "annotations": {"sealedsecrets.bitnami.com/skip-set-owner-references": "true"}
}


def meanwhile(rig: Rig, verb: str, what: Callable[[], Any]) -> None:
    """Once, right after the next call of this verb."""

    found = getattr(rig.cluster, verb)

    async def then(*arguments: Any) -> Any:
        setattr(rig.cluster, verb, found)
        try:
            return await found(*arguments)
        finally:
            what()

    setattr(rig.cluster, verb, then)


def writes(rig: Rig) -> int:
    return sum(call in ("create_secret", "replace_secret") for call in rig.cluster.calls)


def test_a_generation_that_came_after_the_look_is_not_overwritten() -> None:
    async def body(rig: Rig) -> None:
        rig.apply()
        await rig.work()
        old = rig.apply(labels={"generation": "second"})

        def another_controller_writes() -> None:
            # It saw a generation that we did not, and was done before we write.
            newer = {**old, "metadata": {**old["metadata"], "generation": 9}}
            rig.cluster.put(newer)

        meanwhile(rig, "get_secret", another_controller_writes)
        before = writes(rig)
        key = await rig.queue.get()
        assert key is not None
        await rig.syncer.run(key)
        rig.queue.done(key)
        assert writes(rig) == before
        await rig.work()
        assert rig.conditions() == SYNCED

    run(body)


@pytest.mark.parametrize("metadata", [{}, SKIP], ids=["owned", "without-owner"])
def test_no_secret_comes_back_for_a_sealed_secret_that_is_gone(metadata: dict[str, Any]) -> None:
    async def body(rig: Rig) -> None:
        rig.apply(**metadata)
        await rig.work()
        rig.cluster.drop("Secret", *KEY)
        rig.syncer.on_secret_deleted({"namespace": "shop", "name": "db"})
        meanwhile(rig, "get_secret", lambda: rig.cluster.drop("SealedSecret", *KEY))
        await rig.after(10)
        assert rig.secret() is None
        assert not rig.syncer.known_keys

    run(body)


def test_none_is_made_without_owner_before_one_looked() -> None:
    async def body(rig: Rig) -> None:
        rig.apply(**SKIP)
        meanwhile(rig, "get_secret", lambda: rig.cluster.drop("SealedSecret", *KEY))
        await rig.work()
        assert rig.secret() is None

    run(body)


def test_what_is_another_controllers_is_left_alone_until_it_is_ours() -> None:
    ours = {"yes": False}

    async def body(rig: Rig) -> None:
        rig.apply()
        await rig.work()
        assert rig.secret() is None
        assert runs(rig) == 0
        ours["yes"] = True
        rig.syncer.on_members()
        await rig.work()
        assert rig.conditions() == SYNCED
        rig.syncer.on_members()
        await rig.work()
        assert runs(rig) == 1

    run(body, owns=lambda uid: ours["yes"])


def test_what_is_not_ours_any_more_is_dropped() -> None:
    ours = {"yes": True}

    async def body(rig: Rig) -> None:
        rig.apply()
        await rig.work()
        rig.apply()
        ours["yes"] = False
        rig.syncer.on_members()
        edit(rig)
        await rig.after(600)
        assert runs(rig) == 1
        ours["yes"] = True
        rig.syncer.on_members()
        await rig.work()
        assert runs(rig) == 2

    run(body, owns=lambda uid: ours["yes"])
