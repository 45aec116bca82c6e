"""Which role of the chart gives a right, and whether this user has it.

People are told the role and the chart value that binds it, for "forbidden" alone helps nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sealer.errors import docs_page

if TYPE_CHECKING:
    from sealer.cluster.apiserver import ApiServer

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True, slots=True)
class Right:
    """One right, as RBAC counts them; an empty ``namespace`` means all of them."""

    verb: str
    resource: str
    group: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return it as ``resourceAttributes`` of a SelfSubjectAccessReview."""
        return {
            "verb": self.verb,
            "group": self.group,
            "resource": self.resource,
            "subresource": self.subresource,
            "namespace": self.namespace,
            "name": self.name,
        }


def has(server: ApiServer, right: Right) -> bool:
    """Whether the user of the kubeconfig has it; ClusterError where the API server will not say."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": right.to_dict()},
    }
    answer: Mapping[str, Any] = server.ask(
        "POST", _REVIEWS, review, what="ask which rights this user has"
    )
    return bool((answer.get("status") or {}).get("allowed"))


def cure_for(path: str) -> str:
    """Who gives the right to ask for an API path: the chart's role, and the value that binds it.

    ``path`` is one of the API server's, with or without a query.
    """
    resource = path.partition("?")[0]
    if "/services" in resource:
        role, value = "the role ...-service-proxier", "rbac.serviceProxier.subjects"
    elif "/secrets" in resource:
        role, value = "the role ...-key-admin", "rbac.keyAdmin.subjects"
    elif "bitnami.com" in resource or "keyvault.sealer.dev" in resource:
        role, value = "the ClusterRole view or edit", "rbac.aggregate.enabled"
    else:
        return "check the credentials and rights of this context"
    return f"ask for {role} (chart value {value}): {docs_page('install-helm', 'rights')}"
