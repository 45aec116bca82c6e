from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from controller.api.cluster import Manifest, WatchEvent
from controller.api.errors import ClusterError, ForbiddenError, UnavailableError
from controller.watching import Name, Watch


def there(name: str, namespace: str = "shop") -> Manifest:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"metadata": metadata}


class Heard:
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.said: list[object] = []

    async def on_seen(self, body: Manifest, *, listed: bool) -> None:
        self.said.append(("listed" if listed else "seen", body["metadata"]["name"]))

    async def on_gone(self, body: Manifest) -> None:
        self.said.append(("gone", body["metadata"]["name"]))

    async def on_listed(self, present: set[Name]) -> None:
        self.said.append(present)


def source(*script: WatchEvent | ClusterError) -> AsyncIterator[WatchEvent]:
    async def events() -> AsyncIterator[WatchEvent]:
        for one in script:
            if isinstance(one, ClusterError):
                raise one
            yield one

    return events()


def test_a_list_ends_with_what_is_there_and_each_list_begins_with_nothing() -> None:
    heard = Heard()
    script = [
        WatchEvent("EXISTS", there("a")),
        WatchEvent("EXISTS", there("b", "")),
        WatchEvent("LISTED", {}),
        WatchEvent("ADDED", there("c")),
        WatchEvent("BOOKMARK", {}),
        WatchEvent("MODIFIED", there("c")),
        WatchEvent("DELETED", there("c")),
        WatchEvent("EXISTS", there("b", "")),
        WatchEvent("LISTED", {}),
        WatchEvent("LISTED", {}),
    ]
    asyncio.run(Watch("things", lambda: source(*script), heard).follow())
    assert heard.said == [
        ("listed", "a"),
        ("listed", "b"),
        {("shop", "a"), ("", "b")},
        ("seen", "c"),
        ("seen", "c"),
        ("gone", "c"),
        ("listed", "b"),
        {("", "b")},
        set(),
    ]


def test_a_refusal_is_told_of_once_until_a_list_succeeds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scripts: list[list[WatchEvent | ClusterError]] = [
        [ForbiddenError("no rights")],
        [ForbiddenError("no rights")],
        [UnavailableError("away")],
        [WatchEvent("LISTED", {}), UnavailableError("away")],
    ]
    refused = []

    def events() -> AsyncIterator[WatchEvent]:
        if not scripts:
            raise asyncio.CancelledError
        return source(*scripts.pop(0))

    def on_refused(error: ClusterError) -> str:
        refused.append(type(error))
        return error.message

    caplog.set_level(logging.WARNING)
    watch = Watch("things", events, Heard(), on_refused, retry=0)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(watch.run())
    told = [(one.__dict__["what"], one.__dict__["why"]) for one in caplog.records]
    assert told == [("things", "no rights"), ("things", "away"), ("things", "away")]
    assert len(refused) == 4
