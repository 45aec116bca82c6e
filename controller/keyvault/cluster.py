"""The API server as the Key Vault half sees it: its three kinds, Secrets, service accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from controller.api.cluster import Manifest, WatchEvent
from controller.api.errors import NotFoundError
from controller.api.kubernetes import KubernetesCluster
from sealer.keyvault.resource import KIND
from sealer.keyvault.vaults import API_VERSION, CLUSTER_KEY_VAULT, KEY_VAULT

TOKEN_AUDIENCE = "api://AzureADTokenExchange"  # noqa: S105 an audience, no token
_TOKEN_SECONDS = 3600
PLURALS = {
    KEY_VAULT: "keyvaults",
    CLUSTER_KEY_VAULT: "clusterkeyvaults",
    KIND: "keyvaultsecrets",
}


class Objects(Protocol):
    """What is read and written; raises controller.api.errors.ClusterError's classes."""

    def watch(self, kind: str, namespace: str) -> AsyncIterator[WatchEvent]:
        """List, then watch one of our kinds; an empty namespace is all of them."""

    async def find_secret(self, namespace: str, name: str) -> Manifest | None:
        """Return a Secret, None where there is none."""

    async def service_account(self, namespace: str, name: str) -> Manifest:
        """Return a service account; NotFoundError."""

    async def token(self, namespace: str, account: str) -> tuple[str, str]:
        """Request a token for Entra; return it with its expiry in RFC 3339."""

    async def namespace_labels(self, name: str) -> dict[str, str]:
        """Return a namespace's labels."""

    async def apply_secret(self, manifest: Manifest, *, manager: str, force: bool) -> Manifest:
        """Server-side apply under a field manager; ConflictError where not forced."""

    async def patch_secret(
        self, namespace: str, name: str, patch: Manifest, *, manager: str
    ) -> Manifest:
        """Merge-patch a Secret under a field manager."""

    async def delete_secret(self, namespace: str, name: str, uid: str) -> None:
        """Delete exactly this Secret."""

    async def patch_status(
        self, kind: str, namespace: str, name: str, status: Mapping[str, Any]
    ) -> None:
        """Merge-patch the status of one of our kinds; nothing where it is gone."""


class ClusterObjects:
    """``Objects`` of a real API server."""

    def __init__(self, cluster: KubernetesCluster) -> None:
        self._cluster = cluster

    def watch(self, kind: str, namespace: str) -> AsyncIterator[WatchEvent]:
        return self._cluster.watch(_place(kind, namespace))

    async def find_secret(self, namespace: str, name: str) -> Manifest | None:
        try:
            return await self._cluster.get_secret(namespace, name)
        except NotFoundError:
            return None

    async def service_account(self, namespace: str, name: str) -> Manifest:
        return await self._cluster.request("GET", _core(namespace, "serviceaccounts", name))

    async def token(self, namespace: str, account: str) -> tuple[str, str]:
        spec = {"audiences": [TOKEN_AUDIENCE], "expirationSeconds": _TOKEN_SECONDS}
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": spec,
        }
        path = _core(namespace, "serviceaccounts", account) + "/token"
        status = (await self._cluster.request("POST", path, body=body))["status"]
        return status["token"], status["expirationTimestamp"]

    async def namespace_labels(self, name: str) -> dict[str, str]:
        found = await self._cluster.request("GET", f"/api/v1/namespaces/{quote(name, safe='')}")
        labels: dict[str, str] = found["metadata"].get("labels") or {}
        return labels

    async def apply_secret(self, manifest: Manifest, *, manager: str, force: bool) -> Manifest:
        metadata = manifest["metadata"]
        return await self._cluster.request(
            "PATCH",
            _core(metadata["namespace"], "secrets", metadata["name"]),
            body=manifest,
            query={"fieldManager": manager, "force": "true" if force else "false"},
            # JSON is YAML; the API server takes this type for server-side apply.
            content_type="application/apply-patch+yaml",
        )

    async def patch_secret(
        self, namespace: str, name: str, patch: Manifest, *, manager: str
    ) -> Manifest:
        return await self._cluster.request(
            "PATCH",
            _core(namespace, "secrets", name),
            body=patch,
            query={"fieldManager": manager},
            content_type="application/merge-patch+json",
        )

    async def delete_secret(self, namespace: str, name: str, uid: str) -> None:
        await self._cluster.delete_secret(namespace, name, uid)

    async def patch_status(
        self, kind: str, namespace: str, name: str, status: Mapping[str, Any]
    ) -> None:
        path = f"{_place(kind, namespace)}/{quote(name, safe='')}/status"
        try:
            await self._cluster.request(
                "PATCH",
                path,
                body={"status": status},
                content_type="application/merge-patch+json",
            )
        except NotFoundError:
            return


def _place(kind: str, namespace: str) -> str:
    scope = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"/apis/{API_VERSION}{scope}/{PLURALS[kind]}"


def _core(namespace: str, resource: str, name: str) -> str:
    return f"/api/v1/namespaces/{quote(namespace, safe='')}/{resource}/{quote(name, safe='')}"
