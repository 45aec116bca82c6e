"""Defaults that an API server adds are drift to those who compare what they applied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sealer.manifest import read_documents

CRDS = sorted((Path(__file__).parents[2] / "crds").glob("keyvault*.yaml"))


def defaults_in_lists(schema: Any, path: str, *, inside: bool) -> Iterator[str]:
    if inside and "default" in schema:
        yield path
    for name, below in (schema.get("properties") or {}).items():
        yield from defaults_in_lists(below, f"{path}.{name}", inside=inside)
    if schema.get("items"):
        yield from defaults_in_lists(schema["items"], f"{path}[]", inside=True)


@pytest.mark.parametrize("crd", CRDS, ids=lambda path: path.stem)
def test_no_field_within_a_list_has_a_default(crd: Path) -> None:
    """Argo CD's structured merge takes a list whole: what is added in it is OutOfSync for ever."""
    (document,) = (one for one in read_documents(crd.read_text(), crd.name) if not one.is_empty)
    (version,) = document.value["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert list(defaults_in_lists(schema, "spec", inside=False)) == []
