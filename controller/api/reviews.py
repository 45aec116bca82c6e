"""Who has a token, and whether he may: what the API server says of both.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/ (TokenReview) and
.../authorization/ (SubjectAccessReview).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from controller.api.cluster import Manifest

_TOKENS = "/apis/authentication.k8s.io/v1/tokenreviews"
_ACCESS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


class Asks(Protocol):
    """What sends a request to the API server."""

    async def request(self, method: str, path: str, *, body: Any = None) -> Manifest:
        """Return the JSON that came back; ClusterError's classes."""


async def user_of(cluster: Asks, token: str) -> Mapping[str, Any] | None:
    """Return who has this token, for the API server's own audience; None for nobody."""
    answer = await cluster.request("POST", _TOKENS, body={"spec": {"token": token}})
    status = answer.get("status") or {}
    user = status.get("user") or {}
    return user if status.get("authenticated") is True and user.get("username") else None


async def may_post(cluster: Asks, user: Mapping[str, Any], path: str) -> bool:
    """Whether this user may ``post`` to the non-resource URL ``path``."""
    spec = {
        "user": user["username"],
        "uid": user.get("uid", ""),
        "groups": user.get("groups") or [],
        "extra": user.get("extra") or {},
        "nonResourceAttributes": {"path": path, "verb": "post"},
    }
    answer = await cluster.request("POST", _ACCESS, body={"spec": spec})
    status = answer.get("status") or {}
    return status.get("allowed") is True and status.get("denied") is not True
