"""Delivery, on a clock that the test moves and with receivers that misbehave."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.events.recorder import Happening
from controller.notify.applied import Applied
from controller.notify.notice import Owner
from controller.notify.notifier import Answer, Notifier
from controller.notify.receivers import Receiver, read_receivers
from controller.reasons import Reason
from sealer.errors import UsageError
from tests.unit.controller.notify.test_batch import FLUX, happening


class Rig:
    """A notifier with one receiver, a clock, and what was posted."""

    def __init__(self, folder: Path, kind: str = "slack", **options: Any) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.answers: list[Answer] = []
        self.posted: list[tuple[str, bytes, dict[str, str]]] = []
        self.counts: list[str] = []
        self.applied = Applied("main@sha1:abc", namespaces=frozenset({"shop"}))
        url = folder / "url"
        url.write_text("https://hooks.example/T0/SECRET\n")
        receiver = Receiver(name="chat", kind=kind, url_file=str(url), **options)
        self.notifier = Notifier(
            (receiver,),
            post=self.post,
            look=self.look,
            now=lambda: self.now,
            sleep=self.sleep,
            counted=lambda name, result: self.counts.append(result),
        )

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        self.posted.append((url, body, headers))
        return self.answers.pop(0) if self.answers else Answer(200)

    async def look(self, owner: Owner) -> Applied:
        return self.applied

    async def sleep(self, seconds: float, wake: asyncio.Event) -> None:
        until = self.now + timedelta(seconds=seconds)
        while self.now < until and not wake.is_set():  # noqa: ASYNC110 the clock has no event
            await asyncio.sleep(0)

    async def pass_time(self, seconds: float, step: float = 1.0) -> None:
        """Move the clock step by step, so that everything due in between happens."""
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            self.now += timedelta(seconds=step)
            for _ in range(20):
                await asyncio.sleep(0)


def run(rig: Rig, body: Callable[[Rig], Awaitable[None]]) -> None:
    async def main() -> None:
        tasks = [asyncio.ensure_future(one()) for one in rig.notifier.tasks().values()]
        try:
            await body(rig)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(main())


def broken(name: str = "db", **options: Any) -> Happening:
    return happening(Reason.UNSEAL_FAILED, name, labels=FLUX, **options)


def test_a_batch_is_delivered_once_its_window_is_over(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        for number in range(200):
            rig.notifier.hear(broken(f"s{number}"))
        await rig.pass_time(9)
        assert rig.posted == []
        await rig.pass_time(3)
        assert len(rig.posted) == 1
        assert rig.counts == ["delivered"]

    run(Rig(tmp_path), body)


def test_a_receiver_that_is_down_for_ten_minutes_gets_all_once(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        rig.answers = [Answer(0), Answer(503), Answer(500)] + [Answer(0)] * 5
        rig.notifier.hear(broken())
        await rig.pass_time(600, 2)
        rig.notifier.hear(broken("later"))
        await rig.pass_time(900, 2)
        told = [json.loads(body)["blocks"][1]["text"]["text"] for _, body, _ in rig.posted[-2:]]
        assert "shop/db:" in told[0]
        assert "shop/later:" in told[1]
        assert rig.counts.count("delivered") == 2
        assert len(rig.posted) < 15

    run(Rig(tmp_path), body)


def test_what_a_receiver_refuses_is_not_tried_again(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        rig.answers = [Answer(404)]
        rig.notifier.hear(broken())
        await rig.pass_time(120)
        assert (len(rig.posted), rig.counts) == (1, ["refused"])

    run(Rig(tmp_path), body)


def test_retry_after_is_honoured(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        rig.answers = [Answer(429, 90.0)]
        rig.notifier.hear(broken())
        await rig.pass_time(95)
        assert len(rig.posted) == 1
        await rig.pass_time(20)
        assert rig.counts == ["retried", "delivered"]

    run(Rig(tmp_path), body)


def test_fluxs_429_means_told_already(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        rig.answers = [Answer(429)]
        rig.notifier.hear(broken())
        await rig.pass_time(60)
        assert rig.counts == ["delivered"]
        event = json.loads(rig.posted[0][1])
        assert event["involvedObject"]["name"] == "apps"
        assert event["metadata"]["kustomize.toolkit.fluxcd.io/revision"] == "main@sha1:abc"

    run(Rig(tmp_path, "flux"), body)


def test_after_an_hour_it_is_given_up_and_counted(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        rig.answers = [Answer(0)] * 1000
        rig.notifier.hear(broken())
        await rig.pass_time(2 * 3600, 10)
        assert rig.counts[-1] == "dropped"

    run(Rig(tmp_path), body)


def test_what_happens_while_a_receiver_is_down_is_gathered_into_one_message(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        rig.answers = [Answer(0)] * 5
        for number in range(230):
            rig.notifier.hear(broken(f"s{number}"))
            await rig.pass_time(1)
        await rig.pass_time(900, 3)
        told = [json.loads(body)["text"] for _, body, _ in rig.posted[5:]]
        assert len(told) < 30
        assert sum(int(text.split()[1]) for text in told) == 230
        assert "dropped" not in rig.counts

    run(Rig(tmp_path), body)


def test_the_signature_is_flux_generic_hmac(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("k3y\n")

    async def body(rig: Rig) -> None:
        rig.notifier.hear(broken())
        await rig.pass_time(12)
        _, payload, headers = rig.posted[0]
        expected = hmac.new(b"k3y", payload, hashlib.sha256).hexdigest()
        assert headers["X-Signature"] == f"sha256={expected}"

    run(Rig(tmp_path, "webhook", hmac_key_file=str(key)), body)


def test_at_the_end_what_is_gathered_goes_out(tmp_path: Path) -> None:
    rig = Rig(tmp_path)

    async def body(rig: Rig) -> None:
        rig.notifier.hear(broken())
        await rig.notifier.flush(5)
        assert rig.counts == ["delivered"]

    run(rig, body)


def test_a_url_is_told_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def body(rig: Rig) -> None:
        rig.answers = [Answer(404)]
        rig.notifier.hear(broken())
        await rig.pass_time(12)
        (tmp_path / "url").write_text("SECRET without a scheme")
        rig.notifier.hear(broken("other"))
        await rig.pass_time(60)
        assert "error" in rig.counts
        assert "SECRET" not in caplog.text + repr(vars(rig.notifier))

    run(Rig(tmp_path), body)


@pytest.mark.parametrize(
    ("options", "reason", "wanted"),
    [
        pytest.param({}, Reason.KEY_RENEWED, True, id="all"),
        pytest.param({"severity": "error"}, Reason.KEY_RENEWED, False, id="severity"),
        pytest.param({"severity": "error"}, Reason.DRIFT_DETECTED, True, id="an-error"),
        pytest.param({"reasons": ("Drift*",)}, Reason.DRIFT_DETECTED, True, id="reason"),
        pytest.param({"reasons": ("Drift*",)}, Reason.UNSEAL_FAILED, False, id="other-reason"),
        pytest.param({"namespaces": ("sh*",)}, Reason.UNSEAL_FAILED, True, id="namespace"),
        pytest.param({"namespaces": ("prod-*",)}, Reason.UNSEAL_FAILED, False, id="elsewhere"),
        pytest.param({"labels": {"a": "b"}}, Reason.UNSEAL_FAILED, False, id="labels"),
    ],
)
def test_a_receiver_hears_only_what_it_wants(
    options: dict[str, Any], reason: Reason, wanted: bool
) -> None:
    from controller.notify.notice import notice_of

    notice = notice_of(happening(reason))
    assert notice is not None
    assert Receiver(name="x", kind="slack", url_file="x", **options).wants(notice) is wanted


def config(tmp_path: Path, text: Any) -> str:
    path = tmp_path / "notify.json"
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return str(path)


def test_the_configuration_is_read(tmp_path: Path) -> None:
    entry = {
        "name": "chat",
        "kind": "teams",
        "urlFile": "/run/url",
        "hmacKeyFile": "/run/key",
        "severity": "error",
        "namespaces": ["prod-*"],
        "reasons": ["Err*"],
        "labels": {"team": "a"},
        "keys": True,
        "window": "1m",
    }
    [receiver] = read_receivers(config(tmp_path, {"receivers": [entry]}))
    assert receiver.window == timedelta(minutes=1)
    assert (receiver.namespaces, receiver.reasons) == (("prod-*",), ("Err*",))
    assert "/run/url" not in repr(receiver)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("nonsense", "must be JSON", id="no-json"),
        pytest.param({}, "must be JSON", id="no-list"),
        pytest.param({"receivers": {}}, "must be JSON", id="mapping"),
        pytest.param({"receivers": [1]}, r"receivers\[0\]: must be a mapping", id="entry"),
        pytest.param({"receivers": [{"kind": "slack"}]}, "needs name", id="no-name"),
        pytest.param(
            {"receivers": [{"name": "a", "kind": "irc", "urlFile": "x"}]}, "kind takes", id="kind"
        ),
        pytest.param(
            {"receivers": [{"name": "a", "kind": "slack", "urlFile": "x", "url": "y"}]},
            "unknown field url",
            id="a-url-in-clear",
        ),
        pytest.param(
            {"receivers": [{"name": "a", "kind": "slack", "urlFile": "x", "severity": "loud"}]},
            "severity takes",
            id="severity",
        ),
        pytest.param(
            {"receivers": [{"name": "a", "kind": "slack", "urlFile": "x", "window": "soon"}]},
            "window: invalid duration",
            id="window",
        ),
        pytest.param(
            {"receivers": [{"name": "a", "kind": "slack", "urlFile": "x"}] * 2},
            "one name",
            id="twice",
        ),
    ],
)
def test_a_wrong_configuration_says_what_is_wrong(tmp_path: Path, text: Any, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        read_receivers(config(tmp_path, text))


def test_a_missing_configuration_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_receivers(str(tmp_path / "none.json"))


def mounted(folder: Path, **files: str) -> None:
    """Write files as the kubelet does: a folder of its own, and a link that is moved to it."""
    made = folder / f"..{len(list(folder.iterdir()))}"
    made.mkdir(parents=True)
    for name, text in files.items():
        (made / name).write_text(text)
    (folder / "..new").symlink_to(made.name)
    (folder / "..new").rename(folder / "..data")
    for name in files:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")


def test_a_url_that_comes_later_is_used_without_a_restart_and_nothing_is_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def body(rig: Rig) -> None:
        (tmp_path / "url").unlink()
        rig.notifier.hear(broken())
        await rig.pass_time(1800, 2)
        assert (rig.posted, rig.counts) == ([], [])
        waiting = [one for one in caplog.records if "waits for its receiver" in one.message]
        assert len(waiting) == 1
        mounted(tmp_path, url="https://hooks.example/T0/SECRET\n")
        await rig.pass_time(11)
        assert [url for url, _, _ in rig.posted] == ["https://hooks.example/T0/SECRET"]
        assert rig.counts == ["delivered"]

    run(Rig(tmp_path), body)


def test_nothing_is_sent_unsigned_while_its_key_is_not_there(tmp_path: Path) -> None:
    folder = tmp_path / "hmac"
    folder.mkdir()

    async def body(rig: Rig) -> None:
        rig.notifier.hear(broken())
        await rig.pass_time(120)
        assert rig.posted == []
        mounted(folder, key="")
        await rig.pass_time(60)
        assert rig.posted == []
        mounted(folder, key="k3y")
        await rig.pass_time(11)
        [(_, _, headers)] = rig.posted
        assert headers["X-Signature"].startswith("sha256=")

    run(Rig(tmp_path, "webhook", hmac_key_file=str(folder / "key")), body)


def test_a_url_that_never_comes_gives_its_messages_up_after_an_hour(tmp_path: Path) -> None:
    async def body(rig: Rig) -> None:
        (tmp_path / "url").unlink()
        rig.notifier.hear(broken())
        await rig.pass_time(3800, 10)
        assert (rig.posted, rig.counts) == ([], ["dropped"])

    run(Rig(tmp_path), body)


def test_one_receiver_that_waits_does_not_hold_up_its_own_recovery_from_faults(
    tmp_path: Path,
) -> None:
    async def body(rig: Rig) -> None:
        rig.answers = [Answer(0)] * 6
        rig.notifier.hear(broken())
        await rig.pass_time(40)
        tried = len(rig.posted)
        (tmp_path / "url").unlink()
        await rig.pass_time(200)
        assert len(rig.posted) == tried
        (tmp_path / "url").write_text("https://hooks.example/T0/SECRET")
        await rig.pass_time(400)
        assert rig.counts[-1] == "delivered"

    run(Rig(tmp_path), body)
