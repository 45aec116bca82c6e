"""Failures on demand: which requests, how often, and how they fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


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
    retry_after: int | None = None
    delay: float = 0
    cut: bool = False
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

    async def _fail(self, request: web.Request, fault: Fault) -> web.Response | None:
        if fault.delay:
            await self.sleep(fault.delay)
            if fault.status == 200:
                return None
        if fault.cut:
            assert request.transport is not None
            request.transport.abort()
            return web.Response(status=500)
        retry = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        return error(fault.status, fault.code, fault.inner, headers=retry)


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
