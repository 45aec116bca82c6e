"""The controller's accounts on the testbed: each with the rights and the cage of the chart.

So whatever a test sees the controller do, it does with what an installation gives it, and the API
server refuses it nothing that it needs. With ``SEALER_TESTBED_CAGE=off`` there is no cage.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.chart.helm import documents, template
from tests.testbed.cluster import ApiError, ControlPlane, Manifest

CAGE = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
KINDS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", *CAGE)
_NAMESPACE = "namespace-of-the-account"
_FEATURES: dict[str, Any] = {
    "recreateImmutable": True,
    "oldGcBehavior": True,
    "crds": {"create": False},
}
CALLER = {"kind": "ServiceAccount", "name": "caller", "namespace": "default"}
"""Who may verify and rotate, where the controller asks for a token."""


def values_of(flags: Sequence[str]) -> dict[str, Any]:
    """The chart's values that give a controller these flags, as far as rights depend on them."""
    given = dict(flag.partition("=")[::2] for flag in flags)
    values = {**_FEATURES, "fullnameOverride": "controller"}
    if "--key-vault" in given:
        values["keyVault"] = {"enabled": True, "serviceAccounts": ["*"]}
        values["fullnameOverride"] += "-with-key-vault"
    if "--authenticate" in given:
        values["authentication"] = {"enabled": True}
        values["rbac"] = {"serviceProxier": {"subjects": [CALLER]}}
        values["fullnameOverride"] += "-with-authentication"
    if "--notify-config" in given:
        values["notifications"] = {"receivers": [{"name": "flux", "kind": "flux"}]}
        values["fullnameOverride"] += "-with-notifications"
    if "--key-prefix" in given:
        values["secretName"] = given["--key-prefix"]
        values["fullnameOverride"] += "-with-prefix"
    if "--allow-service-account-tokens" in given:
        values["allowServiceAccountTokens"] = True
        values["fullnameOverride"] += "-with-tokens"
    if os.environ.get("SEALER_TESTBED_CAGE") == "off":
        values["admission"] = {"cage": {"enabled": False}}
    return values


@dataclass
class Accounts:
    """Makes accounts as they are asked for."""

    plane: ControlPlane
    _made: dict[tuple[str, str], Path] = field(default_factory=dict)

    def kubeconfig(self, namespace: str, flags: Sequence[str]) -> Path:
        """The kubeconfig of a controller's account, made where there is none yet."""
        values = values_of(flags)
        key = (namespace, json.dumps(values))
        if key not in self._made:
            grant(self.plane, namespace, values)
            name = values["fullnameOverride"]
            token = self.plane.service_account_token(namespace, name, seconds=24 * 3600)
            self._made[key] = self.plane.write_kubeconfig(f"{namespace}-{name}", token)
        return self._made[key]


def objects(values: Mapping[str, Any], namespace: str) -> list[Manifest]:
    """The account of an installation: its ServiceAccount, roles, bindings and policies."""
    text = _rendered(json.dumps(values)).replace(_NAMESPACE, namespace)
    return [one for one in documents(text) if one["kind"] in KINDS]


def grant(plane: ControlPlane, namespace: str, values: Mapping[str, Any]) -> None:
    """Make an account in a namespace; what another has made already may be there."""
    for one in objects(values, namespace):
        try:
            plane.api.create(one)
        except ApiError as error:
            if error.body.get("reason") != "AlreadyExists":
                raise


@cache
def _rendered(values: str) -> str:
    return template(json.loads(values), namespace=_NAMESPACE)
