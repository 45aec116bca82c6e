"""The endpoints that kubeseal, people and Kubernetes ask: paths, codes and bodies are the peer's.

No template is rendered here and no plaintext made into an answer: verify says yes or no, rotate
answers with ciphertext for this controller's own newest key and for no other. Bodies are bounded,
methods checked, verify and rotate limited for each peer address (a header could be forged) and for
all together, by what they hold and cost. Who hung up gets no more work done. Nothing runs in the
threads that unseal: whoever may ask could hold up what the controller is for.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from controller.http import steps
from controller.http.authentication import Gate
from controller.http.bodies import MAX_YAML_BYTES, read_json, read_yaml, sealed_secrets
from controller.http.keylist import KeyList
from controller.http.load import CrowdedError, Place, Room, Turns
from controller.http.page import Page
from controller.http.ratelimit import RateLimit
from controller.metrics import Metrics
from sealer.errors import SealerError
from sealer.keys.certificate import Certificate
from sealer.keys.ring import KeyRing
from sealer.sealed import SealedSecret

MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_REQUESTS = 32
"""Of verify and rotate, under way at once."""
MAX_BYTES = 32 * 1024 * 1024
"""Of their bodies; what is made of them takes a few times that."""
MAX_TRIES = 10_000
"""Private keys tried on items, in one request: 5000 items, and as many again for old keys."""
TRIES_A_REQUEST = 1000
"""How many of them the rate limit counts as one more request."""
READ_SECONDS = 30.0
"""For a body to come, where nothing else is said."""
WORK_SECONDS = 60.0
"""From the last byte of a body to the answer."""
_SLICE_SECONDS = 0.05
_MAX_YAML_WAITING = 8
_MAX_THREADS = 4
_RETRY_SECONDS = 5
CLIENT_GONE = 499
"""The code of the metric for whoever hung up before the answer."""
_LIMITED = frozenset({"/v1/verify", "/v1/rotate"})
_PATHS = frozenset({"/healthz", "/readyz", "/v1/cert.pem", "/v1/keys.json", "/v1/page", *_LIMITED})
T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PlacedHandler = Callable[[web.Request, Place], Awaitable[web.Response]]
_LIMITS = web.RequestKey("limits", dict[str, str])


@dataclass(frozen=True, slots=True)
class State:
    """What the endpoints ask of the rest."""

    ring: Callable[[], KeyRing]
    alive: Callable[[], str]
    """Empty, or what is stuck."""
    ready: Callable[[], str]
    """Empty, or what is missing."""
    page: Page | None = None
    """The page that seals in a browser, where it is to be served."""


class Endpoints:
    """The handlers; ``application`` binds them to their paths."""

    def __init__(
        self,
        state: State,
        metrics: Metrics,
        limit: RateLimit,
        *,
        read: float,
        gate: Gate | None = None,
    ) -> None:
        self._state, self._metrics, self._limit, self._gate = state, metrics, limit, gate
        self._read_seconds = read
        self._room = Room(places=MAX_REQUESTS, size=MAX_BYTES, dear=TRIES_A_REQUEST)
        self._turns = Turns(min(os.cpu_count() or 1, _MAX_THREADS), "http")
        self._yaml_turns = Turns(1, "http-yaml")
        self._yaml_waiting = 0
        self._key_list = KeyList(state.ring)

    def application(self) -> web.Application:
        """Return the application for the main port."""
        app = web.Application(middlewares=[self._measured, plain, self._limited])
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/v1/cert.pem", self._certificate)
        if self._state.page is not None:
            app.router.add_get("/v1/page", self._page)
        app.router.add_get("/v1/keys.json", self._key_list.answer)
        app.router.add_post("/v1/verify", self._placed(self._verify))
        app.router.add_post("/v1/rotate", self._placed(self._rotate))
        app.on_shutdown.append(self._stop)
        app.on_cleanup.append(self._close)
        return app

    async def _stop(self, _: web.Application) -> None:
        self._room.close()

    async def _close(self, _: web.Application) -> None:
        for turns in (self._turns, self._yaml_turns):
            turns.close()

    async def _healthz(self, request: web.Request) -> web.Response:
        problem = self._state.alive()
        return web.Response(text=f"{problem or 'ok'}\n", status=503 if problem else 200)

    async def _readyz(self, request: web.Request) -> web.Response:
        problem = self._state.ready()
        return web.Response(text=f"{problem or 'ok'}\n", status=503 if problem else 200)

    async def _certificate(self, request: web.Request) -> web.Response:
        certificate = self._newest()
        if certificate is None:
            return _no_key()
        return web.Response(body=certificate.pem, content_type="application/x-pem-file")

    async def _page(self, request: web.Request) -> web.Response:
        certificate, page = self._newest(), self._state.page
        return page.answer(certificate) if certificate and page else _no_key()

    def _newest(self) -> Certificate | None:
        return self._state.ring().certificate

    async def _verify(self, request: web.Request, place: Place) -> web.Response:
        sealed = await self._sealed(request, place)
        if isinstance(sealed, list):
            return _no_sealed_secret()
        try:
            await self._work(place, steps.verify(sealed, self._state.ring()))
        except SealerError:
            return web.Response(status=409)
        return web.Response()

    async def _rotate(self, request: web.Request, place: Place) -> web.Response:
        many = await self._sealed(request, place)
        if isinstance(many, list):
            return await self._rotate_list(many, place)
        try:
            answer = await self._work(place, steps.rotate(many, self._state.ring()))
        except (SealerError, RecursionError):
            return web.Response(status=500, text="cannot re-encrypt it: no key opens it\n")
        return web.Response(body=answer, content_type="application/json")

    async def _rotate_list(self, many: list[SealedSecret], place: Place) -> web.Response:
        """Answer with a List in the same order, null for what no key opens."""
        ring = self._state.ring()
        tasks = (self._work(place, steps.rotate(one, ring)) for one in many)
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

    async def _work(self, place: Place, work: steps.Steps[T]) -> T:
        """Take the steps, a slice of them whenever it is this request's turn."""
        while True:
            result: tuple[T] | None = await self._turns.run(place, _slice, work, place)
            if result:
                return result[0]
            if place.spent > MAX_TRIES:
                raise _too_large(f"this takes more than {MAX_TRIES} tries of keys: send less\n")

    async def _sealed(
        self, request: web.Request, place: Place
    ) -> SealedSecret | list[SealedSecret]:
        """What a body holds; the answer that says what it is instead is raised."""
        body = await _body(request, place)
        place.extend(WORK_SECONDS)
        try:
            value = await self._turns.run(place, read_json, body)
            if value is None:
                if len(body) > MAX_YAML_BYTES:
                    raise _too_large(f"YAML of more than {MAX_YAML_BYTES} bytes: send it as JSON\n")
                if self._yaml_waiting >= _MAX_YAML_WAITING:
                    raise CrowdedError
                value = await self._read_yaml(body, place)
            return await self._turns.run(place, sealed_secrets, value)
        except (SealerError, RecursionError):
            raise _Refused(_no_sealed_secret()) from None

    async def _read_yaml(self, body: bytes, place: Place) -> dict[str, Any]:
        self._yaml_waiting += 1
        try:
            return await self._yaml_turns.run(place, read_yaml, body)
        finally:
            self._yaml_waiting -= 1

    def _placed(self, handler: PlacedHandler) -> Handler:
        """Let it run while there is room for its request, and charge what it cost."""

        async def run(request: web.Request) -> web.StreamResponse:
            place: Place | None = None
            try:
                async with self._room.enter(_peer(request), self._read_seconds) as place:
                    return await _send(request, place, await handler(request, place))
            except _Refused as refused:
                return refused.response
            except CrowdedError:
                return _crowded()
            except TimeoutError:
                if request.content.at_eof():
                    return _crowded()
                return web.Response(status=408, text="the request did not come in time\n")
            finally:
                if place is not None:
                    self._limit.charge(_payer(request), place.spent // TRIES_A_REQUEST)

        return run

    @web.middleware
    async def _limited(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in _LIMITED or request.method != "POST":
            return await handler(request)
        verdict = self._limit.take(_payer(request))
        headers = {
            "X-Ratelimit-Limit": str(verdict.limit),
            "X-Ratelimit-Remaining": str(verdict.remaining),
            "X-Ratelimit-Reset": str(math.ceil(verdict.reset_seconds)),
        }
        if not verdict.allowed:
            headers["Retry-After"] = str(math.ceil(verdict.retry_after_seconds))
            return web.Response(status=429, text="limit exceeded\n", headers=headers)
        request[_LIMITS] = headers
        refusal = await self._gate.refusal(request) if self._gate else None
        response = refusal or await handler(request)
        if not response.prepared:
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
        except asyncio.CancelledError:
            code = CLIENT_GONE
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

    app = web.Application(middlewares=[plain])
    app.router.add_get("/metrics", show)
    return app


@web.middleware
async def plain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse compressed bodies wherever they go: a few bytes could become gigabytes."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return web.Response(status=415, text="send it uncompressed\n")
    return await handler(request)


async def _body(request: web.Request, place: Place) -> bytes:
    """The body, paid for as it comes."""
    body, text = bytearray(), f"a body has {MAX_BODY_BYTES} bytes at most\n"
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise _too_large(text)
    while chunk := await request.content.readany():
        place.grow(len(chunk))
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise _too_large(text)
    return bytes(body)


async def _send(request: web.Request, place: Place, response: web.Response) -> web.Response:
    """Send the answer: whoever does not read it still holds its bytes."""
    place.grow(response.content_length or 0)
    response.headers.update(request[_LIMITS])
    try:
        await response.prepare(request)
        await response.write_eof()
    except asyncio.CancelledError:
        # It cannot be taken back: whoever waits for the rest is not to wait for ever.
        if request.transport is not None:
            request.transport.abort()
        raise
    return response


def _slice(work: steps.Steps[T], place: Place) -> tuple[T] | None:
    """Take steps for a moment; the result, None when there are more to take."""
    end = time.monotonic() + _SLICE_SECONDS
    try:
        while not place.gone and time.monotonic() < end:
            place.pay(next(work))
    except StopIteration as stop:
        return (stop.value,)
    return None


def _peer(request: web.Request) -> str:
    return request.remote or ""


def _payer(request: web.Request) -> str:
    return f"{request.path} {_peer(request)}"


def _no_key() -> web.Response:
    return web.Response(status=500, text="there is no sealing key yet\n")


def _no_sealed_secret() -> web.Response:
    # Whatever was sent may be somebody's Secret: not a word of it goes back.
    return web.Response(status=500, text="the body is not one SealedSecret\n")


class _Refused(Exception):
    """Ends a request with an answer.

    aiohttp keeps what it answered with until the connection's next request: were that an exception,
    as its own are, the frames in its traceback would keep the body.
    """

    def __init__(self, response: web.Response) -> None:
        super().__init__()
        self.response = response


def _too_large(text: str) -> _Refused:
    return _Refused(web.Response(status=413, text=text))


def _crowded() -> web.Response:
    headers = {"Retry-After": str(_RETRY_SECONDS)}
    return web.Response(status=503, text="too much at once: try again later\n", headers=headers)
