"""The vault's operations, each as the REST reference has it; see the package for the pages."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from tests.testbed.azure import bundles
from tests.testbed.azure.faults import error
from tests.testbed.azure.store import MAX_VALUE, Store, Thing, Version

PAGE = 25
_VERSION = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NOT_FOUND = {
    "secrets": "SecretNotFound",
    "keys": "KeyNotFound",
    "certificates": "CertificateNotFound",
}
_ONE = {"secrets": "secret", "keys": "key", "certificates": "certificate"}


@dataclass(frozen=True)
class DataPlane:
    """Handlers of requests; ``gate`` lets one in and gives its vault, or an error's answer."""

    gate: Callable[[web.Request, str], Awaitable[Store | web.Response]]
    now: Callable[[], float]
    next_link: Callable[[], str] = lambda: ""
    """The next page of every listing, instead of the true one."""

    def route(self, app: web.Application) -> None:
        """Make the paths known; any other is 404, any other method 405."""
        live, dead = "/{kind:secrets|keys|certificates}", "/deleted{kind:secrets|keys|certificates}"
        for method, path, handler in (
            ("GET", live, self._list),
            ("GET", live + "/{name}/versions", self._versions),
            # The SDK asks for the newest version with an empty one: a slash at the end.
            ("GET", live + "/{name}{_:/?}", self._get),
            ("GET", live + "/{name}/{version}", self._get),
            ("PUT", "/{kind:secrets}/{name}", self._set),
            ("PATCH", "/{kind:secrets}/{name}{_:/?}", self._update),
            ("PATCH", "/{kind:secrets}/{name}/{version}", self._update),
            ("DELETE", live + "/{name}", self._delete),
            ("GET", dead, self._list_deleted),
            ("GET", dead + "/{name}", self._get_deleted),
            ("DELETE", dead + "/{name}", self._purge),
            ("POST", dead + "/{name}/recover", self._recover),
        ):
            app.router.add_route(method, path, handler)

    # Reading.

    async def _list(self, request: web.Request) -> web.Response:
        gate = await self.gate(request, "list")
        if isinstance(gate, web.Response):
            return gate
        kind, url = request.match_info["kind"], origin(request)
        rows = {
            name: bundles.item(url, kind, thing, thing.latest, with_version=False)
            for name, thing in gate.live[kind].items()
        }
        return self._page(request, gate, rows)

    async def _versions(self, request: web.Request) -> web.Response:
        gate = await self.gate(request, "list")
        if isinstance(gate, web.Response):
            return gate
        kind, url = request.match_info["kind"], origin(request)
        thing = gate.live[kind].get(request.match_info["name"].lower())
        if thing is None:
            return _missing(request)
        rows = {
            version.id: bundles.item(url, kind, thing, version, with_version=True)
            for version in thing.versions
        }
        return self._page(request, gate, rows)

    async def _list_deleted(self, request: web.Request) -> web.Response:
        gate = await self.gate(request, "list")
        if isinstance(gate, web.Response):
            return gate
        kind, url = request.match_info["kind"], origin(request)
        rows = {}
        for name, thing in gate.deleted[kind].items():
            item = bundles.item(url, kind, thing, thing.latest, with_version=False)
            rows[name] = bundles.deleted(url, kind, thing, item)
        return self._page(request, gate, rows)

    def _page(self, request: web.Request, store: Store, rows: dict[str, Any]) -> web.Response:
        """Return the rows from the marker on, in the order of their keys; the token is opaque."""
        try:
            size = int(request.query.get("maxresults", PAGE))
            token = request.query.get("$skiptoken")
            marker = (
                json.loads(base64.b64decode(token, validate=True))["NextMarker"] if token else ""
            )
        except (ValueError, KeyError, TypeError):
            return bad("maxresults or $skiptoken is invalid")
        if not 1 <= size <= PAGE:
            return bad("maxresults must be between 1 and 25")
        if store.page_sizes:
            size = min(size, store.page_sizes.pop(0))
        keys = [key for key in sorted(rows) if key >= marker]
        link = None
        if len(keys) > size:
            place = {"NextMarker": keys[size], "TargetLocation": 0}
            query = {
                "api-version": request.query["api-version"],
                "$skiptoken": base64.b64encode(json.dumps(place).encode()).decode(),
                "maxresults": request.query.get("maxresults", PAGE),
            }
            link = f"{origin(request)}{request.path}?{urlencode(query, safe='$')}"
        return web.json_response(
            {"value": [rows[key] for key in keys[:size]], "nextLink": self.next_link() or link}
        )

    async def _get(self, request: web.Request) -> web.Response:
        gate = await self.gate(request, "get")
        if isinstance(gate, web.Response):
            return gate
        kind, wanted = request.match_info["kind"], request.match_info.get("version", "")
        if wanted and not _VERSION.fullmatch(wanted):
            return bad(f"Method GET does not allow operation '{wanted}'")
        thing = gate.live[kind].get(request.match_info["name"].lower())
        version = _version(thing, wanted)
        if thing is None or version is None:
            return _missing(request)
        if not version.enabled and kind == "secrets":
            message = "Operation get is not allowed on a disabled secret."
            if gate.disabled_is_404:
                return error(404, _NOT_FOUND[kind], message=message)
            return error(403, "Forbidden", "SecretDisabled", message=message)
        body = bundles.bundle(origin(request), kind, thing, version)
        if kind == "secrets" and request.query["api-version"] == "2025-07-01":
            body |= bundles.previous(thing, version)
        return web.json_response(body)

    async def _get_deleted(self, request: web.Request) -> web.Response:
        gate = await self.gate(request, "get")
        if isinstance(gate, web.Response):
            return gate
        return self._deleted(request, gate)

    # Writing.

    async def _set(self, request: web.Request) -> web.Response:
        gate = await self.gate(request, "set")
        if isinstance(gate, web.Response):
            return gate
        name, body = request.match_info["name"], await _body(request)
        if not isinstance(body.get("value"), str):
            return bad("The parameter value is required")
        if len(body["value"].encode()) > MAX_VALUE:
            return bad(f"Secret value is too large: the limit is {MAX_VALUE} bytes")
        if name.lower() in gate.deleted["secrets"]:
            message = f"Secret {name} is currently in a deleted but recoverable state"
            return error(409, "Conflict", "ObjectIsDeletedButRecoverable", message=message)
        version = gate.set_secret(name, body["value"], **_settings(body))
        thing = gate.live["secrets"][name.lower()]
        return web.json_response(bundles.bundle(origin(request), "secrets", thing, version))

    async def _update(self, request: web.Request) -> web.Response:
        gate = await self.gate(request, "set")
        if isinstance(gate, web.Response):
            return gate
        thing = gate.live["secrets"].get(request.match_info["name"].lower())
        version = _version(thing, request.match_info.get("version", ""))
        if thing is None or version is None:
            return _missing(request)
        for name, value in _settings(await _body(request)).items():
            setattr(version, name, value)
        version.updated = int(self.now())
        body = bundles.bundle(origin(request), "secrets", thing, version, value=False)
        return web.json_response(body)

    async def _delete(self, request: web.Request) -> web.Response:
        gate = await self.gate(request, "delete")
        if isinstance(gate, web.Response):
            return gate
        kind, name = request.match_info["kind"], request.match_info["name"]
        if name.lower() not in gate.live[kind]:
            return _missing(request)
        gate.delete(name, kind)
        return self._deleted(request, gate)

    async def _recover(self, request: web.Request) -> web.Response:
        gate = await self.gate(request, "recover")
        if isinstance(gate, web.Response):
            return gate
        kind, name = request.match_info["kind"], request.match_info["name"].lower()
        if name not in gate.deleted[kind]:
            return self._deleted(request, gate)
        if name in gate.live[kind]:
            return error(409, "Conflict", message=f"{name} exists")
        gate.recover(name, kind)
        thing, url = gate.live[kind][name], origin(request)
        return web.json_response(bundles.bundle(url, kind, thing, thing.latest, value=False))

    async def _purge(self, request: web.Request) -> web.Response:
        gate = await self.gate(request, "purge")
        if isinstance(gate, web.Response):
            return gate
        kind, name = request.match_info["kind"], request.match_info["name"]
        if name.lower() not in gate.deleted[kind]:
            return self._deleted(request, gate)
        gate.purge(name, kind)
        return web.Response(status=204)

    def _deleted(self, request: web.Request, store: Store) -> web.Response:
        """Answer with what the trash holds."""
        kind, name = request.match_info["kind"], request.match_info["name"]
        thing = store.deleted[kind].get(name.lower())
        if thing is None:
            message = f"Deleted {_ONE[kind].capitalize()} not found: {name}"
            return error(404, _NOT_FOUND[kind], message=message)
        url = origin(request)
        body = bundles.bundle(url, kind, thing, thing.latest, value=False)
        return web.json_response(bundles.deleted(url, kind, thing, body))


def origin(request: web.Request) -> str:
    """Where the vault was asked, and so where its ids and links point."""
    return f"https://{request.host}"


def bad(message: str) -> web.Response:
    return error(400, "BadParameter", message=message)


def _marker(token: str) -> str:
    return str(json.loads(base64.b64decode(token, validate=True))["NextMarker"]) if token else ""


def _missing(request: web.Request) -> web.Response:
    kind, name = request.match_info["kind"], request.match_info["name"]
    message = f"A {_ONE[kind]} with (name/id) {name} was not found in this key vault."
    return error(404, _NOT_FOUND[kind], message=message)


def _version(thing: Thing | None, wanted: str) -> Version | None:
    found = [one for one in thing.versions if wanted in ("", one.id)] if thing else []
    return found[-1] if found else None


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _settings(body: dict[str, Any]) -> dict[str, Any]:
    """What a set or update says beside the value; what it leaves out stays."""
    told = body.get("attributes") or {}
    found = {name: told[name] for name in ("enabled", "nbf", "exp") if told.get(name) is not None}
    if body.get("tags") is not None:
        found["tags"] = body["tags"]
    if body.get("contentType") is not None:
        found["content_type"] = body["contentType"]
    return found
