"""The API server as the controller sees it: few verbs, typed errors, nothing cached.

``Cluster`` is the seam that tests and ``sync`` know; ``KubernetesCluster`` speaks to a real API
server, to which ``connection`` connects. Bodies stay plain JSON: the generated models cost more
time than the request. No error here carries a request's body.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote, urlencode

from controller.api.cluster import MANAGER, Manifest, WatchEvent
from controller.api.errors import (
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    ForbiddenError,
    GoneError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)
from controller.api.pace import Pace
from controller.api.refusal import Refusal
from controller.backoff import Backoff

__all__ = [
    "AlreadyExistsError",
    "ClusterError",
    "ConflictError",
    "ForbiddenError",
    "GoneError",
    "InvalidError",
    "NotFoundError",
    "UnavailableError",
]
SECRETS = "/api/v1"
SEALED_SECRETS = "/apis/bitnami.com/v1alpha1"
LEASES = "/apis/coordination.k8s.io/v1"
# What changes nothing that another controller could write: questions, and the Lease itself.
_UNFENCED = (
    "/apis/coordination.k8s.io/",
    "/apis/authentication.k8s.io/",
    "/apis/authorization.k8s.io/",
)
_JSON = "application/json"
# The API server then sends metadata alone: no Secret's data comes into this process.
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_REQUEST_SECONDS = 30.0
# Metadata may hold annotations of 256 KiB, a whole object may have 1.5 MiB: a page of them must
# fit into memory several times over.
_PAGE, _WHOLE_PAGE = 100, 20
# The API server sends a bookmark a minute; a watch that is silent for longer is dead.
_SILENCE_SECONDS = 75.0
_WATCH_SECONDS = 300
_BACKOFF = Backoff(0.1, 10.0)


class KubernetesCluster:
    """A real API server; make it with ``connection.connect``."""

    def __init__(self, api: Any, *, qps: float = 0, burst: int = 0) -> None:
        self._api = api
        self._pace = Pace(qps, burst)
        self.fence: Callable[[], float] = lambda: math.inf
        """Seconds that a write may take that is begun now; zero: none may be begun.

        Where several controllers share the work, another one takes over when ours were too many.
        """

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        content_type: str = _JSON,
        accept: str = _JSON,
    ) -> Manifest:
        """Send one request and return the JSON that came back; raises ClusterError's classes."""
        await self._pace.wait()
        seconds = self._seconds(method, path)
        with _reaching():
            async with asyncio.timeout(seconds):
                answer = await self._send(method, path, query, body, content_type, accept)
                text = await answer.read()
            if answer.status < 400:
                return _object(text) if text else {}
        after = answer.headers.get("Retry-After")
        refusal = Refusal.read(answer.status, text)
        # Of what is only read nothing was sent that could be quoted.
        writes = method != "GET" and _is_secret(path)
        raise refusal.error(method, after, about_secret=writes)

    def _seconds(self, method: str, path: str) -> float:
        """How long a request may take; UnavailableError where it may not be begun."""
        if method == "GET" or path.startswith(_UNFENCED):
            return _REQUEST_SECONDS
        seconds = min(_REQUEST_SECONDS, self.fence())
        if seconds <= 0:
            raise UnavailableError(
                "nothing is written while the own Lease cannot be renewed",
                hint="another replica does the work meanwhile; see the log for what is in the way",
            )
        return seconds

    async def get_secret(self, namespace: str, name: str) -> Manifest:
        return await self.request("GET", _secret(namespace, name))

    async def create_secret(
        self, manifest: Mapping[str, Any], *, dry_run: bool = False
    ) -> Manifest:
        path, query = _secret(manifest["metadata"]["namespace"]), {"dryRun": "All"}
        return await self.request("POST", path, body=manifest, query=query if dry_run else None)

    async def replace_secret(self, manifest: Mapping[str, Any]) -> Manifest:
        metadata = manifest["metadata"]
        path = _secret(metadata["namespace"], metadata["name"])
        return await self.request("PUT", path, body=manifest)

    async def delete_secret(self, namespace: str, name: str, uid: str) -> None:
        await self.request("DELETE", _secret(namespace, name), body={"preconditions": {"uid": uid}})

    async def get_sealed(self, namespace: str, name: str) -> Manifest:
        return await self.request("GET", _sealed(namespace, name))

    async def patch_status(
        self, namespace: str, name: str, status: Mapping[str, Any], version: str
    ) -> Manifest:
        # A UID here would be ignored: of a custom resource's status only the version is compared.
        return await self.request(
            "PATCH",
            f"{_sealed(namespace, name)}/status",
            body={"metadata": {"resourceVersion": version}, "status": status},
            content_type="application/merge-patch+json",
        )

    async def create_event(self, manifest: Mapping[str, Any]) -> None:
        namespace = quote(manifest["metadata"]["namespace"])
        await self.request("POST", f"/api/v1/namespaces/{namespace}/events", body=manifest)

    async def create_lease(self, manifest: Mapping[str, Any]) -> Manifest:
        return await self.request("POST", _lease(manifest["metadata"]["namespace"]), body=manifest)

    async def renew_lease(self, manifest: Mapping[str, Any], uid: str) -> Manifest:
        metadata = manifest["metadata"]
        return await self.request(
            "PATCH",
            _lease(metadata["namespace"], metadata["name"]),
            body={"metadata": {"uid": uid}, "spec": manifest["spec"]},
            content_type="application/merge-patch+json",
        )

    async def delete_lease(self, namespace: str, name: str, uid: str, version: str = "") -> None:
        exactly = {"uid": uid, **({"resourceVersion": version} if version else {})}
        await self.request("DELETE", _lease(namespace, name), body={"preconditions": exactly})

    def watch_leases(self, namespace: str, selector: str) -> AsyncIterator[WatchEvent]:
        return self.watch(_lease(namespace), selector=selector)

    async def connection(self) -> dict[str, Any]:
        """Return server, credentials and CA as ``kopf.ConnectionInfo`` takes them, fresh."""
        configuration = self._api.configuration
        headers: dict[str, str] = {}
        await self._authorize(headers, "GET", "")
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return {
            "server": configuration.host,
            "ca_path": configuration.ssl_ca_cert or None,
            "ca_data": configuration.ca_cert_data or None,
            "insecure": not configuration.verify_ssl,
            "scheme": scheme or None,
            "token": token or None,
            "certificate_path": configuration.cert_file or None,
            "private_key_path": configuration.key_file or None,
            "proxy_url": configuration.proxy or None,
        }

    async def sealed_names(self, namespace: str, selector: str) -> set[tuple[str, str]]:
        """Return namespace and name of every SealedSecret there is now."""
        path = _place(SEALED_SECRETS, namespace, "sealedsecrets", "")
        query = {"labelSelector": selector} if selector else {}
        return {
            (item["metadata"]["namespace"], item["metadata"]["name"])
            async for page in self._pages(path, query, metadata_only=True)
            for item in page.get("items") or ()
        }

    async def has_sealed_secrets(self) -> bool:
        """Whether the CRD is installed."""
        try:
            await self.request("GET", SEALED_SECRETS)
        except NotFoundError:
            return False
        return True

    def watch_secrets(
        self, namespace: str, *, selector: str = "", metadata_only: bool = True
    ) -> AsyncIterator[WatchEvent]:
        return self.watch(_secret(namespace), selector=selector, metadata_only=metadata_only)

    async def watch(
        self, path: str, *, selector: str = "", metadata_only: bool = False
    ) -> AsyncIterator[WatchEvent]:
        """List a collection, then watch it, without an end."""
        accept = _METADATA if metadata_only else _JSON
        query = {"labelSelector": selector} if selector else {}
        while True:
            version = ""
            try:
                async for page in self._pages(path, query, metadata_only):
                    version = page["metadata"]["resourceVersion"]
                    for item in page.get("items") or ():
                        yield WatchEvent("EXISTS", item)
                yield WatchEvent("LISTED", {})
                async for event in self._watch(path, query, accept, version):
                    yield event
            except GoneError:
                await asyncio.sleep(_BACKOFF.first)

    async def _pages(
        self, path: str, query: Mapping[str, str], metadata_only: bool
    ) -> AsyncIterator[Manifest]:
        token, accept = "", _METADATA_LIST if metadata_only else _JSON
        limit = str(_PAGE if metadata_only else _WHOLE_PAGE)
        while True:
            more = {"limit": limit, **({"continue": token} if token else {})}
            page = await self.request("GET", path, query={**query, **more}, accept=accept)
            yield page
            token = page["metadata"].get("continue") or ""
            if not token:
                return

    async def _watch(
        self, path: str, query: Mapping[str, str], accept: str, version: str
    ) -> AsyncIterator[WatchEvent]:
        """Watch from a version on, through reconnections; GoneError when it is too old."""
        failures = 0
        while True:
            asked = {
                **query,
                "watch": "true",
                "allowWatchBookmarks": "true",
                "resourceVersion": version,
                "timeoutSeconds": str(_WATCH_SECONDS),
            }
            try:
                async for line in self._lines(path, asked, accept):
                    failures = 0
                    kind, item = line["type"], line["object"]
                    if kind == "ERROR":
                        status = int(item.get("code") or 500)
                        raise Refusal.read(status, json.dumps(item).encode()).error("GET")
                    version = item["metadata"]["resourceVersion"]
                    yield WatchEvent(kind, {} if kind == "BOOKMARK" else item)
            except UnavailableError:
                failures += 1
            await asyncio.sleep(_BACKOFF.after(failures + 1))

    async def _lines(
        self, path: str, query: Mapping[str, str], accept: str
    ) -> AsyncIterator[dict[str, Any]]:
        """One watch request; ends when the API server ends it, with UnavailableError otherwise.

        GoneError where a change is larger than any that the API server can hold: asking for it
        again would end in the same place, and a list passes over it.
        """
        from aiohttp.http_exceptions import LineTooLong

        with _reaching():
            async with asyncio.timeout(_REQUEST_SECONDS):
                answer = await self._send("GET", path, query, None, _JSON, accept)
                refused = await answer.read() if answer.status >= 400 else None
        if refused is not None:
            raise Refusal.read(answer.status, refused).error("GET")
        with closing(answer.response):
            while True:
                with _reaching():
                    async with asyncio.timeout(_SILENCE_SECONDS):
                        try:
                            line = await answer.response.content.readline()
                        except (LineTooLong, ValueError):
                            raise GoneError("a change is too large to be followed") from None
                    event = _object(line) if line else None
                if event is None:
                    return
                yield event

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Any,
        content_type: str,
        accept: str,
    ) -> Any:
        """Send it; the answer's body is still to be read."""
        import aiohttp

        api = self._api
        headers = {"Accept": accept, "Content-Type": content_type, "User-Agent": MANAGER}
        await self._authorize(headers, method, path)
        url = api.configuration.host + path + (f"?{urlencode(query)}" if query else "")
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        return await api.rest_client.request(
            method, url, headers=headers, body=body, _request_timeout=timeout
        )

    async def _authorize(self, headers: dict[str, str], method: str, path: str) -> None:
        """Put the token in; UnavailableError where it cannot be had now."""
        try:
            # Reads a projected token again when it is a minute old, or the kubeconfig's plug-in.
            await self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, None)
        except Exception as error:  # noqa: BLE001 a file, a program, its output: all can be bad
            raise UnavailableError(
                f"cannot read the credentials for the API server: {type(error).__name__}",
                hint="see the service account's token, or the kubeconfig's plug-in",
            ) from None


