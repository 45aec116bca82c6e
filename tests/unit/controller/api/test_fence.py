"""No write is begun that could last longer than the own Lease."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from controller.api.errors import UnavailableError
from controller.api.kubernetes import KubernetesCluster
from tests.unit.controller.api.test_broken_answers import answering, whole

SECRET = {"metadata": {"namespace": "shop", "name": "db", "resourceVersion": "1"}}
LEASE = {"metadata": {"namespace": "home", "name": "a"}, "spec": {}}
Call = Callable[[KubernetesCluster], Awaitable[Any]]
WRITES: dict[str, Call] = {
    "create": lambda cluster: cluster.create_secret(SECRET),
    "replace": lambda cluster: cluster.replace_secret(SECRET),
    "delete": lambda cluster: cluster.delete_secret("shop", "db", "uid"),
    "status": lambda cluster: cluster.patch_status("shop", "db", {}, "1"),
    "event": lambda cluster: cluster.create_event(SECRET),
}
OTHERS: dict[str, Call] = {
    "read": lambda cluster: cluster.get_secret("shop", "db"),
    "lease": lambda cluster: cluster.create_lease(LEASE),
    "renewal": lambda cluster: cluster.renew_lease(LEASE, "uid"),
    "hand-over": lambda cluster: cluster.delete_lease("home", "a", "uid"),
}


def asked(call: Call, seconds: float, answer: bytes) -> list[bytes]:
    """What reached the server while a write could take so long."""
    seen: list[bytes] = []

    def serve(request: bytes) -> tuple[bytes, bool]:
        seen.append(request)
        return answer, False

    async def main() -> None:
        async with answering(serve) as cluster:
            cluster.fence = lambda: seconds
            await call(cluster)

    try:
        asyncio.run(main())
    except UnavailableError:
        seen.append(b"refused")
    return seen


@pytest.mark.parametrize("call", WRITES.values(), ids=WRITES.keys())
def test_without_time_left_no_write_is_sent(call: Call) -> None:
    assert asked(call, 0.0, whole(b"{}")) == [b"refused"]


@pytest.mark.parametrize("call", WRITES.values(), ids=WRITES.keys())
def test_a_write_ends_when_the_time_left_does(call: Call) -> None:
    before = time.monotonic()
    assert asked(call, 0.2, b"")[-1] == b"refused"
    assert time.monotonic() - before < 10


@pytest.mark.parametrize("call", OTHERS.values(), ids=OTHERS.keys())
def test_reading_and_the_lease_itself_go_on(call: Call) -> None:
    assert len(asked(call, 0.0, whole(b"{}"))) == 1
