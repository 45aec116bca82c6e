"""When a failing SealedSecret is tried again, and what is said of it meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from controller.api.errors import ConflictError, ForbiddenError, UnavailableError
from tests.unit.controller.rig import (
    SYNCED,
    Rig,
    edit,
    errors,
    run,
    runs,
)


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


def test_a_status_that_always_conflicts_ends_in_the_back_off() -> None:
    async def body(rig: Rig) -> None:
        rig.cluster.fail("patch_status", *[ConflictError("changed")] * 1000)
        rig.apply(key="two")
        async with asyncio.timeout(5):
            await rig.work()
        assert rig.cluster.calls.count("patch_status") <= 4
        assert rig.queue.delayed == 1

    run(body)
