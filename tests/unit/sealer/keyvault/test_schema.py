"""What ``seal vault check`` says of a spec is what the CRDs say: nothing of it is written twice."""

from __future__ import annotations

from typing import Any

import pytest

from sealer.keyvault.schema import refused, schemas
from tests.docs import crd_schemas

FROM = {"data": [{"key": "a", "from": {"secret": "a"}}], "vaultRef": {"name": "v"}}
LONG = "x" * 65
POLL = {"url": "https://v.vault.azure.net", "auth": {"controllerIdentity": {}}}


def test_the_schemas_are_those_of_the_crds() -> None:
    assert schemas() == crd_schemas.schemas()
    assert crd_schemas.TARGET.read_text() == crd_schemas.text()
    assert sorted(schemas()) == ["ClusterKeyVault", "KeyVault", "KeyVaultSecret"]


@pytest.mark.parametrize(
    ("kind", "spec", "path", "words"),
    [
        pytest.param(
            "ClusterKeyVault",
            {**POLL, "allow": [{"namespaceSelector": {"matchLabels": {"ingress": True}}}]},
            "allow.0.namespaceSelector.matchLabels.ingress",
            "must be a string, not the boolean true",
            id="boolean-label",
        ),
        pytest.param(
            "KeyVault",
            {**POLL, "auth": {"workloadIdentity": {"serviceAccountName": "a", "clientId": LONG}}},
            "auth.workloadIdentity.clientId",
            "has 65 characters; 64 at most",
            id="placeholder",
        ),
        pytest.param(
            "KeyVaultSecret", {**FROM, "template": {"omit": [""]}}, "template.omit.0", "is empty",
            id="empty",
        ),
        pytest.param(
            "ClusterKeyVault", {**POLL, "allow": [{}] * 257}, "allow", "257 entries", id="many"
        ),
        pytest.param(
            "KeyVault", {**POLL, "poll": {"interval": ""}}, "poll.interval", "is empty",
            id="empty-interval",
        ),
        pytest.param(
            "KeyVault", {**POLL, "poll": {"interval": "5 minutes"}}, "poll.interval", "must match",
            id="interval",
        ),
        pytest.param(
            "KeyVaultSecret", {**FROM, "expiry": {"warn": ""}}, "expiry.warn", "is empty",
            id="empty-warn",
        ),
        pytest.param(
            "KeyVaultSecret",
            {**FROM, "data": [{"key": "a", "from": {"secret": "a", "version": ""}}]},
            "data.0.from.version",
            "is empty",
            id="empty-version",
        ),
        pytest.param(
            "KeyVaultSecret",
            {**FROM, "data": [{"key": "a", "from": {"secret": "a\n"}}]},
            "data.0.from.secret",
            "must match",
            id="line-end",
        ),
        pytest.param(
            "KeyVaultSecret", {**FROM, "refresh": "periodic"}, "refresh", "must be one of Periodic",
            id="word",
        ),
        pytest.param(
            "KeyVaultSecret",
            {**FROM, "data": [{"key": "a", "from": {"secret": "a", "history": 11}}]},
            "data.0.from.history",
            "must be a number from 1 to 10",
            id="number",
        ),
        pytest.param(
            "KeyVaultSecret",
            {**FROM, "data": [{"key": "a", "from": {"secret": "a", "history": True}}]},
            "data.0.from.history",
            "must be of type integer",
            id="boolean-number",
        ),
        pytest.param(
            "KeyVaultSecret", {"vaultRef": {"name": "v"}}, "data", "is missing", id="missing"
        ),
        pytest.param(
            "ClusterKeyVault", {**POLL, "auth": {"controllerIdentity": {"x": 1}}},
            "auth.controllerIdentity.x", "is no field", id="no-fields-at-all",
        ),
    ],
)  # fmt: skip
def test_what_an_api_server_refuses_is_told(
    kind: str, spec: dict[str, Any], path: str, words: str
) -> None:
    (error,) = [one for one in refused(kind, spec) if ".".join(map(str, one.path[1:])) == path]
    assert words in error.message


def test_a_slip_is_told_with_the_field_that_was_meant() -> None:
    spec = {"vaultref": {}, **FROM, "data": [{"from": {"secret": "a", "Version": "x"}}]}
    assert [(one.path, one.hint) for one in refused("KeyVaultSecret", spec)] == [
        (("spec", "vaultref"), "did you mean vaultRef?"),
        (("spec", "data", 0, "from", "Version"), "did you mean version?"),
    ]


def test_what_is_within_is_not_told() -> None:
    spec = {**FROM, "template": {"data": {"a": None}}, "target": None}
    assert list(refused("KeyVaultSecret", spec)) == []
    assert list(refused("Pod", {"x": 1})) == []
