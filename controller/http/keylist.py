"""``/v1/keys.json``: the certificates of all keys, the newest announced by each older one.

A newest key that came from outside stands alone, until ``seal keys trust``.

Signed once for a ring, in a thread of its own: a signature takes a millisecond or two, and the ring
may hold the keys of years. Certificates are public; no private key leaves the process.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from aiohttp import web

from sealer.keys.ring import KeyRing
from sealer.keys.succession import key_list


class KeyList:
    """Answers with the list of the ring as it is now."""

    def __init__(self, ring: Callable[[], KeyRing]) -> None:
        self._ring = ring
        self._signing = asyncio.Lock()
        self._signed: tuple[KeyRing, bytes] | None = None

    async def answer(self, _: web.Request) -> web.Response:
        """The list; 500 as long as there is no key, as for the certificate."""
        async with self._signing:
            ring = self._ring()
            if ring.certificate is None:
                return web.Response(status=500, text="there is no sealing key yet\n")
            if self._signed is None or self._signed[0] is not ring:
                self._signed = (ring, await asyncio.to_thread(_body, ring))
            return web.Response(body=self._signed[1], content_type="application/json")


def _body(ring: KeyRing) -> bytes:
    # Whoever put a key there would have it vouched for.
    return json.dumps(key_list(ring.keys if ring.announced else ring.keys[:1])).encode()
