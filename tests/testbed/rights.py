"""The controller's accounts on the testbed: each with the rights of the chart, and no more.

So whatever a test sees the controller do, it does with what an installation gives it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.chart.helm import render
from tests.testbed.cluster import ControlPlane

KINDS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
_FEATURES: dict[str, Any] = {
    "recreateImmutable": True,
    "oldGcBehavior": True,
    "crds": {"create": False},
}
ACCOUNTS: dict[str, dict[str, Any]] = {
    "controller": _FEATURES,
    "controller-with-key-vault": {**_FEATURES, "keyVault": {"enabled": True}},
    "controller-with-notifications": {
        **_FEATURES,
        "notifications": {"receivers": [{"name": "flux", "kind": "flux"}]},
    },
}


def grant(plane: ControlPlane, namespace: str) -> dict[str, Path]:
    """Make the accounts in a namespace, and return a kubeconfig for each."""
    kubeconfigs = {}
    for name, features in ACCOUNTS.items():
        values = {**features, "fullnameOverride": name}
        for one in render(values, namespace=namespace, name=name):
            if one["kind"] in KINDS:
                plane.api.create(one)
        token = plane.service_account_token(namespace, name, seconds=24 * 3600)
        kubeconfigs[name] = plane.write_kubeconfig(name, token)
    return kubeconfigs
