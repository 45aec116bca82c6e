"""Who may verify and rotate, where that is asked: the API server decides, by token and right.

Its own proxy for Services sends nobody's token along, but lets nobody through without the right
to ``services/proxy``: what comes from its addresses was authorised there (docs/adr/0086).
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from aiohttp import web

from controller.api.errors import ClusterError
from controller.api.reviews import Asks, may_post, user_of

_LOG = logging.getLogger(__name__)
_AT_ONCE = 4
_SECONDS = 10.0
_BEARER = re.compile(r"[Bb]earer ([A-Za-z0-9._~+/-]{1,16384}=*)")
Networks = Sequence[IPv4Network | IPv6Network]


class Gate:
    """Lets a request pass, or answers it; nothing of its body is read before."""

    def __init__(self, cluster: Asks, trusted: Networks) -> None:
        self._cluster, self._trusted = cluster, trusted
        # Whoever has no token that counts could have the API server asked without an end.
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def refusal(self, request: web.Request) -> web.Response | None:
        """Return the answer to who may not ask this, None for who may."""
        if self._is_trusted(request.remote or ""):
            return None
        found = _BEARER.fullmatch(request.headers.get("Authorization", ""))
        if found is None:
            return _refused(401, "log in: send a bearer token of this cluster")
        try:
            async with asyncio.timeout(_SECONDS), self._turns:
                user = await user_of(self._cluster, found[1])
                if user is None:
                    return _refused(401, "the token is not one of this cluster")
                if await may_post(self._cluster, user, request.path):
                    return None
        except (ClusterError, TimeoutError) as error:
            # Of what it says nothing is passed on: it was sent a token.
            _LOG.warning("cannot ask who may", extra={"why": type(error).__name__})
            return _refused(503, "cannot ask the API server who you are: try again later")
        return _refused(403, f"you may not post to {request.path}: a ClusterRole lets you")

    def _is_trusted(self, address: str) -> bool:
        try:
            # A zone, as in fe80::1%eth0, is this machine's own name.
            parsed = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self._trusted)


def _refused(status: int, text: str) -> web.Response:
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}.get(status)
    return web.Response(status=status, text=f"{text}\n", headers=headers)
