"""The limits that ``seal vault check`` knows are those of the CRDs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sealer.keyvault.limits import LIMITS, Limit, outside
from sealer.manifest import read_documents

CRDS = Path(__file__).parents[4] / "crds"


def limits(schema: Any, place: str) -> Iterator[tuple[str, Limit]]:
    for least, most in (
        ("minLength", "maxLength"),
        ("minItems", "maxItems"),
        ("minProperties", "maxProperties"),
    ):
        if least in schema or most in schema:
            yield place, (schema.get(least, 0), schema.get(most))
    for name, below in (schema.get("properties") or {}).items():
        yield from limits(below, f"{place}.{name}".lstrip("."))
    if schema.get("items"):
        yield from limits(schema["items"], f"{place}[]")


@pytest.mark.parametrize("kind", LIMITS)
def test_the_limits_are_those_of_the_crd(kind: str) -> None:
    text = (CRDS / f"keyvault.sealer.dev_{kind.lower()}s.yaml").read_text()
    (document,) = (one for one in read_documents(text, kind) if not one.is_empty)
    (version,) = document.value["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert dict(limits(spec, "")) == LIMITS[kind]


@pytest.mark.parametrize(
    ("kind", "spec", "path", "words"),
    [
        pytest.param(
            "ClusterKeyVault",
            {"allow": [{"namespaceSelector": {"matchLabels": {"ingress": True}}}]},
            ("spec", "allow", 0, "namespaceSelector", "matchLabels", "ingress"),
            "must be text",
            id="boolean-label",
        ),
        pytest.param(
            "KeyVault",
            {"auth": {"servicePrincipal": {"clientId": "x" * 65}}},
            ("spec", "auth", "servicePrincipal", "clientId"),
            "has 65 characters; 64 at most",
            id="placeholder",
        ),
        pytest.param(
            "KeyVaultSecret",
            {"template": {"omit": [""]}},
            ("spec", "template", "omit", 0),
            "is empty",
            id="empty",
        ),
        pytest.param(
            "ClusterKeyVault", {"allow": [{}] * 257}, ("spec", "allow"), "257 entries", id="many"
        ),
    ],
)
def test_what_an_api_server_refuses_is_told(
    kind: str, spec: dict[str, Any], path: tuple[str | int, ...], words: str
) -> None:
    (error,) = outside(kind, spec)
    assert error.path == path
    assert words in error.message


def test_what_is_within_is_not_told() -> None:
    spec = {"vaultRef": {"name": "a"}, "data": [{"key": "a", "from": {"secret": "a"}}]}
    assert list(outside("KeyVaultSecret", spec)) == []
