"""Findings print a name only where it is one, in every format; with the real kustomize."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sealer.check import shown
from sealer.check.builds.model import Build, Rendered
from sealer.check.rules.gitops.order import check_order
from tests.check.test_findings import findings, overlay, rules, run, sealed, write
from tests.check.test_hostile_builds import FORMATS

CANARY = "AWS_KEY=Hunter2Canary"
NO_NAME = "a name that Kubernetes does not take"
GENERATED = """\
generatorOptions: {disableNameSuffixHash: true}
configMapGenerator: [{name: leak, files: [k=leak.txt]}]
replacements:
- source: {kind: ConfigMap, name: leak, fieldPath: data.k}
  targets: [{select: {kind: KIND}, fieldPaths: [FIELD]}]
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("db", "db"),
        ("a.b-c.d1", "a.b-c.d1"),
        ("x" * 253, "x" * 253),
        ("${APP}-db", "${APP}-db"),
        ("", ""),
        ("x" * 254, NO_NAME),
        ("A", NO_NAME),
        ("a b", NO_NAME),
        ("a\n", NO_NAME),
        ("a_b", NO_NAME),
        ("-a", NO_NAME),
        ("a..b", NO_NAME),
        ("\u00e9", NO_NAME),
        ("\u0661", NO_NAME),
        ("${A:=Hunter2}", NO_NAME),
    ],
)
def test_a_name_is_shown_only_where_it_is_one(text: str, words: str) -> None:
    assert shown.name(text) == words


def test_kinds_keys_and_variables_are_shown_only_where_they_are_such() -> None:
    assert shown.kind("Secret") == "Secret"
    assert shown.kind("A B") == "object"
    assert shown.key("tls.crt") == "tls.crt"
    assert "key that" in shown.key("a=b")
    assert shown.qualified_key("example.com/a_B") == "example.com/a_B"
    assert "key that" in shown.qualified_key("A B/c")
    assert "key that" in shown.qualified_key("example.com/c d")
    assert shown.variable("CLUSTER_1") == "CLUSTER_1"
    assert "variable that" in shown.variable("a b")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("field", ["metadata.name", "metadata.namespace"])
def test_what_a_build_puts_into_a_name_is_not_shown(tmp_path: Path, name: str, field: str) -> None:
    text = GENERATED.replace("KIND", "SealedSecret").replace("FIELD", field)
    write(
        tmp_path,
        {
            "t/kustomization.yaml": "resources: [s.yaml]\n" + text,
            "t/s.yaml": sealed(),
            "t/leak.txt": CANARY,
        },
    )
    done = run(tmp_path, "--format", name)
    assert NO_NAME in done.stdout.replace("%20", " ")
    assert "Hunter2" not in done.stdout + done.stderr


def test_what_a_build_puts_into_a_reference_is_not_shown(tmp_path: Path) -> None:
    field = "spec.containers.0.envFrom.0.secretRef.name"
    text = GENERATED.replace("KIND", "Pod").replace("FIELD", field)
    tree = {
        "t/kustomization.yaml": "resources: [pod.yaml]\n" + text,
        "t/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec:\n"
        "  containers:\n  - name: web\n    envFrom:\n    - secretRef: {name: db}\n",
        "t/leak.txt": CANARY,
    }
    write(tmp_path, tree)
    done = run(tmp_path, "--format", "json", "--require-known")
    assert rules(json.loads(done.stdout)["findings"]) == ["unknown-reference"]
    assert NO_NAME in done.stdout
    assert "Hunter2" not in done.stdout


@pytest.mark.parametrize("wave", ["9" * 5000, "\u00b2", "-", "--1"])
def test_a_sync_wave_that_is_none_is_no_wave(wave: str) -> None:
    annotations = {"argocd.argoproj.io/sync-wave": wave}
    names = {"name": "db", "namespace": "shop", "annotations": annotations}
    made = Rendered(
        {"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": names}
    )
    spec = {"containers": [{"envFrom": [{"secretRef": {"name": "db"}}]}]}
    user = Rendered({"kind": "Pod", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec})
    assert list(check_order([Build("a", (made, user), frozenset())])) == []


def test_a_failed_root_counts_for_every_file_that_it_reads(tmp_path: Path) -> None:
    tree = overlay("", s=sealed())
    tree["top/kustomization.yaml"] = "resources: [../base, missing.yaml]\n"
    del tree["prod/kustomization.yaml"]
    write(tmp_path, tree)
    for path in ("base", "base/s.yaml", "top", "."):
        found = findings(tmp_path, path)
        assert [(one["rule"], one["path"]) for one in found] == [
            ("build-failed", "top/kustomization.yaml")
        ]
        assert run(tmp_path, path).returncode == 1


def test_a_root_that_is_not_rendered_counts_for_every_file_that_it_reads(tmp_path: Path) -> None:
    tree = overlay("", s=sealed())
    tree["prod/kustomization.yaml"] = "resources: [../base, 'https://example.invalid/a']\n"
    write(tmp_path, {**tree, "other/s.yaml": sealed("other")})
    assert rules(findings(tmp_path, "base")) == ["not-rendered"]
    assert findings(tmp_path, "other") == []


def test_what_a_root_may_read_counts_where_a_kustomization_cannot_be_read(tmp_path: Path) -> None:
    tree = overlay("", s=sealed())
    tree["middle/kustomization.yaml"] = "resources: [!x ../base]\n"
    tree["prod/kustomization.yaml"] = "resources: [../middle]\n"
    write(tmp_path, tree)
    assert "not-rendered" in rules(findings(tmp_path, "base"))
