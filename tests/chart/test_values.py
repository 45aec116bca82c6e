"""values.yaml, its schema, the README and the peer's values agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, template
from tests.docs.chart_reference import made, values
from tests.testbed import sources
from tests.testbed.fixtures import need

SCHEMA = json.loads((CHART / "values.schema.json").read_text())


def test_the_readme_and_the_copied_crds_are_fresh() -> None:
    for path, text in made().items():
        assert path.read_text() == text, f"{path} is stale: run make docs"


def test_every_value_has_a_comment_and_no_two_say_the_same() -> None:
    keys = [value.key for value in values()]
    assert len(keys) == len(set(keys)) > 150


def test_the_schema_knows_exactly_the_values_there_are() -> None:
    # "global" is Helm's own, and a security context takes whatever Kubernetes does.
    known = set(_leaves(SCHEMA, ""))
    there = {value.key for value in values()}
    missing = {key for key in there if not any(_covers(one, key) for one in known)}
    assert not missing
    unknown = {one for one in known if not any(_covers(one, key) for key in there)}
    assert unknown <= {"global", "image.claims", "containerSecurityContext.privileged"}


def _leaves(schema: dict[str, Any], prefix: str) -> list[str]:
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    properties = schema.get("properties")
    if not properties:
        return [prefix.removesuffix(".")]
    leaves = [leaf for key, one in properties.items() for leaf in _leaves(one, f"{prefix}{key}.")]
    closed = schema.get("additionalProperties") is False
    return leaves if closed else [*leaves, prefix.removesuffix(".")]


def _covers(known: str, key: str) -> bool:
    return known == key or known.startswith(f"{key}.") or key.startswith(f"{known}.")


def peer_chart() -> Path:
    """Return the peer's chart, which its Go module holds."""
    need("kubeseal")
    return sources.folder("peer") / "helm/sealed-secrets"


def test_every_value_of_the_peers_chart_is_known_here() -> None:
    # With all of its defaults: what it switches on here is on here, too.
    theirs = yaml.safe_load((peer_chart() / "values.yaml").read_text())
    assert "docker.io/bitnami/sealed-secrets-controller:0.36.1" in template(theirs)


@pytest.mark.parametrize("name", ["sealed-secrets-controller", "sealed-secrets", "other"])
def test_the_selector_is_the_peers(name: str) -> None:
    ours = template({}, "--show-only", "templates/deployment.yaml", name=name)
    selector = yaml.safe_load(ours)["spec"]["selector"]["matchLabels"]
    assert selector == {
        "app.kubernetes.io/name": "sealed-secrets",
        "app.kubernetes.io/instance": name,
    }
