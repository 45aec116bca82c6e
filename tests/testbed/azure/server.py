"""The https server in front of the stores: routing by host, tokens, rights, pages, counts."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.testbed.azure.entra import Entra
from tests.testbed.azure.faults import Faults, error
from tests.testbed.azure.metadata import Metadata
from tests.testbed.azure.pki import Authority
from tests.testbed.azure.store import MAX_VALUE, NAME, Store, Thing, Version

SUFFIX = "vault.test"
LOGIN = "login.test"
STRANGER = "evil.test"
CLOUDS = {
    "vault.azure.net": "login.microsoftonline.com",
    "vault.usgovcloudapi.net": "login.microsoftonline.us",
    "vault.azure.cn": "login.chinacloudapi.cn",
}
"""Vault suffix -> authority, to be had where ``Loopback`` brings port 443 here."""
PAGE = 25
API_VERSIONS = {"7.4", "7.5", "7.6", "2025-07-01"}
_NOT_FOUND = {
    "secrets": "SecretNotFound",
    "keys": "KeyNotFound",
    "certificates": "CertificateNotFound",
}
_ONE = {"secrets": "secret", "keys": "key", "certificates": "certificate"}


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
        self.redirect = ""
        """Where vaults send every request instead of answering it."""
        self.next_link = ""
        """The next page of every listing, instead of the true one."""
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
        app = web.Application(middlewares=[self._count])
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)
        app.router.add_route("*", "/{kind:secrets|keys|certificates}", self._list)
        app.router.add_route(
            "*", "/{kind:secrets|keys|certificates}/{name}/versions", self._versions
        )
        app.router.add_route("*", "/{kind:secrets|keys|certificates}/{name}", self._one)
        app.router.add_route("*", "/{kind:secrets|keys|certificates}/{name}/", self._one)
        app.router.add_route("*", "/{kind:secrets|keys|certificates}/{name}/{version}", self._one)
        app.router.add_post(
            "/deleted{kind:secrets|keys|certificates}/{name}/recover", self._recover
        )
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
    async def _count(self, request: web.Request, handler: Any) -> web.StreamResponse:
        host = request.host.split(":")[0]
        self.requests[host] += 1
        if request.headers.get("Authorization"):
            token = request.headers["Authorization"].removeprefix("Bearer ")
            self.bearers.setdefault(host, set()).add(token[:8])
        response: web.StreamResponse = await handler(request)
        return response

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
        client = self.entra.read(token, tenant, true_resource) if scheme == "Bearer" else None
        if client is None:
            where = self.challenge_authorization or f"{self.login}/{tenant}"
            resource = self.challenge_resource or true_resource
            challenge = f'Bearer authorization="{where}", resource="{resource}"'
            return error(401, "Unauthorized", headers={"WWW-Authenticate": challenge})
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
        if request.query.get("api-version") not in API_VERSIONS:
            return error(400, "BadParameter", message="api-version is missing or unknown")
        if operation not in store.rights.get(client, set()):
            return error(403, "Forbidden", "ForbiddenByRbac")
        if name and not NAME.fullmatch(name):
            return error(400, "BadParameter", message="the name is invalid")
        return None

    async def _list(self, request: web.Request) -> web.Response:
        gate = await self._gate(request, "list")
        if isinstance(gate, web.Response):
            return gate
        kind = request.match_info["kind"]
        things = sorted(gate.live[kind].values(), key=lambda thing: thing.name.lower())
        rows = [(thing, thing.latest) for thing in things]
        return self._page(request, gate, rows, with_version=False)

    async def _versions(self, request: web.Request) -> web.Response:
        gate = await self._gate(request, "list")
        if isinstance(gate, web.Response):
            return gate
        kind, name = request.match_info["kind"], request.match_info["name"].lower()
        thing = gate.live[kind].get(name)
        if thing is None:
            return error(404, _NOT_FOUND[kind])
        rows = [(thing, one) for one in sorted(thing.versions, key=lambda version: version.id)]
        return self._page(request, gate, rows, with_version=True)

    def _page(
        self,
        request: web.Request,
        store: Store,
        rows: list[tuple[Thing, Version]],
        *,
        with_version: bool,
    ) -> web.Response:
        size = int(request.query.get("maxresults", PAGE))
        if not 1 <= size <= PAGE:
            return error(400, "BadParameter", message="maxresults must be 1 to 25")
        start = int(request.query.get("$skiptoken", 0))
        items = [
            self._item(request, store, thing, version, with_version=with_version)
            for thing, version in rows[start : start + size]
        ]
        more = None
        if start + size < len(rows):
            query = {
                "api-version": request.query["api-version"],
                "$skiptoken": start + size,
                "maxresults": size,
            }
            more = f"{self.url(store.name)}{request.path}?{urlencode(query)}"
        return web.json_response({"value": items, "nextLink": self.next_link or more})

    def _item(
        self,
        request: web.Request,
        store: Store,
        thing: Thing,
        version: Version,
        *,
        with_version: bool,
    ) -> dict[str, Any]:
        kind = request.match_info["kind"]
        place = f"{self.url(store.name)}/{kind}/{thing.name}"
        item: dict[str, Any] = {
            "kid" if kind == "keys" else "id": f"{place}/{version.id}" if with_version else place,
            "attributes": version.attributes(),
        }
        if version.tags:
            item["tags"] = version.tags
        if version.content_type:
            item["contentType"] = version.content_type
        if version.managed:
            item["managed"] = True
        return item

    async def _one(self, request: web.Request) -> web.Response:
        if request.method == "PUT":
            return await self._put(request)
        if request.method == "DELETE":
            return await self._delete(request)
        gate = await self._gate(request, "get")
        if isinstance(gate, web.Response):
            return gate
        kind, name = request.match_info["kind"], request.match_info["name"]
        thing = gate.live[kind].get(name.lower())
        wanted = request.match_info.get("version", "")
        found = [one for one in thing.versions if wanted in ("", one.id)] if thing else []
        if thing is None or not found:
            message = f"A {_ONE[kind]} with (name/id) {name} was not found in this key vault."
            return error(404, _NOT_FOUND[kind], message=message)
        version = found[-1]
        if not version.enabled and kind == "secrets":
            if gate.disabled_is_404:
                return error(404, _NOT_FOUND[kind])
            return error(403, "Forbidden", "SecretDisabled")
        item = self._item(request, gate, thing, version, with_version=True)
        if kind == "secrets":
            item["value"] = version.value
            if version.managed:
                item["kid"] = item["id"].replace("/secrets/", "/keys/")
        elif kind == "keys":
            item = {"key": {**(version.key or {}), "kid": item.pop("kid")}, **item}
            item["key"]["key_ops"] = ["sign", "verify"]
        else:
            item["cer"] = version.value
        return web.json_response(item)

    async def _put(self, request: web.Request) -> web.Response:
        gate = await self._gate(request, "set")
        if isinstance(gate, web.Response):
            return gate
        name, body = request.match_info["name"], await request.json()
        if len(body["value"]) > MAX_VALUE:
            return error(400, "BadParameter", message="the value is too large")
        if name.lower() in gate.deleted["secrets"]:
            return error(409, "Conflict", "ObjectIsDeletedButRecoverable")
        tags = body.get("tags") or {}
        gate.set_secret(name, body["value"], tags=tags, content_type=body.get("contentType"))
        request.match_info["version"] = ""
        thing = gate.live["secrets"][name.lower()]
        item = self._item(request, gate, thing, thing.latest, with_version=True)
        return web.json_response({**item, "value": body["value"]})

    async def _delete(self, request: web.Request) -> web.Response:
        gate = await self._gate(request, "delete")
        if isinstance(gate, web.Response):
            return gate
        kind, name = request.match_info["kind"], request.match_info["name"]
        if name.lower() not in gate.live[kind]:
            return error(404, _NOT_FOUND[kind])
        gate.delete(name, kind)
        thing = gate.deleted[kind][name.lower()]
        recovery = f"{self.url(gate.name)}/deleted{kind}/{thing.name}"
        item = self._item(request, gate, thing, thing.latest, with_version=True)
        return web.json_response({**item, "recoveryId": recovery})

    async def _recover(self, request: web.Request) -> web.Response:
        gate = await self._gate(request, "recover")
        if isinstance(gate, web.Response):
            return gate
        kind, name = request.match_info["kind"], request.match_info["name"]
        if name.lower() not in gate.deleted[kind]:
            return error(404, _NOT_FOUND[kind])
        gate.recover(name, kind)
        thing = gate.live[kind][name.lower()]
        return web.json_response(self._item(request, gate, thing, thing.latest, with_version=True))


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
