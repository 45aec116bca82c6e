"""The Key Vault half with exactly the rights that the chart adds for it, and with one less."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from controller.keys.renewal import key_secret
from tests.chart.helm import render
from tests.e2e.test_key_vault import single
from tests.sealing_keys import pair
from tests.testbed.azure.entra import App, Federation
from tests.testbed.azure.server import Azure
from tests.testbed.cluster import ControlPlane, wait_for
from tests.testbed.controllers import Controller, ours
from tests.testbed.rights import KINDS
from tests.testbed.vault_world import API, CLIENT, PASSWORD, World, environment

Right = tuple[str, str]
VALUES: dict[str, Any] = {
    "allNamespaces": False,
    "keyVault": {"enabled": True, "serviceAccounts": ["*"]},
}

# Those of a group do not hide each other, so one controller can be without all of them.
GROUPS: dict[str, list[Right]] = {
    "list": [("keyvaults", "list"), ("keyvaultsecrets", "list"), ("clusterkeyvaults", "list")],
    "watch": [("keyvaults", "watch"), ("keyvaultsecrets", "watch"), ("clusterkeyvaults", "watch")],
    "status": [
        ("keyvaults/status", "patch"),
        ("keyvaultsecrets/status", "patch"),
        ("clusterkeyvaults/status", "patch"),
    ],
    "kinds": [("secrets", "patch"), ("serviceaccounts", "get"), ("namespaces", "get")],
    "token": [("serviceaccounts/token", "create")],
}
# Deleting waits for a second look at the vault, a poll (30 s) later: too long to try it here.
SLOW: set[Right] = {("secrets", "delete")}


def start(
    world: World, folder: Path, without: Sequence[Right] = (), values: dict[str, Any] = VALUES
) -> Any:
    """Apply the chart's rights less some, and return the controller to run."""
    plane, namespace = world.plane, world.namespace
    for one in render(values, namespace=namespace, name="rights"):
        if one["kind"] not in KINDS:
            continue
        if "rules" in one:
            one["rules"] = [
                {**rule, "resources": [what], "verbs": [verb]}
                for rule in one["rules"]
                for what in rule["resources"]
                for verb in rule["verbs"]
                if (what, verb) not in without
            ]
        plane.api.create(one)
    token = plane.service_account_token(namespace, "sealed-secrets-controller")
    plane.api.create(key_secret(pair(), prefix="sealed-secrets-key", namespace=namespace))
    return ours(
        plane,
        "--key-vault",
        f"--vault-suffixes={world.azure.suffix}",
        "--all-namespaces=false",
        "--key-renew-period=0",
        namespace=namespace,
        kubeconfig=plane.write_kubeconfig(namespace, token),
        environment=environment(world.azure, folder),
        name=namespace,
    )


@pytest.fixture
def world(plane: ControlPlane, azure: Azure, namespace: str) -> World:
    """A namespace, a vault, and identities for it: a principal and a service account."""
    store = azure.vault("r" + namespace[-20:].strip("-"))
    azure.entra.register(App(CLIENT, store.tenant, secret=PASSWORD))
    federated = azure.entra.register(App(f"wi-{namespace}", store.tenant))
    issuer = plane.api.request("GET", "/.well-known/openid-configuration")["issuer"]
    subject = f"system:serviceaccount:{namespace}:shop"
    federated.federations.append(Federation(issuer, subject))
    store.grant(CLIENT)
    store.grant(f"wi-{namespace}")
    store.set_secret("db-password", "from the vault")
    azure.faults.clear()
    made = World(plane, azure, store, namespace)
    made.principal()
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": "shop",
            "namespace": namespace,
            "labels": {"keyvault.sealer.dev/use": "true"},
            "annotations": {"azure.workload.identity/client-id": f"wi-{namespace}"},
        },
    }
    plane.api.create(account)
    return made


