"""A port, asked by plain sockets: what comes in pieces is put together, what is too long is not."""

from __future__ import annotations

import asyncio
import gc
import hashlib

import pytest
from aiohttp import web

from controller.http.listening import serve
from tests.testbed.cluster import free_port


async def ask(port: int, *parts: bytes) -> bytes:
    """Send the parts one after another; return the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await reader.readuntil(b"\r\n\r\n") + await reader.read(64)
    finally:
        writer.close()


async def digest(request: web.Request) -> web.Response:
    return web.Response(text=hashlib.sha256(await request.read()).hexdigest())


def served(*parts: bytes) -> bytes:
    """What a server that digests bodies answers."""

    async def main() -> bytes:
        application = web.Application(client_max_size=1 << 24)
        application.router.add_post("/", digest)
        port = free_port()
        close = await serve(application, f"127.0.0.1:{port}")
        try:
            async with asyncio.timeout(30):
                return await ask(port, *parts)
        finally:
            await close()

    return asyncio.run(main())


HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n"


@pytest.mark.parametrize("size", [0, 1, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 3_000_000])
def test_a_body_comes_in_whole(size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    answer = served(HEAD % size + b"\r\n", body)
    assert b" 200 " in answer
    assert hashlib.sha256(body).hexdigest().encode() in answer


def test_a_head_may_come_byte_by_byte() -> None:
    head = HEAD % 0 + b"\r\n"
    assert b" 200 " in served(*(head[at : at + 1] for at in range(len(head))))


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(b"X: " + b"x" * 5000, id="long"),
        pytest.param(b"\r\n".join(b"X-%d: x" % number for number in range(40)), id="many"),
    ],
)
def test_headers_are_bounded(more: bytes) -> None:
    assert b" 400 " in served(HEAD % 0 + more + b"\r\n\r\n")


def test_an_error_of_the_parser_holds_little_of_what_was_sent() -> None:
    """Its traceback stays until the collector comes by, for each connection that there was."""
    sent = HEAD % 0 + b"X: " + b"canary-7f3a" * 20_000

    def held() -> int:
        return sum(len(one) for one in _bytes() if b"canary-7f3a" in one and one is not sent)

    gc.disable()
    try:
        served(sent)
        assert held() < 4 * 16 * 1024
    finally:
        gc.enable()


def _bytes() -> list[bytes]:
    """Bytes that frames hold which are still there."""
    frames = [one for one in gc.get_objects() if type(one).__name__ == "frame"]
    return [value for one in frames for value in one.f_locals.values() if isinstance(value, bytes)]
