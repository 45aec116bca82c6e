from __future__ import annotations

from typing import Any

import pytest

from sealer.keys.custody import KEY_LABEL, Custody, filled_by_manifest
from sealer.keyvault import vaults

CUSTODY = Custody("home", "my-key")


def secret(**metadata: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop", "name": "db", **metadata}}


@pytest.mark.parametrize("value", ["active", "retired", "", "compromised"])
@pytest.mark.parametrize("namespace", ["home", "shop"])
def test_the_label_makes_a_key_whatever_its_value_and_wherever_it_is(
    value: str, namespace: str
) -> None:
    assert CUSTODY.covers(secret(namespace=namespace, labels={KEY_LABEL: value}))
    assert Custody().covers(secret(namespace=namespace, labels={KEY_LABEL: value}))


@pytest.mark.parametrize("name", ["my-key", "my-keyqtf9d", "my-key-ring"])
def test_a_name_counts_in_the_controllers_own_namespace_alone(name: str) -> None:
    assert CUSTODY.covers(secret(namespace="home", name=name))
    assert not CUSTODY.covers(secret(namespace="shop", name=name))
    assert not CUSTODY.covers(secret(namespace="home", name=f"a-{name}"))


@pytest.mark.parametrize("labels", [None, {}, {"app": "x"}])
def test_other_secrets_are_not_covered(labels: Any) -> None:
    assert not CUSTODY.covers(secret(labels=labels))


@pytest.mark.parametrize(
    "metadata",
    [
        {"ownerReferences": [{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret"}]},
        {
            "ownerReferences": [
                {"apiVersion": "v1", "kind": "Pod"},
                {"apiVersion": vaults.API_VERSION, "kind": "KeyVaultSecret"},
            ]
        },
        {"annotations": {"sealer.dev/sealed-secret": "x"}},
        {"annotations": {"sealer.dev/rendered-generation": "x/1"}},
        {"annotations": {f"{vaults.GROUP}/made-by": "x"}},
        {"annotations": {"keyvault.sealer.dev/merged-by": "x"}},
        {"managedFields": [{"manager": "kubectl"}, {"manager": "sealer-keyvault.db"}]},
        {"annotations": {"sealedsecrets.bitnami.com/managed": "true"}},
        {"annotations": {"sealedsecrets.bitnami.com/patch": "true"}},
    ],
)
def test_what_a_manifest_filled_is_known_by_its_marks(metadata: dict[str, Any]) -> None:
    assert filled_by_manifest(secret(**metadata))


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"annotations": None, "ownerReferences": None},
        {"ownerReferences": [{"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret"}]},
        {"annotations": {"sealedsecrets.bitnami.com/managed": "false", "team": "x"}},
        {"annotations": {"sealer.dev/certificate-fingerprint": "x"}},
    ],
)
def test_what_an_admin_or_another_tool_made_has_none(metadata: dict[str, Any]) -> None:
    assert not filled_by_manifest(secret(**metadata))
