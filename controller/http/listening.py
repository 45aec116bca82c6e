"""A port: who is connected to it, and what aiohttp may do for them before anything of ours runs."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from controller.api.errors import ClusterError

if TYPE_CHECKING:
    from aiohttp.web_protocol import RequestHandler

MAX_CONNECTIONS = 128
MAX_HEADERS = 32
MAX_HEADER_BYTES = 4096
_SLICE_BYTES = 16 * 1024
_KEEP_ALIVE_SECONDS = 60.0
_LINGER_SECONDS = 2.0
_SHUTDOWN_SECONDS = 1.0


async def serve(
    application: web.Application, address: str, context: ssl.SSLContext | None = None
) -> Callable[[], Awaitable[None]]:
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

    def connected() -> Sliced:
        server: Any = runner.server
        _make_room(server)
        return Sliced(server())

    try:
        listener = await asyncio.get_running_loop().create_server(
            connected, host.strip("[]") or None, int(port), reuse_address=True, ssl=context
        )
    except (OSError, ValueError) as error:
        await runner.cleanup()
        raise ClusterError(f"cannot listen on {address}: {type(error).__name__}") from None

    async def close() -> None:
        listener.close()
        await runner.cleanup()

    return close


class Sliced(asyncio.BufferedProtocol):
    """Gives aiohttp what comes a little at a time, out of a buffer of its own.

    An error of its parser holds the frames that led to it, with what was read in them, until the
    collector comes by: 256 KiB of each connection, also of those that are closed.
    """

    def __init__(self, handler: RequestHandler) -> None:
        self._handler = handler
        self._buffer = bytearray(_SLICE_BYTES)
        for name in ("connection_made", "connection_lost", "pause_writing", "resume_writing"):
            setattr(self, name, getattr(handler, name))

    def get_buffer(self, _: int) -> bytearray:
        """Where the next bytes go."""
        return self._buffer

    def buffer_updated(self, count: int) -> None:
        """Pass them on."""
        self._handler.data_received(bytes(self._buffer[:count]))

    def eof_received(self) -> None:
        """Nothing more comes: the transport closes."""
        self._handler.eof_received()


def tls(certificate: str, key: str) -> ssl.SSLContext:
    """Return a context for TLS 1.2 and later that reads its files again when they were renewed.

    ClusterError where they cannot be used at first; later it stays with what it had.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    loaded = 0

    def load() -> None:
        nonlocal loaded
        changed = Path(certificate).stat().st_mtime_ns
        if changed != loaded:
            # Elsewhere first: a chain without its key would stay and serve nobody.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
            context.load_cert_chain(certificate, key)
            loaded = changed

    def renew(*_: Any) -> None:
        # At each handshake: the next one has what was read.
        with suppress(OSError, ssl.SSLError):
            load()

    try:
        load()
    except (OSError, ssl.SSLError) as error:
        raise ClusterError(f"cannot serve TLS: {type(error).__name__}") from None
    context.sni_callback = renew
    return context


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
