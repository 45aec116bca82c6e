"""The chart's policies on the real API server, and requests sent as whoever is meant.

Policies are rendered by the real helm from the real chart. A request is a value: an admin tries it
in a dry run, to show that it is possible, before the account in question sends it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import urllib3

from tests.testbed.cluster import Api, ApiError, ControlPlane, Manifest, wait_for
from tests.testbed.rights import CAGE, objects

JSON, MERGE = "application/json", "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH, APPLY = "application/json-patch+json", "application/apply-patch+yaml"
Values = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One write."""

    method: str
    path: str
    body: Any = None
    content_type: str = JSON
    query: str = ""

    def dry(self) -> Request:
        """The same as a dry run."""
        return replace(self, query="&".join(filter(None, (self.query, "dryRun=All"))))

    def send(self, api: Api) -> Manifest:
        """Send it; ApiError where it is refused."""
        path = f"{self.path}?{self.query}" if self.query else self.path
        return api.request(self.method, path, self.body, self.content_type)


def refusal(api: Api, request: Request) -> str:
    """What is said against a request, nothing where it passes; other faults are raised."""
    try:
        request.send(api)
    except ApiError as error:
        if error.status in (403, 422):
            return str(error.body.get("message"))
        raise
    return ""


def is_by_policy(said: str) -> bool:
    """Whether it was a policy that refused."""
    return "ValidatingAdmissionPolicy" in said and "denied request" in said


def policies(values: Mapping[str, Any], namespace: str) -> list[Manifest]:
    """The policies and bindings that the chart renders."""
    return [one for one in objects(values, namespace) if one["kind"] in CAGE]


def account(plane: ControlPlane, namespace: str, name: str) -> Api:
    """A client with the token of a service account that exists."""
    return Api(plane.url, plane.ca, plane.service_account_token(namespace, name))


def cluster_admin(plane: ControlPlane, namespace: str, name: str) -> Api:
    """A service account that RBAC refuses nothing: only policies can."""
    core = {"metadata": {"name": name, "namespace": namespace}}
    plane.api.create({"apiVersion": "v1", "kind": "ServiceAccount", **core})
    group = "rbac.authorization.k8s.io"
    plane.api.create(
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"{namespace}-{name}-is-admin"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        }
    )
    return account(plane, namespace, name)


def create_all(plane: ControlPlane, manifests: Iterable[Manifest]) -> None:
    """Create objects."""
    for one in manifests:
        plane.api.create(one)


def remove_all(plane: ControlPlane, manifests: Iterable[Manifest]) -> None:
    """Delete cluster-scoped objects, bindings first."""
    for one in sorted(manifests, key=lambda one: str(one["kind"]), reverse=True):
        plane.api.delete(one["kind"], "", one["metadata"]["name"])


def wait_refused(api: Api, *requests: Request) -> None:
    """Wait until policies are in force: the API server takes a moment to hear of them."""
    for request in requests:
        wait_for(f"in force: {request.path}", lambda r=request: is_by_policy(refusal(api, r.dry())))


def changed(manifest: Manifest, old: str, new: str) -> Manifest:
    """A manifest with a text replaced, which must be in it."""
    text = json.dumps(manifest)
    quoted = json.dumps(old)[1:-1]
    assert quoted in text, old
    made: Manifest = json.loads(text.replace(quoted, json.dumps(new)[1:-1]))
    return made


def secret(
    namespace: str,
    name: str,
    data: Mapping[str, str] | None = None,
    *,
    type: str = "Opaque",
    **metadata: Any,
) -> Manifest:
    """A Secret's manifest; values are base64."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "type": type,
        "data": dict(data if data is not None else {"a": "b25l", "b": "dHdv"}),
    }


def owner(name: str, *, kind: str = "SealedSecret", group: str = "", uid: str = "1") -> Manifest:
    """A controlling owner reference."""
    version = {"SealedSecret": "bitnami.com/v1alpha1"}.get(kind, "keyvault.sealer.dev/v1alpha1")
    return {
        "apiVersion": group or version,
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
    }


@dataclass(frozen=True)
class Person:
    """Whoever an admin acts as: RBAC lets all of them do everything, policies see who it is."""

    user: str
    groups: tuple[str, ...] = ()
    manager: str = ""
    """The field manager that the client says it is."""

    def tries(self, api: Api, request: Request) -> tuple[str, list[str]]:
        """Send a request; what is said against it, nothing where it passes, and warnings."""
        query = "&".join(filter(None, (request.query, self._manager(request))))
        headers = urllib3.HTTPHeaderDict(
            {
                "Authorization": f"Bearer {api.token}",
                "Content-Type": request.content_type,
                "Impersonate-User": self.user,
            }
        )
        for group in (*self.groups, "system:masters"):
            headers.add("Impersonate-Group", group)
        answer = urllib3.PoolManager(ca_certs=str(api.ca), retries=False).request(
            request.method,
            f"{api.url}{request.path}?{query}",
            body=None if request.body is None else json.dumps(request.body).encode(),
            headers=headers,
            timeout=30,
        )
        told = answer.headers.getlist("Warning")
        if answer.status < 400:
            return "", told
        if answer.status not in (403, 422):
            raise AssertionError(answer.data.decode())
        return str(json.loads(answer.data)["message"]), told

    def _manager(self, request: Request) -> str:
        if request.method == "DELETE" or "fieldManager=" in request.query or not self.manager:
            return ""
        return f"fieldManager={self.manager}"


def service_account(namespace: str, name: str, manager: str = "") -> Person:
    """A service account as the API server sees it."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    return Person(f"system:serviceaccount:{namespace}:{name}", groups, manager)
