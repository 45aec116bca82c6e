"""The endpoints that kubeseal, people and Kubernetes ask: paths, codes and bodies are the peer's.

No template is rendered here and no plaintext made into an answer: verify says yes or no, rotate
answers with ciphertext for this controller's own newest key and for no other. Bodies are bounded,
methods checked, verify and rotate limited for each peer address (a header could be forged).
Nothing runs in the threads that unseal: whoever may ask could hold up what the controller is for.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from controller.http.bodies import MAX_YAML_BYTES, read_json, read_yaml, sealed_secrets
from controller.http.ratelimit import RateLimit
from controller.metrics import Metrics
from sealer.errors import ManifestError, SealerError
from sealer.keys.pair import KeyPair
from sealer.keys.ring import KeyRing
from sealer.resealing import reseal, reseal_legacy
from sealer.scope import SCOPE_ANNOTATIONS
from sealer.sealed import SealedSecret
from sealer.unsealing import open_item

MAX_BODY_BYTES = 10 * 1024 * 1024
_MAX_YAML_WAITING = 8
_LIMITED = frozenset({"/v1/verify", "/v1/rotate"})
_PATHS = frozenset({"/healthz", "/readyz", "/v1/cert.pem", *_LIMITED})
T = TypeVar("T")
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

    def __init__(self, state: State, metrics: Metrics, limit: RateLimit, *, read: float) -> None:
        self._state, self._metrics, self._limit = state, metrics, limit
        self._read_seconds = read
        self._openers = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="http")
        self._yaml_reader = ThreadPoolExecutor(1, thread_name_prefix="http-yaml")
        self._yaml_waiting = 0

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
        app.on_cleanup.append(self._close)
        return app

    async def _close(self, _: web.Application) -> None:
        for executor in (self._openers, self._yaml_reader):
            executor.shutdown(wait=False, cancel_futures=True)

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
        if isinstance(sealed, list):
            return _no_sealed_secret()
        try:
            await _run(self._openers, _open, sealed, self._state.ring())
        except SealerError:
            return web.Response(status=409)
        return web.Response()

    async def _rotate(self, request: web.Request) -> web.Response:
        many = await self._sealed(request)
        if isinstance(many, web.Response):
            return many
        if isinstance(many, list):
            return await self._rotate_list(many)
        try:
            answer = await _run(self._openers, _rotated, many, self._state.ring())
        except (SealerError, RecursionError):
            return web.Response(status=500, text="cannot re-encrypt it: no key opens it\n")
        return web.Response(body=answer, content_type="application/json")

    async def _rotate_list(self, many: list[SealedSecret]) -> web.Response:
        """Answer with a List in the same order, null for what no key opens."""
        ring = self._state.ring()
        tasks = (_run(self._openers, _rotated, one, ring) for one in many)
        answers: list[bytes] = []
        for answer in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(answer, (SealerError, RecursionError)):
                answers.append(b"null")
            elif isinstance(answer, BaseException):
                raise answer
            else:
                answers.append(answer)
        body = b'{"apiVersion":"v1","kind":"List","items":[' + b",".join(answers) + b"]}"
        return web.Response(body=body, content_type="application/json")

    async def _sealed(
        self, request: web.Request
    ) -> SealedSecret | list[SealedSecret] | web.Response:
        """What a body holds, or the answer that says what it is instead."""
        try:
            async with asyncio.timeout(self._read_seconds):
                body = await request.read()
        except TimeoutError:
            return web.Response(status=408, text="the request did not come in time\n")
        try:
            value = await _run(self._openers, read_json, body)
            if value is None:
                if len(body) > MAX_YAML_BYTES:
                    text = f"YAML of more than {MAX_YAML_BYTES} bytes: send it as JSON\n"
                    return web.Response(status=413, text=text)
                if self._yaml_waiting >= _MAX_YAML_WAITING:
                    return web.Response(status=503, text="too much YAML: send it as JSON\n")
                value = await self._read_yaml(body)
            return await _run(self._openers, sealed_secrets, value)
        except (SealerError, RecursionError):
            return _no_sealed_secret()

    async def _read_yaml(self, body: bytes) -> dict[str, Any]:
        self._yaml_waiting += 1
        try:
            return await _run(self._yaml_reader, read_yaml, body)
        finally:
            self._yaml_waiting -= 1

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


async def _run(executor: Executor, function: Callable[..., T], *arguments: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(executor, function, *arguments)


def _no_sealed_secret() -> web.Response:
    # Whatever was sent may be somebody's Secret: not a word of it goes back.
    return web.Response(status=500, text="the body is not one SealedSecret\n")


def _open(sealed: SealedSecret, ring: KeyRing) -> None:
    """Open every item up to the first that fails; a template rendered would be an oracle."""
    if sealed.legacy_data and not sealed.encrypted_data:
        open_item(sealed.legacy_data, ring, sealed.label(), key="data")
    bound = sealed.label()
    likely: str | KeyPair = sealed.fingerprint
    for key, item in sealed.encrypted_data.items():
        _, likely = open_item(item, ring, bound, key=key, prefer=likely)


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
