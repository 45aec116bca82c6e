"""The fields that ``seal vault check`` knows are those of the CRDs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sealer.keyvault.known import SPECS, Shape, unknown_fields
from sealer.manifest import read_documents

CRDS = Path(__file__).parents[4] / "crds"
FREE = (("spec", "allow", 0, "namespaceSelector", "matchExpressions"),)
"""Where the CRD goes deeper than our list does."""


def paths(schema: Any, path: tuple[str | int, ...]) -> set[tuple[str | int, ...]]:
    found = {path}
    if path in FREE:
        return found
    for name, below in schema.get("properties", {}).items():
        found |= paths(below, (*path, name))
    if schema.get("items", {}).get("properties"):
        found |= paths(schema["items"], (*path, 0))
    return found


def known(shape: Shape, path: tuple[str | int, ...]) -> set[tuple[str | int, ...]]:
    found = {path}
    if isinstance(shape, list):
        return found | known(shape[0], (*path, 0))
    for name, below in (shape or {}).items():
        found |= known(below, (*path, name))
    return found


@pytest.mark.parametrize("kind", SPECS)
def test_the_fields_are_those_of_the_crd(kind: str) -> None:
    text = (CRDS / f"keyvault.sealer.dev_{kind.lower()}s.yaml").read_text()
    (document,) = (one for one in read_documents(text, kind) if not one.is_empty)
    (version,) = document.value["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert known(SPECS[kind], ("spec",)) == paths(spec, ("spec",))


def test_a_slip_is_told_with_the_field_that_was_meant() -> None:
    spec = {"vaultref": {}, "data": [{"from": {"secret": "a", "Version": "x"}}]}
    assert list(unknown_fields("KeyVaultSecret", spec)) == [
        (("spec", "vaultref"), "vaultRef"),
        (("spec", "data", 0, "from", "Version"), "version"),
    ]
