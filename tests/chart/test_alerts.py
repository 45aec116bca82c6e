"""Alerts and dashboards against the real promtool, and against what a real controller exposes."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.chart.helm import CHART, only, render
from tests.chart.matrix import FOREIGN
from tests.chart.test_vault_rights import start, world
from tests.e2e.test_key_vault import single
from tests.testbed import binaries
from tests.testbed.cluster import wait_for
from tests.testbed.fixtures import need
from tests.testbed.vault_world import World

__all__ = ["world"]
DASHBOARDS = sorted((CHART / "files").glob("*.json"))
NAMES = re.compile(r"\b(?:sealed_secrets_controller|keyvault|keyvaultsecret|process)_\w+")
DAY = 86400
OBJECT = 'namespace="shop",name="db"'
VAULT = f'kind="KeyVault",{OBJECT}'
CONDITION = f'sealed_secrets_controller_condition_info{{condition="Synced",{OBJECT}}}'
ERRORS = 'sealed_secrets_controller_unseal_errors_total{reason="r",namespace="shop"}'
CREATED = "sealed_secrets_controller_key_created_timestamp_seconds"
ENDS = "sealed_secrets_controller_key_expiry_timestamp_seconds"
EXPIRES = f'keyvaultsecret_expiry_timestamp_seconds{{{OBJECT},object="tls"}}'
REQUESTS = 'keyvault_requests_total{vault="v",operation="list",code="429"}'
TOKENS = 'keyvault_token_requests_total{result="failed"}'
VANISHED = f"keyvault_vanished_objects{{{VAULT}}}"

# What makes each alert fire within two hours, and what does not; values as promtool writes them.
CASES: dict[str, tuple[Mapping[str, str], Mapping[str, str]]] = {
    "SealedSecretsControllerDown": (
        {},
        {"sealed_secrets_controller_build_info": "0x120"},
    ),
    "SealedSecretsUnsealErrorHigh": ({ERRORS: "0+1x120"}, {ERRORS: "5x120"}),
    "SealedSecretNotSynced": ({CONDITION: "-1x120"}, {CONDITION: "1x120"}),
    "SealingKeysMissing": (
        {"sealed_secrets_controller_keys": "0x120"},
        {"sealed_secrets_controller_keys": "2x120"},
    ),
    "SealingKeyRejected": (
        {"sealed_secrets_controller_keys_rejected": "1x120"},
        {"sealed_secrets_controller_keys_rejected": "0x120"},
    ),
    "SealingKeyRenewalLate": (
        {f'{CREATED}{{fingerprint="a"}}': f"{-34 * DAY}x120"},
        # An old key beside a new one is no reason.
        {
            f'{CREATED}{{fingerprint="a"}}': f"{-34 * DAY}x120",
            f'{CREATED}{{fingerprint="b"}}': f"{-DAY}x120",
        },
    ),
    "SealingCertificateExpiring": ({ENDS: f"{29 * DAY}x120"}, {ENDS: f"{31 * DAY}x120"}),
    "KeyVaultSecretNotReady": (
        {f"keyvaultsecret_ready{{{OBJECT}}}": "0x120"},
        # Down for ten minutes, and well again.
        {f"keyvaultsecret_ready{{{OBJECT}}}": "1x100 0x9 1x10"},
    ),
    "KeyVaultObjectExpiring": ({EXPIRES: f"{29 * DAY}x120"}, {EXPIRES: f"{31 * DAY}x120"}),
    "KeyVaultNotReady": (
        {f"keyvault_ready{{{VAULT}}}": "0x120"},
        {f"keyvault_ready{{{VAULT}}}": "1x120"},
    ),
    "KeyVaultThrottled": ({REQUESTS: "0+1x120"}, {REQUESTS: "0x60 1x60"}),
    "KeyVaultTokenRequestsFailing": (
        # Tried again each five minutes, as the poller does at its slowest.
        {TOKENS: " ".join(f"{count}x4" for count in range(24))},
        {TOKENS: "3x120", 'keyvault_token_requests_total{result="ok"}': "0+1x120"},
    ),
    "KeyVaultObjectsVanished": ({VANISHED: "0x100 3x20"}, {VANISHED: "3x100 0x20"}),
}


def promtool(*arguments: str) -> str:
    need("promtool")
    command = [str(binaries.path("promtool")), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rules() -> dict[str, Any]:
    spec: dict[str, Any] = only(render(FOREIGN["prometheus-operator"]), "PrometheusRule")["spec"]
    return spec


def alerts() -> dict[str, dict[str, Any]]:
    return {one["alert"]: one for group in rules()["groups"] for one in group["rules"]}


def panels(path: Path) -> Iterator[tuple[str, str]]:
    """The titles and queries of a dashboard, without Grafana's variables."""
    for panel in json.loads(path.read_text())["panels"]:
        for target in panel["targets"]:
            query = target["expr"].replace("$__rate_interval", "5m").replace("$job", ".*")
            yield panel["title"], query


