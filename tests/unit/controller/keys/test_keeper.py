"""The life of sealing keys over months, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from controller.api.cluster import WatchEvent
from controller.api.errors import ConflictError, UnavailableError
from controller.events.recorder import Recorder
from controller.keys.keeper import KeyKeeper
from controller.keys.renewal import key_secret, successor_name
from controller.keys.store import KeyStore
from controller.settings import Settings
from sealer.keys.custody import KEY_LABEL
from sealer.keys.pair import generate
from sealer.keys.record import ONLY_UNSEALS, RECORD_NAME, KeyRecord
from tests.sealing_keys import pair
from tests.testbed.fake_cluster import FakeCluster


class Rig:
    """A keeper on a fake cluster."""

    def __init__(self, **settings: Any) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.cluster = FakeCluster()
        self.told: list[str] = []
        recorder = Recorder(self.cluster.create_event, lambda: self.now, lambda: None)
        recorder.listeners.append(lambda one: self.told.append(one.reason))
        self.store = KeyStore(
            priority="CertNotBefore", on_change=lambda _: None, on_bad=lambda *_: None
        )
        self.executor = ThreadPoolExecutor(1)
        self.keeper = KeyKeeper(
            self.cluster,
            self.store,
            Settings(namespace="home", key_size=2048, **settings),
            recorder,
            self.executor,
            lambda: self.now,
        )

    async def until(self, check: Callable[[], bool]) -> None:
        """Let the tasks run until this holds."""
        async with asyncio.timeout(20):
            while not check():  # noqa: ASYNC110 what is waited for has no event
                await asyncio.sleep(0.005)

    def pass_time(self, days: float) -> None:
        """Move the clock and wake the keeper, as its timer would."""
        self.now += timedelta(days=days)
        self.keeper._wake.set()

    @property
    def count(self) -> int:
        """How many key Secrets there are."""
        secrets = [name for kind, _, name in self.cluster.objects if kind == "Secret"]
        return len([name for name in secrets if name != RECORD_NAME])

    @property
    def record(self) -> KeyRecord:
        """What is remembered in the cluster."""
        return KeyRecord.of(self.cluster.objects.get(("Secret", "home", RECORD_NAME), {}))

    def bring(self, name: str, **metadata: Any) -> str:
        """Put a key Secret there as somebody else would; return its fingerprint."""
        made = key_secret(pair(name), prefix="", namespace="home")
        made["metadata"] = {**made["metadata"], "name": name, **metadata}
        self.cluster.put(made)
        return pair(name).fingerprint


def run(body: Callable[[Rig], Awaitable[None]], prepare: Any = None, **settings: Any) -> None:
    async def main() -> None:
        rig = Rig(**settings)
        if prepare:
            prepare(rig)
        tasks = [asyncio.create_task(rig.keeper.watch()), asyncio.create_task(rig.keeper.renew())]
        try:
            await body(rig)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            rig.executor.shutdown()

    asyncio.run(main())


def test_a_key_is_made_at_first_and_every_thirty_days() -> None:
    async def body(rig: Rig) -> None:
        await rig.until(lambda: rig.count == 1)
        rig.pass_time(29)
        await asyncio.sleep(0.05)
        assert rig.count == 1
        rig.pass_time(2)
        await rig.until(lambda: rig.count == 2)
        rig.pass_time(31)
        await rig.until(lambda: rig.count == 3)
        assert len(rig.store.keys.keys) == 3
        assert rig.told.count("KeyRenewed") == 3
        newest = rig.store.keys.newest
        assert newest is not None
        assert newest.ordered == rig.now.replace(microsecond=0)

    run(body)


def test_a_key_that_cannot_be_stored_is_not_served() -> None:
    async def body(rig: Rig) -> None:
        await rig.until(lambda: "create_secret" in rig.cluster.calls)
        assert rig.store.keys.newest is None
        assert rig.count == 0

    run(body, lambda rig: rig.cluster.fail("create_secret", UnavailableError("away")))


def sealing(rig: Rig) -> str:
    """The fingerprint that is handed out."""
    certificate = rig.store.ring.certificate
    return certificate.fingerprint if certificate else ""


def test_our_own_keys_are_no_news_and_each_other_one_is_told_of_once() -> None:
    async def body(rig: Rig) -> None:
        await rig.until(lambda: rig.count == 1)
        rig.pass_time(31)
        await rig.until(lambda: rig.count == 2)
        assert "KeyAdopted" not in rig.told
        rig.bring("one")
        await rig.until(lambda: rig.told.count("KeyAdopted") == 1)
        rig.bring("one", labels={KEY_LABEL: "active", "more": "x"})
        rig.bring("two")
        await rig.until(lambda: rig.told.count("KeyAdopted") == 2)
        assert len(rig.record.sealing) == 4

    run(body)


def test_what_was_brought_while_nobody_watched_is_told_of_at_the_next_start() -> None:
    async def body(rig: Rig) -> None:
        await rig.until(lambda: rig.told == ["KeyAdopted"])
        assert rig.record.sealing == {pair("one").fingerprint, pair("two").fingerprint}
        # The certificates of tests are as old as the clock is: nothing is due.
        assert rig.count == 2

    def prepare(rig: Rig) -> None:
        known = rig.bring("one")
        rig.cluster.put(KeyRecord(frozenset({known})).manifest("home"))
        rig.bring("two")

    run(body, prepare)


@pytest.mark.parametrize(
    ("settings", "annotations"),
    [
        pytest.param({"adopted_keys": "unseal"}, {}, id="flag"),
        pytest.param({}, {ONLY_UNSEALS: "true"}, id="restored"),
    ],
)
def test_a_key_from_outside_that_only_unseals_is_never_handed_out(
    settings: dict[str, Any], annotations: dict[str, str]
) -> None:
    async def body(rig: Rig) -> None:
        await rig.until(lambda: rig.count == 1 and bool(sealing(rig)))
        ours = sealing(rig)
        # Of two keys of one second the later one is the newer.
        theirs = rig.bring("one", annotations=annotations)
        await rig.until(lambda: rig.told.count("KeyAdopted") == 1)
        assert sealing(rig) == ours
        assert [key.pair.fingerprint for key in rig.store.keys.keys] == [ours, theirs]
        assert rig.record == KeyRecord(frozenset({ours}), frozenset({theirs}))
        # The admin's word, and whatever else changes on the key Secret.
        record = KeyRecord(frozenset({ours, theirs}))
        found = rig.cluster.objects["Secret", "home", RECORD_NAME]
        rig.cluster.put({**found, "data": record.data()})
        rig.bring("one", annotations={**annotations, "more": "x"})
        await rig.until(lambda: sealing(rig) == theirs)
        assert rig.told.count("KeyAdopted") == 1

    run(body, None, **settings)


def test_without_a_key_that_may_seal_one_is_made() -> None:
    async def body(rig: Rig) -> None:
        await rig.until(lambda: bool(sealing(rig)))
        assert sealing(rig) != pair("one").fingerprint
        assert len(rig.store.keys.keys) == 2

    run(body, lambda rig: rig.bring("one"), adopted_keys="unseal")


def test_a_record_that_cannot_be_written_keeps_no_key_out() -> None:
    def prepare(rig: Rig) -> None:
        rig.bring("one")
        rig.cluster.fail("create_secret", UnavailableError("away"))

    async def body(rig: Rig) -> None:
        await rig.until(lambda: sealing(rig) == pair("one").fingerprint)
        rig.bring("two")
        await rig.until(lambda: len(rig.record.sealing) == 2)

    run(body, prepare)


def test_two_controllers_that_remember_at_once_lose_nothing() -> None:
    async def body(rig: Rig) -> None:
        await rig.until(lambda: rig.count == 1 and bool(sealing(rig)))
        rig.cluster.fail("replace_secret", ConflictError("changed"), ConflictError("changed"))
        theirs = rig.bring("one")
        await rig.until(lambda: theirs in rig.record.sealing)
        assert len(rig.record.sealing) == 2

    run(body)


def test_the_legacy_key_without_a_label_is_read() -> None:
    def prepare(rig: Rig) -> None:
        old = key_secret(pair("one"), prefix="", namespace="home")
        old["metadata"] = {"name": "sealed-secrets-key", "namespace": "home"}
        rig.cluster.put(old)

    async def body(rig: Rig) -> None:
        await rig.until(lambda: rig.store.keys.newest is not None)
        assert rig.count == 1

    run(body, prepare)


@pytest.mark.parametrize(
    "metadata",
    [
        {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "y"}]},
        {"annotations": {"sealer.dev/sealed-secret": "sealed-secrets-key"}},
        {"annotations": {"keyvault.sealer.dev/made-by": "x"}},
        {"annotations": {"keyvault.sealer.dev/merged-by": "x"}},
    ],
)
def test_a_secret_of_the_legacy_name_that_something_made_is_no_key(
    metadata: dict[str, Any],
) -> None:
    def prepare(rig: Rig) -> None:
        old = key_secret(pair("one"), prefix="", namespace="home")
        old["metadata"] = {"name": "sealed-secrets-key", "namespace": "home", **metadata}
        rig.cluster.put(old)

    async def body(rig: Rig) -> None:
        await rig.until(lambda: rig.store.keys.newest is not None)
        assert [key.pair.name for key in rig.store.keys.keys] != ["sealed-secrets-key"]
        assert len(rig.store.keys.keys) == 1

    run(body, prepare)


def test_a_key_that_was_deleted_while_nobody_watched_is_gone() -> None:
    """A watch that is too old lists again, under the same iterator."""
    one, two = ({**key_secret(pair(name), prefix="", namespace="home")} for name in ("one", "two"))
    for number, made in enumerate((one, two)):
        made["metadata"] = {**made["metadata"], "name": f"key-{number}"}

    class Gap(FakeCluster):
        async def watch_secrets(self, *_: Any, **__: Any) -> AsyncIterator[WatchEvent]:
            yield WatchEvent("EXISTS", one)
            yield WatchEvent("LISTED", {})
            yield WatchEvent("ADDED", two)
            yield WatchEvent("EXISTS", one)
            yield WatchEvent("LISTED", {})

    rig = Rig()
    rig.keeper.cluster = Gap()
    asyncio.run(rig.keeper.watching().follow())
    rig.executor.shutdown()
    assert [key.pair.name for key in rig.store.keys.keys] == ["key-0"]


def test_a_key_that_seal_rotate_made_is_told_of_once() -> None:
    """Whoever makes it: the watch brings it."""

    async def body(rig: Rig) -> None:
        await rig.until(lambda: "KeyRenewed" in rig.told)
        rig.told.clear()
        rig.cluster.put(dated("rotated", rig.now + timedelta(days=1)))
        await rig.until(lambda: "KeyRenewed" in rig.told)
        rig.cluster.put(dated("restored", rig.now - timedelta(days=30)))
        await rig.until(lambda: len(rig.store.keys.keys) == 3)
        newest = rig.store.keys.newest
        assert newest is not None
        assert newest.pair.name == "rotated"
        rig.cluster.drop("Secret", "home", "rotated")
        await rig.until(lambda: len(rig.store.keys.keys) == 2)
        assert rig.told.count("KeyRenewed") == 1

    run(body)


def test_the_keys_found_at_the_start_are_no_news() -> None:
    async def body(rig: Rig) -> None:
        await rig.until(rig.keeper.loaded.is_set)
        assert rig.count == 2
        assert "KeyRenewed" not in rig.told

    def prepare(rig: Rig) -> None:
        for days, name in enumerate(("a", "b")):
            rig.cluster.put(dated(name, rig.now - timedelta(days=days)))

    run(body, prepare)


def test_a_key_that_was_made_while_nobody_watched_is_told_of() -> None:
    one, two = (
        dated(name, datetime(2026, 1, day, tzinfo=UTC)) for day, name in ((1, "a"), (2, "b"))
    )

    class Gap(FakeCluster):
        async def watch_secrets(self, *_: Any, **__: Any) -> AsyncIterator[WatchEvent]:
            yield WatchEvent("EXISTS", one)
            yield WatchEvent("LISTED", {})
            for secret in (one, two):
                yield WatchEvent("EXISTS", secret)
            yield WatchEvent("LISTED", {})

    rig = Rig()
    rig.keeper.cluster = Gap()
    asyncio.run(rig.keeper.watching().follow())
    rig.executor.shutdown()
    assert rig.told.count("KeyRenewed") == 1


def dated(name: str, day: datetime) -> dict[str, Any]:
    """A key Secret whose certificate begins on this day."""
    made = generate(now=day, validity=timedelta(days=3650), common_name=name, bits=2048)
    secret = key_secret(made, prefix="", namespace="home")
    secret["metadata"] = {**secret["metadata"], "name": name}
    return secret


def test_a_labelled_secret_of_the_legacy_name_follows_its_label() -> None:
    def prepare(rig: Rig) -> None:
        old = key_secret(pair("one"), prefix="", namespace="home")
        old["metadata"] = {
            "name": "sealed-secrets-key",
            "namespace": "home",
            "labels": {KEY_LABEL: "compromised"},
        }
        rig.cluster.put(old)

    async def body(rig: Rig) -> None:
        await rig.until(lambda: rig.count == 2)
        await rig.until(lambda: rig.store.keys.newest is not None)
        assert len(rig.store.keys.keys) == 1

    run(body, prepare)


def test_an_expiring_certificate_is_told_of_once_a_day() -> None:
    async def body(rig: Rig) -> None:
        await rig.until(lambda: rig.count == 1)
        rig.pass_time(3625)
        await rig.until(lambda: "CertificateExpiring" in rig.told)
        rig.pass_time(0.1)
        await asyncio.sleep(0.05)
        assert rig.told.count("CertificateExpiring") == 1
        rig.pass_time(1.1)
        await rig.until(lambda: rig.told.count("CertificateExpiring") == 2)

    run(body, key_renew_period=timedelta(0), key_ttl=timedelta(days=3650))


def test_a_watch_that_fails_begins_anew() -> None:
    async def body(rig: Rig) -> None:
        await rig.until(lambda: rig.cluster.calls.count("watch_secrets") >= 1)
        assert not rig.keeper.loaded.is_set()

    run(body, lambda rig: rig.cluster.fail("watch_secrets", UnavailableError("away")))


def has_keys(rig: Rig, number: int) -> bool:
    return len(rig.store.keys.keys) == number


def test_several_that_find_a_key_due_make_one() -> None:
    async def main() -> None:
        rigs = [Rig() for _ in range(3)]
        for rig in rigs[1:]:
            rig.keeper.cluster = rig.cluster = rigs[0].cluster
        keepers = [rig.keeper for rig in rigs]
        tasks = [asyncio.create_task(task()) for one in keepers for task in (one.watch, one.renew)]
        try:
            for number in (1, 2, 3):
                for rig in rigs:
                    await rig.until(partial(has_keys, rig, number))
                await asyncio.sleep(0.05)
                assert rigs[0].count == number
                assert sum(rig.told.count("KeyRenewed") for rig in rigs) == number
                for rig in rigs:
                    rig.pass_time(31)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for rig in rigs:
                rig.executor.shutdown()

    asyncio.run(main())


def test_a_name_that_another_secret_took_is_passed_over() -> None:
    def prepare(rig: Rig) -> None:
        taken = successor_name("sealed-secrets-key", "", 0)
        rig.cluster.put(
            {"kind": "Secret", "metadata": {"name": taken, "namespace": "home"}, "data": {}}
        )

    async def body(rig: Rig) -> None:
        await rig.until(lambda: rig.store.keys.newest is not None)
        newest = rig.store.keys.newest
        assert newest is not None
        assert newest.pair.name == successor_name("sealed-secrets-key", "", 1)

    run(body, prepare)


def test_where_every_name_is_taken_it_says_so_and_tries_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def prepare(rig: Rig) -> None:
        for attempt in range(20):
            name = successor_name("sealed-secrets-key", "", attempt)
            rig.cluster.put(
                {"kind": "Secret", "metadata": {"name": name, "namespace": "home"}, "data": {}}
            )

    async def body(rig: Rig) -> None:
        await rig.until(lambda: "cannot store a new sealing key" in caplog.messages)
        assert rig.store.keys.newest is None

    run(body, prepare)