@contextmanager
def _reaching() -> Iterator[None]:
    """Whatever goes wrong between the API server and us is UnavailableError, and nothing else.

    No connection, silence, an answer that is cut, a proxy's page in place of JSON.
    """
    import aiohttp

    try:
        yield
    except TimeoutError:
        raise UnavailableError("the API server does not answer in time") from None
    except (aiohttp.ClientError, OSError, ValueError, RecursionError) as error:
        raise UnavailableError(
            f"cannot reach the API server: {type(error).__name__}",
            hint="see whether it is up, and the network between",
        ) from None


def _object(text: bytes) -> Manifest:
    """Parse what the API server answers; ValueError where that is no JSON object."""
    parsed: Manifest = json.loads(text)
    if not isinstance(parsed, dict):
        raise ValueError("not an object")
    return parsed


def _secret(namespace: str, name: str = "") -> str:
    return _place(SECRETS, namespace, "secrets", name)


def _sealed(namespace: str, name: str) -> str:
    return _place(SEALED_SECRETS, namespace, "sealedsecrets", name)


def _lease(namespace: str, name: str = "") -> str:
    return _place(LEASES, namespace, "leases", name)


def _place(group: str, namespace: str, resource: str, name: str) -> str:
    scope = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"{group}{scope}/{resource}" + (f"/{quote(name, safe='')}" if name else "")


def _is_secret(path: str) -> bool:
    return path.startswith(f"{SECRETS}/namespaces/") and path.split("/")[5:6] == ["secrets"]
