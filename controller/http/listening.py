"""A port: who is connected to it, and what aiohttp may do for them before anything of ours runs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from controller.api.errors import ClusterError

if TYPE_CHECKING:
    from aiohttp.web_protocol import RequestHandler

MAX_CONNECTIONS = 128
MAX_HEADERS = 32
MAX_HEADER_BYTES = 4096
_KEEP_ALIVE_SECONDS = 60.0
_LINGER_SECONDS = 2.0
_SHUTDOWN_SECONDS = 1.0


async def serve(application: web.Application, address: str) -> Callable[[], Awaitable[None]]:
    """Serve on ``host:port``; return what ends it. ClusterError where it cannot listen there."""
    runner = web.AppRunner(
        application,
        access_log=None,
        keepalive_timeout=_KEEP_ALIVE_SECONDS,
        # aiohttp would inflate on the event loop, for paths that are not there, too.
        auto_decompress=False,
        max_headers=MAX_HEADERS,
        max_field_size=MAX_HEADER_BYTES,
        max_line_size=MAX_HEADER_BYTES,
        # The rest of a body that is refused is read for so long, so that the answer is seen.
        lingering_time=_LINGER_SECONDS,
        handler_cancellation=True,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )
    await runner.setup()
    host, _, port = address.rpartition(":")

    def connected() -> RequestHandler:
        server: Any = runner.server
        _make_room(server)
        handler: RequestHandler = server()
        return handler

    try:
        listener = await asyncio.get_running_loop().create_server(
            connected, host.strip("[]") or None, int(port), reuse_address=True
        )
    except (OSError, ValueError) as error:
        await runner.cleanup()
        raise ClusterError(f"cannot listen on {address}: {type(error).__name__}") from None

    async def close() -> None:
        listener.close()
        await runner.cleanup()

    return close


def _make_room(server: web.Server) -> None:
    """Close the first connection of the address that has most, where there are too many.

    One that has yet to ask anything holds its headers, and may take for ever; whoever asks
    honestly is done in a moment.
    """
    transports = [one.transport for one in server.connections]
    connected = [one for one in transports if one is not None and not one.is_closing()]
    if len(connected) >= MAX_CONNECTIONS:
        addresses = [one.get_extra_info("peername", ("",))[0] for one in connected]
        most = Counter(addresses).most_common(1)[0][0]
        connected[addresses.index(most)].abort()
