"""The endpoints that kubeseal, people and Kubernetes ask: paths, codes and bodies are the peer's.

No template is rendered here and no plaintext made into an answer: verify says yes or no, rotate
answers with ciphertext for this controller's own newest key and for no other. Bodies are bounded,
methods checked, verify and rotate limited for each peer address (a header could be forged).
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from controller.metrics import Metrics
from controller.ratelimit import RateLimit
from sealer.errors import ManifestError, SealerError
from sealer.keys import KeyRing
from sealer.manifest import read_documents
from sealer.resealing import reseal, reseal_legacy
from sealer.scope import SCOPE_ANNOTATIONS
from sealer.sealed import SealedSecret
from sealer.unsealing import open_item, open_items

# A List in one request costs no more than this many requests one after another would.
MAX_LIST_ITEMS = 100
MAX_BODY_BYTES = 10 * 1024 * 1024
_LIMITED = frozenset({"/v1/verify", "/v1/rotate"})
_PATHS = frozenset({"/healthz", "/readyz", "/v1/cert.pem", *_LIMITED})
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class State:
    """What the endpoints ask of the rest."""

    ring: Callable[[], KeyRing]
    alive: Callable[[], str]
    """Empty, or what is stuck."""
    ready: Callable[[], str]
    """Empty, or what is missing."""


class Endpoints:
    """The handlers; ``application`` binds them to their paths."""

    def __init__(
        self, state: State, metrics: Metrics, limit: RateLimit, executor: Executor, *, read: float
    ) -> None:
        self._state, self._metrics, self._limit = state, metrics, limit
        self._executor, self._read_seconds = executor, read

    def application(self) -> web.Application:
        """Return the application for the main port."""
        app = web.Application(
            client_max_size=MAX_BODY_BYTES, middlewares=[self._measured, self._limited]
        )
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/v1/cert.pem", self._certificate)
        app.router.add_post("/v1/verify", self._verify)
        app.router.add_post("/v1/rotate", self._rotate)
        return app

    async def _healthz(self, request: web.Request) -> web.Response:
        problem = self._state.alive()
        return web.Response(text=f"{problem or 'ok'}\n", status=503 if problem else 200)

    async def _readyz(self, request: web.Request) -> web.Response:
        problem = self._state.ready()
        return web.Response(text=f"{problem or 'ok'}\n", status=503 if problem else 200)

    async def _certificate(self, request: web.Request) -> web.Response:
        ring = self._state.ring()
        certificate = ring.keys[0].certificate if ring.keys else None
        if certificate is None:
            return web.Response(status=500, text="there is no sealing key yet\n")
        return web.Response(body=certificate.pem, content_type="application/x-pem-file")

    async def _verify(self, request: web.Request) -> web.Response:
        sealed = await self._sealed(request)
        if isinstance(sealed, web.Response):
            return sealed
        try:
            await self._in_executor(_open, sealed, self._state.ring())
        except SealerError:
            return web.Response(status=409)
        return web.Response()

    async def _rotate(self, request: web.Request) -> web.Response:
        many = await self._parsed(request, _parsed_list)
        if isinstance(many, web.Response):
            return many
        if isinstance(many, list):
            return await self._rotate_list(many)
        try:
            answer = await self._in_executor(_rotated, many, self._state.ring())
        except SealerError:
            return web.Response(status=500, text="cannot re-encrypt it: no key opens it\n")
        return web.Response(body=answer, content_type="application/json")

    async def _rotate_list(self, many: list[SealedSecret]) -> web.Response:
        """Answer with a List in the same order, null for what no key opens."""
        ring = self._state.ring()
        tasks = (self._in_executor(_rotated, one, ring) for one in many)
        answers: list[bytes] = []
        for answer in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(answer, BaseException) and not isinstance(answer, SealerError):
                raise answer
            answers.append(b"null" if isinstance(answer, SealerError) else answer)
        body = b'{"apiVersion":"v1","kind":"List","items":[' + b",".join(answers) + b"]}"
        return web.Response(body=body, content_type="application/json")

    async def _sealed(self, request: web.Request) -> SealedSecret | web.Response:
        """The one SealedSecret of a body, or the answer that says what it is instead."""
        sealed: SealedSecret | web.Response = await self._parsed(request, _parsed)
        return sealed

    async def _parsed(self, request: web.Request, parse: Callable[[bytes], Any]) -> Any:
        """What a body holds, or the answer that says what it is instead."""
        try:
            async with asyncio.timeout(self._read_seconds):
                body = await request.read()
        except TimeoutError:
            return web.Response(status=408, text="the request did not come in time\n")
        try:
            return await self._in_executor(parse, body)
        except (SealerError, UnicodeDecodeError, RecursionError):
            # Whatever was sent may be somebody's Secret: not a word of it goes back.
            return web.Response(status=500, text="the body is not one SealedSecret\n")

    async def _in_executor(self, function: Callable[..., Any], *arguments: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, function, *arguments)

    @web.middleware
    async def _limited(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in _LIMITED or request.method != "POST":
            return await handler(request)
        verdict = self._limit.take(f"{request.path} {request.remote}")
        headers = {
            "X-Ratelimit-Limit": str(verdict.limit),
            "X-Ratelimit-Remaining": str(verdict.remaining),
            "X-Ratelimit-Reset": str(math.ceil(verdict.reset_seconds)),
        }
        if not verdict.allowed:
            headers["Retry-After"] = str(math.ceil(verdict.retry_after_seconds))
            return web.Response(status=429, text="limit exceeded\n", headers=headers)
        try:
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(headers)
            raise
        response.headers.update(headers)
        return response

    @web.middleware
    async def _measured(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        started, code = time.perf_counter(), 500
        # Any path may be asked for: only ours become series.
        path = request.path if request.path in _PATHS else "other"
        method = request.method.lower() if request.method in ("GET", "HEAD", "POST") else "other"
        try:
            response = await handler(request)
            code = response.status
            return response
        except web.HTTPException as error:
            code = error.status
            raise
        finally:
            self._metrics.http_requests.labels(path, str(code), method).inc()
            seconds = time.perf_counter() - started
            self._metrics.http_seconds.labels(path, method).observe(seconds)


def metrics_application(metrics: Metrics, refresh: Callable[[], None]) -> web.Application:
    """Return the application for the metrics port; ``refresh`` brings gauges up to date."""

    async def show(request: web.Request) -> web.Response:
        refresh()
        body = generate_latest(metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/metrics", show)
    return app


def _parsed(body: bytes) -> SealedSecret:
    return SealedSecret.from_dict(_mapping(body))


def _parsed_list(body: bytes) -> SealedSecret | list[SealedSecret]:
    """One SealedSecret, or the items of a List: an extension, for `seal reencrypt`."""
    value = _mapping(body)
    items = value.get("items")
    if value.get("kind") != "List" or not isinstance(items, list):
        return SealedSecret.from_dict(value)
    if len(items) > MAX_LIST_ITEMS or not all(isinstance(item, dict) for item in items):
        raise ManifestError("not a List of SealedSecrets, or too long")
    return [SealedSecret.from_dict(item) for item in items]


def _mapping(body: bytes) -> dict[str, Any]:
    documents = [one for one in read_documents(body.decode(), "the body") if not one.is_empty]
    if len(documents) != 1:
        raise ManifestError("not one document")
    value = documents[0].value
    if not isinstance(value, dict):
        raise ManifestError("not a mapping")
    return value


def _open(sealed: SealedSecret, ring: KeyRing) -> None:
    """Open every item, and render nothing: a template would make this an oracle."""
    if sealed.legacy_data and not sealed.encrypted_data:
        open_item(sealed.legacy_data, ring, sealed.label(), key="data")
    else:
        open_items(sealed, ring)


def _rotated(sealed: SealedSecret, ring: KeyRing) -> bytes:
    """Return the SealedSecret as JSON, its ciphertext for the ring's newest key; all else stays."""
    certificate = ring.keys[0].certificate if ring.keys else None
    if certificate is None:
        raise ManifestError("no key")
    manifest = sealed.to_dict()
    legacy = reseal_legacy(sealed, ring, certificate)
    if legacy is not None:
        manifest["spec"]["data"] = legacy
    manifest["spec"]["encryptedData"].update(reseal(sealed, ring, certificate))
    _align_scope(manifest)
    return json.dumps(manifest, separators=(",", ":"), ensure_ascii=False).encode()


def _align_scope(manifest: dict[str, Any]) -> None:
    """Let the template's scope annotations be the outer ones: they could widen it later.

    The peer once took the scope from the template (CVE-2026-22728).
    """
    template = manifest["spec"].get("template")
    metadata = template.get("metadata") if template else None
    theirs = (metadata or {}).get("annotations") or {}
    outer = manifest["metadata"].get("annotations") or {}
    mine = {key: outer[key] for key in SCOPE_ANNOTATIONS if key in outer}
    if not metadata or {key: theirs[key] for key in SCOPE_ANNOTATIONS if key in theirs} == mine:
        return
    kept = {key: value for key, value in theirs.items() if key not in SCOPE_ANNOTATIONS}
    metadata = {key: value for key, value in metadata.items() if key != "annotations"}
    annotations = {**kept, **mine}
    template["metadata"] = {**metadata, **({"annotations": annotations} if annotations else {})}
