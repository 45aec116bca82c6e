"""Failures on demand: which requests, how often, and how they fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

SPOILED = web.RequestKey("spoiled", object)


@dataclass
class Fault:
    """One way to fail. ``times`` is how often it still happens; None is without an end."""

    operation: str = ""
    """``secrets/get``, ``secrets/list``, ``token``; empty is every vault operation."""
    name: str = ""
    """Only for this object."""
    client: str = ""
    """Only for this client id."""
    status: int = 429
    code: str = "Throttled"
    inner: str = ""
    """``innererror.code``: ForbiddenByRbac, ForbiddenByPolicy, ForbiddenByFirewall,
    ForbiddenByConnection, AccessDenied, SecretDisabled."""
    retry_after: int | None = None
    text: str | None = None
    """Another body: a proxy's, or an emulator's with its own codes and fields."""
    location: str = ""
    """Where a 3xx points."""
    delay: float = 0
    """Seconds of silence before the answer; with status 200 the true one follows."""
    cut: bool = False
    """No answer: the connection is reset."""
    cut_after: int | None = None
    """The true answer ends after so many bytes of its body, and so does the connection."""
    drip: float | None = None
    """The true answer comes byte by byte, with so many seconds between two."""
    times: int | None = None
    hits: int = 0

    def applies(self, operation: str, name: str, client: str) -> bool:
        """Whether this request is to fail."""
        if self.times is not None and self.hits >= self.times:
            return False
        wanted = self.operation in ("", operation) and not (
            operation == "token" and self.operation != "token"
        )
        return wanted and self.name in ("", name) and self.client in ("", client)


@dataclass
class Faults:
    """Those in force; the first that applies is taken."""

    active: list[Fault] = field(default_factory=list)
    sleep: Callable[[float], Any] = asyncio.sleep

    def add(self, fault: Fault) -> Fault:
        """Begin to fail."""
        self.active.append(fault)
        return fault

    def clear(self) -> None:
        """All is well again."""
        self.active.clear()

    async def answer(
        self, request: web.Request, operation: str, name: str, client: str
    ) -> web.Response | None:
        """Return the failure for a request, None where it may pass."""
        for fault in self.active:
            if fault.applies(operation, name, client):
                fault.hits += 1
                return await self._fail(request, fault)
        return None

    async def spoil(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        """Send the true answer as the fault that let it pass wants it sent."""
        fault = request.get(SPOILED)
        if not isinstance(fault, Fault) or not isinstance(response, web.Response):
            return response
        body = response.body
        assert isinstance(body, bytes)
        slow = web.StreamResponse(
            status=response.status, headers={"Content-Type": "application/json"}
        )
        slow.content_length = len(body)
        await slow.prepare(request)
        if fault.drip is None:
            await slow.write(body[: fault.cut_after])
        else:
            for place in range(len(body[: fault.cut_after])):
                await slow.write(body[place : place + 1])
                await self.sleep(fault.drip)
        if fault.cut_after is not None:
            assert request.transport is not None
            request.transport.close()
        return slow

    async def _fail(self, request: web.Request, fault: Fault) -> web.Response | None:
        if fault.delay:
            await self.sleep(fault.delay)
            if fault.status == 200:
                return None
        if fault.drip is not None or fault.cut_after is not None:
            request[SPOILED] = fault
            return None
        if fault.cut:
            assert request.transport is not None
            request.transport.abort()
            return web.Response(status=500)
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        if fault.location:
            headers["Location"] = fault.location
        if fault.text is not None:
            kind = "text/html" if fault.text.startswith("<") else "application/json"
            return web.Response(
                status=fault.status, text=fault.text, content_type=kind, headers=headers
            )
        return error(fault.status, fault.code, fault.inner, headers=headers)


def error(
    status: int,
    code: str,
    inner: str = "",
    *,
    message: str = "",
    headers: dict[str, str] | None = None,
) -> web.Response:
    """An error body as Key Vault writes it."""
    body: dict[str, Any] = {"code": code, "message": message or f"{code} {inner}".strip()}
    if inner:
        body["innererror"] = {"code": inner}
    return web.json_response({"error": body}, status=status, headers=headers)
