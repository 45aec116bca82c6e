"""A server in the API server's place that breaks off, answers nonsense or nothing at all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from controller.api import kubernetes as cluster_module
from controller.api.cluster import WatchEvent
from controller.api.errors import UnavailableError
from controller.api.kubernetes import KubernetesCluster
from controller.tasks import keep_up

SHY = "hunter2"
LIST = b'{"metadata":{"resourceVersion":"1"},"items":[]}'
ADDED = b'{"type":"ADDED","object":{"metadata":{"resourceVersion":"2"}}}\n'
Answer = Callable[[bytes], tuple[bytes, bool]]


def whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[KubernetesCluster]:
    """A cluster whose server gives what ``answer`` makes of a request, and whether it hangs up."""
    from kubernetes.aio import client

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hang_up = False
        try:
            while not hang_up:
                body, hang_up = answer(await reader.readuntil(b"\r\n\r\n"))
                writer.write(body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    configuration = client.Configuration()
    configuration.host = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    configuration.retries = None
    cluster = KubernetesCluster(client.ApiClient(configuration))
    try:
        yield cluster
    finally:
        await cluster.close()
        server.close()


BROKEN = {
    "cut": (b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"a":"' + SHY.encode(), True),
    "cut-refusal": (b"HTTP/1.1 409 Conflict\r\nContent-Length: 500\r\n\r\n{", True),
    "gateway": (whole(b"<html>" + SHY.encode()), False),
    "no-object": (whole(b"[]"), False),
    "too-deep": (whole(b"[" * 100_000), False),
    "no-http": (b"SSH-2.0-OpenSSH\r\n", True),
    "silent": (b"", False),
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "_REQUEST_SECONDS", 0.5)
    monkeypatch.setattr(cluster_module, "_SILENCE_SECONDS", 0.2)


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_answer_is_told_as_unavailable(answer: tuple[bytes, bool]) -> None:
    async def main() -> None:
        async with answering(lambda _: answer) as cluster:
            with pytest.raises(UnavailableError) as caught:
                await cluster.get_sealed("shop", "db")
            assert SHY not in caught.value.message + (caught.value.hint or "")

    asyncio.run(main())


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN.keys())
def test_a_watch_goes_on_after_a_broken_answer(answer: tuple[bytes, bool]) -> None:
    """Each in the place of the watch's answer first, then in the middle of its lines."""
    watches = 0

    def respond(request: bytes) -> tuple[bytes, bool]:
        nonlocal watches
        if b"watch=true" not in request:
            return whole(LIST), False
        watches += 1
        if watches == 1:
            return answer
        lines = ADDED + (answer[0].partition(b"\r\n\r\n")[2] if watches == 2 else b"")
        return b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + lines, watches == 2

    async def main() -> list[str]:
        seen: list[str] = []
        async with answering(respond) as cluster, asyncio.timeout(20):
            async for event in cluster.watch_secrets("shop"):
                seen.append(event.type)
                if len(seen) == 3:
                    return seen
        return seen

    assert asyncio.run(main()) == ["LISTED", "ADDED", "ADDED"]


def test_what_is_too_large_to_follow_is_listed_instead() -> None:
    """Asked for again from the same version, it would come again, for ever."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n"
    large = b'{"type":"ADDED","object":{"note":"' + b"x" * (5 << 20) + b'"}}\n'
    watches = 0

    def respond(request: bytes) -> tuple[bytes, bool]:
        nonlocal watches
        if b"watch=true" not in request:
            return whole(LIST), False
        watches += 1
        return (head + large, True) if watches == 1 else (head + ADDED, False)

    async def main() -> list[str]:
        seen: list[str] = []
        async with answering(respond) as cluster, asyncio.timeout(20):
            async for event in cluster.watch_secrets("shop"):
                seen.append(event.type)
                if event.type == "ADDED":
                    break
        return seen

    assert asyncio.run(main()) == ["LISTED", "LISTED", "ADDED"]


def test_credentials_that_cannot_be_read_are_unavailable() -> None:
    async def main() -> None:
        async with answering(lambda _: (whole(b"{}"), False)) as cluster:

            def broken(_: Any) -> None:
                raise RuntimeError(SHY)

            cluster._api.configuration.api_key = {"BearerToken": SHY}
            cluster._api.configuration.refresh_api_key_hook = broken
            for ask in (cluster.get_sealed("shop", "db"), cluster.connection(), _first(cluster)):
                with pytest.raises(UnavailableError) as caught:
                    await ask
                assert "RuntimeError" in caught.value.message
                assert SHY not in caught.value.message

    asyncio.run(main())


async def _first(cluster: KubernetesCluster) -> WatchEvent:
    return await anext(aiter(cluster.watch_secrets("")))


@pytest.mark.parametrize("times", [1, 3])
def test_what_fails_unexpectedly_begins_anew(times: int, caplog: pytest.LogCaptureFixture) -> None:
    begun = 0

    async def task() -> None:
        nonlocal begun
        begun += 1
        if begun <= times:
            raise KeyError(SHY)

    caplog.set_level(logging.ERROR)
    asyncio.run(keep_up("worker 1", task, pause=0))
    assert begun == times + 1
    assert [record.__dict__["why"] for record in caplog.records] == ["KeyError"] * times
    assert SHY not in caplog.text


def test_what_is_cancelled_ends() -> None:
    async def main(task: Callable[[], Awaitable[None]]) -> None:
        running = asyncio.create_task(keep_up("worker 1", task, pause=0))
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main(asyncio.Event().wait))  # type: ignore[arg-type]
