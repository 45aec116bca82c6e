"""Objects of the two kinds that the controller looks after, and the Events on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from sealer.cluster.answer import ClusterError

if TYPE_CHECKING:
    from sealer.cluster.apiserver import ApiServer

KINDS = {
    "SealedSecret": ("bitnami.com/v1alpha1", "sealedsecrets"),
    "KeyVaultSecret": ("keyvault.sealer.dev/v1alpha1", "keyvaultsecrets"),
}
_PAGE = 500


def collection(kind: str, namespace: str) -> str:
    """The API path of all objects of a kind; an empty namespace means all of them."""
    version, plural = KINDS[kind]
    within = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"/apis/{version}{within}/{plural}"


def read(server: ApiServer, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
    """One object, None where there is none (or its kind is not known)."""
    path = f"{collection(kind, namespace)}/{quote(name, safe='')}"
    found = server.ask("GET", path, what=f"read {kind} {namespace}/{name}")
    return _typed(found, kind) if found else None


def read_all(server: ApiServer, kind: str, namespace: str) -> Iterator[dict[str, Any]]:
    """Yield every object, page by page; ClusterError where the cluster does not know the kind."""
    what = f"list {kind}s" + (f" in {namespace}" if namespace else "")
    query = {"limit": str(_PAGE)}
    while True:
        path = f"{collection(kind, namespace)}?{urlencode(query)}"
        answer = server.ask("GET", path, what=what)
        if answer is None:
            raise UnknownKindError(
                f"the cluster does not know {kind}s", hint="install the controller's CRDs"
            )
        for item in answer.get("items") or []:
            yield _typed(item, kind)
        token = (answer.get("metadata") or {}).get("continue")
        if not token:
            return
        query["continue"] = token


def events(server: ApiServer, kind: str, namespace: str, name: str) -> list[dict[str, Any]]:
    """The Events on one object."""
    chosen = f"involvedObject.kind={kind},involvedObject.name={name}"
    query = urlencode({"fieldSelector": chosen, "limit": str(_PAGE)})
    path = f"/api/v1/namespaces/{quote(namespace, safe='')}/events?{query}"
    answer = server.ask("GET", path, what=f"list the events in {namespace}")
    return list((answer or {}).get("items") or [])


class UnknownKindError(ClusterError):
    """The cluster has no such CRD."""


def _typed(manifest: dict[str, Any], kind: str) -> dict[str, Any]:
    return {**manifest, "apiVersion": KINDS[kind][0], "kind": kind}
