"""What chart, pages and examples have for other operators, by those operators' own CRDs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.chart.helm import ROOT, template
from tests.chart.matrix import FOREIGN
from tests.chart.test_pages import DOCS, blocks
from tests.testbed import sources
from tests.testbed.cluster import ControlPlane
from tests.testbed.fixtures import need
from tests.testbed.flux_argo import flux_types

CRDS = {
    "prometheus-operator": (
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
    ),
    "gateway-api": ("config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",),
    "kustomize-controller": ("config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml",),
    "source-controller": (
        "config/crd/bases/source.toolkit.fluxcd.io_gitrepositories.yaml",
        "config/crd/bases/source.toolkit.fluxcd.io_helmrepositories.yaml",
        "config/crd/bases/source.toolkit.fluxcd.io_ocirepositories.yaml",
    ),
    "argo-cd-3.5": ("manifests/crds/application-crd.yaml",),
}
# Of these operators the registry has the types alone, and not the CRDs.
TYPES = re.compile(r"^apiVersion: (helm|notification)\.toolkit", re.MULTILINE)
GITOPS = re.compile(r"^apiVersion: (kustomize\.toolkit|source\.toolkit|argoproj)", re.MULTILINE)
RELABELING = [{"sourceLabels": ["namespace"], "targetLabel": "team", "regex": "(.*)-.*"}]
MONITOR = {
    "enabled": True,
    "namespace": "default",
    "interval": "1m",
    "scrapeTimeout": "10s",
    "honorLabels": True,
    "relabelings": RELABELING,
    "metricRelabelings": RELABELING,
    "annotations": {"note": "x"},
}
VALUES: dict[str, dict[str, Any]] = {**FOREIGN, "monitor": {"metrics": {"serviceMonitor": MONITOR}}}
KINDS = ("ServiceMonitor", "PrometheusRule", "HTTPRoute")


@pytest.fixture(scope="module")
def operators(plane: ControlPlane) -> Iterator[ControlPlane]:
    """A cluster that knows their kinds."""
    paths = [sources.folder(name) / file for name, files in CRDS.items() for file in files]
    words = [word for path in paths for word in ("-f", str(path))]
    plane.kubectl("apply", "--server-side", "--force-conflicts", *words)
    plane.wait_established(*words)
    yield plane
    plane.kubectl("delete", *words)


@pytest.mark.parametrize("name", VALUES)
def test_every_object_is_valid_by_the_kinds_own_schema(
    operators: ControlPlane, namespace: str, name: str
) -> None:
    text = template(VALUES[name], namespace=namespace)
    assert any(f"\nkind: {kind}\n" in text for kind in KINDS)
    operators.kubectl(
        *("apply", "--server-side", "--force-conflicts", "--field-manager=helm"),
        *("--dry-run=server", "--validate=strict", "--warnings-as-errors", "-f", "-"),
        text=text,
    )


def written(kinds: re.Pattern[str]) -> list[str]:
    """The manifests of some kinds in pages and examples."""
    texts = [path.read_text() for path in (ROOT / "examples").rglob("*.yaml")]
    texts += [block for page in DOCS.glob("*.md") for block in blocks(page.stem, "yaml")]
    parts = (one for text in texts for one in re.split(r"^---\n", text, flags=re.MULTILINE))
    return [one for one in parts if kinds.search(one)]


def test_flux_and_argo_cd_take_the_manifests_of_pages_and_examples(
    operators: ControlPlane, namespace: str
) -> None:
    manifests = [yaml.safe_load(one) for one in written(GITOPS)]
    for manifest in manifests:
        manifest["metadata"]["namespace"] = namespace
        operators.kubectl(
            *("apply", "--server-side", "--dry-run=server", "--validate=strict"),
            *("--warnings-as-errors", "-f", "-"),
            text=json.dumps(manifest),
        )
    assert {one["kind"] for one in manifests} >= {"Kustomization", "Application"}
    assert len(manifests) > 8


def test_flux_has_the_fields_of_its_other_manifests_in_pages_and_examples() -> None:
    need("fluxtypes")
    texts = written(TYPES)
    kinds = flux_types(texts)
    assert len(kinds) == len(texts)
    assert set(kinds) >= {"HelmRelease", "Alert", "Provider"}


def test_a_field_that_is_not_theirs_would_be_told(operators: ControlPlane, namespace: str) -> None:
    text = template(VALUES["monitor"], namespace=namespace)
    with pytest.raises(AssertionError, match="honourLabels"):
        operators.kubectl(
            *("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"),
            text=text.replace("honorLabels", "honourLabels"),
        )
