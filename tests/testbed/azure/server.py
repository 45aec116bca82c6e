"""The https server in front of the stores: routing by host, tokens, rights, pages, counts."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine
from email.utils import formatdate
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.testbed.azure.data_plane import DataPlane, bad
from tests.testbed.azure.entra import Entra
from tests.testbed.azure.faults import Faults, error
from tests.testbed.azure.metadata import Metadata
from tests.testbed.azure.pki import Authority
from tests.testbed.azure.store import NAME, Store

SUFFIX = "vault.test"
LOGIN = "login.test"
STRANGER = "evil.test"
CLOUDS = {
    "vault.azure.net": "login.microsoftonline.com",
    "vault.usgovcloudapi.net": "login.microsoftonline.us",
    "vault.azure.cn": "login.chinacloudapi.cn",
}
"""Vault suffix -> authority, to be had where ``Loopback`` brings port 443 here."""
API_VERSIONS = ("7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01")


class Azure:
    """Runs in a thread of its own; all public methods are for the test's thread."""

    def __init__(self, folder: Path, *, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self.authority = Authority(folder)
        self.stores: dict[str, Store] = {}
        self.entra = Entra(now=now)
        self.faults = Faults()
        self.calls: Counter[str] = Counter()
        """``secrets/list``, ``secrets/get`` and so on -> requests that carried a token."""
        self.codes: Counter[tuple[str, int]] = Counter()
        self.bearers: dict[str, set[str]] = {}
        """Host -> client ids whose tokens arrived there, good or bad."""
        self.challenge_resource = ""
        """What the challenge names instead of the true resource, for a stranger's host."""
        self.challenge_authorization = ""
        """What the challenge names instead of the true authority and tenant."""
        self.challenge_form = 'Bearer authorization="{where}", resource="{resource}"'
        """Emulators name and order the parts otherwise."""
        self.redirect = ""
        """Where vaults send every request instead of answering it."""
        self.next_link = ""
        """The next page of every listing, instead of the true one."""
        self.api_versions = set(API_VERSIONS)
        """Sovereign clouds lag: take some away."""
        self.requests: Counter[str] = Counter()
        """Host -> requests of any kind."""
        self.versions: Counter[tuple[str, str]] = Counter()
        """Vault and api-version -> requests that carried a token."""
        self.port = 0
        self.metadata_port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runners: list[web.AppRunner] = []

    def start(self) -> Azure:
        """Listen on loopback."""
        self._thread.start()
        self._wait(self._start())
        self.entra.resources = {
            f"{LOGIN}:{self.port}": f"https://{SUFFIX}:{self.port}",
            **{login: f"https://{suffix}" for suffix, login in CLOUDS.items()},
        }
        return self

    def stop(self) -> None:
        """Stop listening and end the thread."""
        self._wait(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def vault(self, name: str, tenant: str = "11111111-1111-4111-8111-111111111111") -> Store:
        """Return a vault, made at the first call."""
        return self.stores.setdefault(name, Store(name, tenant, self.now))

    def url(self, name: str) -> str:
        """A vault's URL."""
        return f"https://{name}.{SUFFIX}:{self.port}"

    @property
    def suffix(self) -> str:
        """For ``--vault-suffixes``."""
        return f"{SUFFIX}:{self.port}"

    @property
    def login(self) -> str:
        """For ``AZURE_AUTHORITY_HOST``."""
        return f"https://{LOGIN}:{self.port}"

    @property
    def metadata(self) -> str:
        """For ``AZURE_POD_IDENTITY_AUTHORITY_HOST``."""
        return f"http://127.0.0.1:{self.metadata_port}"

    def forget(self) -> None:
        """Start counting anew."""
        self.calls.clear()
        self.codes.clear()
        self.bearers.clear()
        self.requests.clear()
        self.versions.clear()
        self.entra.tokens.clear()
        self.entra.asked.clear()

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _start(self) -> None:
        app = web.Application(middlewares=[self._middleware])
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)
        DataPlane(self._gate, self.now, lambda: self.next_link).route(app)
        clouds = [name for suffix, login in CLOUDS.items() for name in (f"*.{suffix}", login)]
        strangers = (STRANGER, f"*.{STRANGER}")
        context = self.authority.server_context(f"*.{SUFFIX}", LOGIN, *strangers, *clouds)
        self.port = await self._listen(app, context)
        self.metadata_port = await self._listen(Metadata(self.entra).application(), None)

    async def _listen(self, app: web.Application, context: Any) -> int:
        runner = web.AppRunner(app, shutdown_timeout=0.2)
        await runner.setup()
        self._runners.append(runner)
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        await web.SockSite(runner, listener, ssl_context=context).start()
        port: int = listener.getsockname()[1]
        return port

    async def _stop(self) -> None:
        for runner in self._runners:
            await runner.cleanup()

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Any) -> web.StreamResponse:
        host = request.host.split(":")[0]
        self.requests[host] += 1
        if request.headers.get("Authorization"):
            token = request.headers["Authorization"].removeprefix("Bearer ")
            self.bearers.setdefault(host, set()).add(token[:8])
        try:
            response: web.StreamResponse = await handler(request)
        except web.HTTPMethodNotAllowed as no:
            response = error(405, "MethodNotAllowed", headers={"Allow": no.headers["Allow"]})
        except web.HTTPNotFound:
            response = error(404, "NotFound", message="there is nothing at this path")
        response.headers["x-ms-request-id"] = str(uuid.uuid4())
        response.headers["Date"] = formatdate(self.now(), usegmt=True)
        return await self.faults.spoil(request, response)

    async def _token(self, request: web.Request) -> web.StreamResponse:
        failed = await self.faults.answer(request, "token", "", "")
        return failed or await self.entra.token(request)

    async def _gate(self, request: web.Request, verb: str) -> Store | web.Response:
        """Check what the service checks before it looks for the object."""
        host, _, port = request.host.partition(":")
        name, _, suffix = host.partition(".")
        true_resource = f"https://{suffix}" + (f":{port}" if port else "")
        if self.redirect and suffix != STRANGER:
            raise web.HTTPTemporaryRedirect(self.redirect + request.path_qs)
        store = self.stores.get(name) if suffix != STRANGER else None
        tenant = store.tenant if store else "stranger"
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        bearer = token if scheme == "Bearer" else ""
        client, problem = self.entra.read(bearer, tenant, true_resource)
        if not client:
            where = self.challenge_authorization or f"{self.login}/{tenant}"
            resource = self.challenge_resource or true_resource
            challenge = self.challenge_form.format(where=where, resource=resource)
            headers = {"WWW-Authenticate": challenge}
            return error(401, "Unauthorized", message=problem, headers=headers)
        if store is None:
            return error(404, "VaultNotFound")
        kind = request.match_info["kind"]
        operation = f"{kind}/{verb}"
        self.calls[operation] += 1
        self.versions[store.name, request.query.get("api-version", "")] += 1
        response = await self._refusal(request, store, operation, client)
        if response is None:
            self.codes[operation, 200] += 1
            return store
        self.codes[operation, response.status] += 1
        return response

    async def _refusal(
        self, request: web.Request, store: Store, operation: str, client: str
    ) -> web.Response | None:
        name = request.match_info.get("name", "")
        failed = await self.faults.answer(request, operation, name, client)
        if failed is not None:
            return failed
        version = request.query.get("api-version")
        if not version:
            return bad("api-version must be specified")
        if version not in self.api_versions:
            return bad(f"The specified version ({version}) is not recognized.")
        if operation not in store.rights.get(client, set()):
            message = (
                f"Caller is not authorized to perform action on resource. Caller: appid={client}; "
                f"Action: {operation}; Vault: {store.name}"
            )
            return error(403, "Forbidden", store.denial, message=message)
        if name and not NAME.fullmatch(name):
            return bad(f"The request URI contains an invalid name: {name}")
        return None


class Loopback(AbstractResolver):
    """Resolves every name to loopback, the test's DNS; with ``port`` 443 is brought there."""

    def __init__(self, port: int = 0) -> None:
        self.port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        port = self.port if port == 443 and self.port else port
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        """Nothing is open."""