def ask_for_all(world: World) -> None:
    """Make a vault of each kind, and a Secret from each."""
    world.vault("plain")
    world.vault("federated", auth={"workloadIdentity": {"serviceAccountName": "shop"}})
    secret = {"namespace": world.namespace, "name": "principal", "key": "password"}
    principal = {"tenantId": world.store.tenant, "clientId": CLIENT, "secretRef": secret}
    labels = {"kubernetes.io/metadata.name": world.namespace}
    allowance = {"namespaceSelector": {"matchLabels": labels}, "objects": ["*"]}
    spec = {
        "url": world.azure.url(world.store.name),
        "auth": {"servicePrincipal": principal},
        "poll": {"interval": "30s"},
        "allow": [allowance],
    }
    shared = {"apiVersion": API, "kind": "ClusterKeyVault", "metadata": {"name": world.namespace}}
    world.plane.api.create({**shared, "spec": spec})
    world.secret(single("password", "db-password"), name="plain", vault={"name": "plain"})
    world.secret(single("password", "db-password"), name="federated", vault={"name": "federated"})
    reference = {"kind": "ClusterKeyVault", "name": world.namespace}
    world.secret(single("password", "db-password"), name="shared", vault=reference)


def told(world: World, controller: Controller) -> str:
    """All that the controller says: its log, every status, every event."""
    kinds = ("KeyVault", "KeyVaultSecret", "Event")
    parts = [one for kind in kinds for one in world.plane.api.list(kind, world.namespace)]
    parts.append(world.plane.api.get("ClusterKeyVault", "", world.namespace))
    return controller.log.replace('\\"', '"') + json.dumps(parts).replace('\\"', '"')


def test_with_all_its_rights_every_kind_of_vault_is_synced(world: World, tmp_path: Path) -> None:
    with start(world, tmp_path) as controller:
        ask_for_all(world)
        for name in ("plain", "federated", "shared"):
            world.wait_data({"password": b"from the vault"}, name)
        assert "forbidden" not in told(world, controller)


def test_with_rights_in_named_namespaces_only_the_vaults_of_these_work(
    world: World, tmp_path: Path
) -> None:
    named = {**VALUES, "rbac": {"clusterRole": False, "namespacedRoles": True}}
    with start(world, tmp_path, values=named) as controller:
        ask_for_all(world)
        for name in ("plain", "federated"):
            world.wait_data({"password": b"from the vault"}, name)
        world.wait_reason("VaultNotFound", name="shared")
        assert 'cannot list resource "clusterkeyvaults"' in told(world, controller)


def test_the_controller_acts_as_the_named_service_accounts_and_as_no_other(
    world: World, tmp_path: Path
) -> None:
    account = world.plane.api.get("ServiceAccount", world.namespace, "shop")
    metadata = {key: account["metadata"][key] for key in ("namespace", "labels", "annotations")}
    other = {**metadata, "name": "other"}
    world.plane.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": other})
    named = {"enabled": True, "serviceAccounts": [f"{world.namespace}/shop"]}
    with start(world, tmp_path, values={**VALUES, "keyVault": named}):
        for name in ("shop", "other"):
            world.vault(name, auth={"workloadIdentity": {"serviceAccountName": name}})
            world.secret(single("password", "db-password"), name=name, vault={"name": name})
        world.wait_data({"password": b"from the vault"}, "shop")
        refused = world.wait_reason("TokenRequestDenied", name="other", kind="KeyVault")
        assert "serviceaccounts/token" in refused["message"]


def test_the_list_names_every_right_that_the_feature_adds() -> None:
    def rights(values: dict[str, Any]) -> set[Right]:
        return {
            (what, verb)
            for one in render(values)
            if one["kind"] == "ClusterRole"
            and one["metadata"]["name"].endswith("sealed-secrets-controller")
            for rule in one["rules"]
            for what in rule["resources"]
            for verb in rule["verbs"]
        }

    assert (
        rights(VALUES) - rights({})
        == {right for group in GROUPS.values() for right in group} | SLOW
    )


@pytest.mark.parametrize("group", GROUPS)
def test_without_a_right_the_controller_says_what_it_may_not_do(
    world: World, tmp_path: Path, group: str
) -> None:
    with start(world, tmp_path, GROUPS[group]) as controller:
        ask_for_all(world)
        for resource, verb in GROUPS[group]:
            words = f'cannot {verb} resource "{resource}"'
            wait_for(words, lambda words=words: words in told(world, controller))