def test_every_expression_parses(tmp_path: Path) -> None:
    queries = [query for path in DASHBOARDS for _, query in panels(path)]
    recorded = [{"record": f"panel_{i}", "expr": query} for i, query in enumerate(queries)]
    groups = {"groups": [*rules()["groups"], {"name": "panels", "rules": recorded}]}
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(groups))
    assert f"{len(alerts()) + len(queries)} rules found" in promtool(
        "check", "rules", "--lint=all", "--lint-fatal", str(file)
    )


def test_every_alert_has_a_case() -> None:
    assert set(alerts()) == set(CASES)


@pytest.mark.parametrize("alert", CASES)
def test_an_alert_fires_when_it_should_and_only_then(tmp_path: Path, alert: str) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules()))
    firing = {
        "expr": f'count by (alertname) (ALERTS{{alertname="{alert}",alertstate="firing"}})',
        "eval_time": "2h",
    }
    expected = [{"labels": f'{{alertname="{alert}"}}', "value": 1}]
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": name, "values": each} for name, each in series.items()],
            "promql_expr_test": [{**firing, "exp_samples": samples}],
        }
        for series, samples in zip(CASES[alert], (expected, []), strict=True)
    ]
    file = tmp_path / "tests.yaml"
    given = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests}
    file.write_text(yaml.safe_dump(given))
    assert "SUCCESS" in promtool("test", "rules", str(file))


def test_an_alert_says_what_is_wrong_and_what_to_do() -> None:
    for name, alert in alerts().items():
        text = alert["annotations"]
        assert text["summary"].endswith("."), name
        assert text["description"].endswith("."), name
        labels = set(re.findall(r"\$labels\.(\w+)", " ".join(text.values())))
        grouped = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", alert["expr"]))))
        assert labels <= grouped, name


def test_a_running_controller_exposes_all_that_is_asked_for(world: World, tmp_path: Path) -> None:
    world.store.set_secret("db-password", "from the vault", exp=4102444800)
    with start(world, tmp_path) as controller:
        world.vault()
        world.secret(single("password", "db-password"))
        world.wait_reason("Synced", "True")
        text = wait_for(
            "the vault was polled",
            lambda: _scraped(controller.get("/metrics", port=controller.metrics_port)[1]),
        )
        series = {"KeyVaultSecret": ("keyvaultsecret_ready", "db")}
        series["KeyVault"] = ("keyvault_ready", "shop")
        for kind, (metric, name) in series.items():
            # Others' objects in the cluster have series of their own.
            mine = {"namespace": world.namespace, "name": name}
            assert controller.metric(metric, **mine) == 1
            world.plane.api.delete(kind, world.namespace, name)
            wait_for(
                f"{metric} is gone",
                lambda metric=metric, mine=mine: controller.metric(metric, **mine) is None,
            )
    labels: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        # A series appears with the first event that it counts; its family is there from the start.
        for ending in {"counter": ["_total"], "histogram": ["_bucket"]}.get(family.type, [""]):
            labels.setdefault(f"{family.name}{ending}", set())
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    used = [alert["expr"] for alert in alerts().values()]
    used += [query for path in DASHBOARDS for _, query in panels(path)]
    for query in used:
        names = set(NAMES.findall(query))
        assert names
        assert names <= set(labels), query
        known = {"job", "le", *(label for name in names for label in labels[name])}
        asked = set(re.findall(r"(\w+)(?:=~|!=|=)\"", query))
        asked |= set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", query))))
        if all(name.startswith("keyvault") for name in names):
            assert asked <= known, query


def _scraped(body: bytes) -> str | None:
    text = body.decode()
    return text if "keyvault_poll_seconds_count{" in text else None


def test_the_dashboard_of_key_vault_comes_with_it() -> None:
    def files(enabled: bool) -> set[str]:
        values = {
            **FOREIGN["prometheus-operator"],
            "keyVault": {"enabled": enabled, "serviceAccounts": []},
        }
        values["metrics"] = {"dashboards": {"create": True}}
        return set(only(render(values), "ConfigMap")["data"])

    assert files(True) - files(False) == {"sealer-key-vault.json"}


def test_every_metric_of_the_key_vault_half_is_in_an_alert_or_a_panel() -> None:
    page = (CHART.parents[1] / "docs" / "key-vault.md").read_text()
    told = set(re.findall(r"^\| `(keyvault\w+)\{", page, re.MULTILINE))
    queries = [query for path in DASHBOARDS for _, query in panels(path)]
    used = " ".join([*queries, *(alert["expr"] for alert in alerts().values())])
    assert len(told) == 7
    assert [name for name in told if name not in used] == []
