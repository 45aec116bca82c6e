"""The pages about Key Vault name all there is, and what they show is taken."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from controller.keyvault.metrics import KeyVaultMetrics
from controller.reasons import Reason, Whose
from sealer.keyvault.address import CLOUDS
from tests.chart.helm import render
from tests.chart.matrix import FOREIGN
from tests.testbed.cluster import ControlPlane
from tests.testbed.fixtures import need

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("key-vault*.md"))
REASONS = (ROOT / "docs" / "key-vault-reasons.md").read_text()
EXAMPLES = [
    *sorted((ROOT / "examples" / "key-vault").glob("*.yaml")),
    ROOT / "examples" / "gitops" / "apps" / "overlays" / "prod" / "key-vault.yaml",
]


def blocks() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(), re.S)):
            yield f"{page.stem} {number}", block


def manifests() -> dict[str, str]:
    """What can be applied to a cluster: the pages' whole manifests, and the examples."""
    shown = {name: text for name, text in blocks() if not text.startswith("# ")}
    return shown | {str(path.relative_to(ROOT)): path.read_text() for path in EXAMPLES}


def chart_values() -> dict[str, str]:
    return {name: text for name, text in blocks() if text.startswith("# values:")}


def rows(section: str) -> dict[str, list[str]]:
    """A section's table on the page of reasons: cells by what stands first."""
    text = REASONS.split(f"\n## {section}\n")[1].split("\n## ")[0]
    found = re.findall(r"^\| `(\w+)`[^|]*\|(.*)\|$", text, re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in found}


def test_every_reason_has_its_cause_and_its_cure() -> None:
    vaults = rows("Reasons of a KeyVault or ClusterKeyVault")
    secrets = rows("Reasons of a KeyVaultSecret")
    assert set(vaults) == {one for one in Reason if Whose.VAULT in one.row.whose}
    assert set(secrets) == {one for one in Reason if Whose.FILLED in one.row.whose}
    for name, cells in {**vaults, **secrets}.items():
        assert all(cells) or name in ("Ready", "Synced"), name
    stalled = REASONS.split("`Stalled` are")[1].split("\n\n")[0]
    for one in Reason:
        if Whose.EXPIRING in one.row.whose:
            assert f"`{one}`" in REASONS
        if one.row.final and one.row.whose & (Whose.VAULT | Whose.FILLED):
            assert f"`{one}`" in stalled


def test_every_alert_is_told_of() -> None:
    rules = next(one for one in _monitored() if one["kind"] == "PrometheusRule")
    alerts = {one["alert"] for group in rules["spec"]["groups"] for one in group["rules"]}
    assert set(rows("Alerts")) == {one for one in alerts if one.startswith("KeyVault")}


def _monitored() -> list[dict[str, Any]]:
    need("helm")
    return render(FOREIGN["prometheus-operator"])


def test_every_metric_is_told_of_with_its_labels() -> None:
    registry = CollectorRegistry()
    metrics = KeyVaultMetrics(registry)
    real = set()
    for one in vars(metrics).values():
        if hasattr(one, "_labelnames"):
            total = "_total" if one._type == "counter" else ""
            real.add(f"{one._name}{total}{{{','.join(one._labelnames)}}}")
    page = (ROOT / "docs" / "key-vault.md").read_text()
    assert set(re.findall(r"`(keyvault\w+\{[\w,]+\})`", page)) == real


def test_every_field_is_told_of() -> None:
    text = " ".join(page.read_text() for page in PAGES)
    words = set(re.findall(r"[A-Za-z]+", text))
    for path in (ROOT / "crds").glob("keyvault*.yaml"):
        schema = yaml.safe_load(path.read_text())["spec"]["versions"][0]["schema"]
        for part in ("spec", "status"):
            names = set(_fields(schema["openAPIV3Schema"]["properties"][part]))
            # Kubernetes' own, and what a line of a condition or an object has.
            known = {"lastTransitionTime", "syncNow", "updated", "matchExpressions", "operator"}
            assert names - words - known == set(), path.name


def _fields(schema: dict[str, Any]) -> Iterator[str]:
    for name, one in (schema.get("properties") or {}).items():
        yield name
        yield from _fields(one)
    yield from _fields(schema["items"]) if "items" in schema else ()


def test_every_cloud_is_told_of_as_it_is() -> None:
    page = (ROOT / "docs" / "key-vault-identities.md").read_text()
    for cloud in CLOUDS:
        assert f"| {cloud.name} | `{cloud.suffix}` | `{cloud.authority}` |" in page


@pytest.mark.parametrize("name", manifests())
def test_what_is_shown_passes_the_check(name: str, tmp_path: Path) -> None:
    file = tmp_path / "shown.yaml"
    file.write_text(manifests()[name])
    command = [str(Path(sys.executable).parent / "seal"), "vault", "check", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", manifests())
def test_the_api_server_takes_what_is_shown(plane: ControlPlane, namespace: str, name: str) -> None:
    for one in yaml.safe_load_all(manifests()[name]):
        if one["kind"] != "ClusterKeyVault":
            one["metadata"]["namespace"] = namespace
        plane.kubectl(
            *("apply", "--server-side", "--dry-run=server", "--validate=strict"),
            *("--warnings-as-errors", "-f", "-"),
            text=json.dumps(one),
        )


@pytest.mark.parametrize("name", chart_values())
def test_the_chart_takes_the_values_that_a_page_shows(name: str) -> None:
    need("helm")
    objects = render(yaml.safe_load(chart_values()[name]))
    assert any(one["kind"] == "Deployment" for one in objects)


def test_the_identities_are_those_that_explain_prints(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "key-vault-identities.md").read_text()
    file = tmp_path / "vault.yaml"
    file.write_text(manifests()["key-vault-identities 0"])
    command = [str(Path(sys.executable).parent / "seal"), "vault", "explain", str(file)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for words in (
        '--role "Key Vault Secrets User"',
        "az keyvault show --name shop-prod --query id --output tsv",
        "az identity federated-credential create --name sealer",
        "--subject system:serviceaccount:shop:shop",
        "--audiences api://AzureADTokenExchange",
    ):
        assert words in told
        assert words in page
