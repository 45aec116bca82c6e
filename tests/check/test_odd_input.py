"""Whatever stands in a tree, a check ends with findings and never with a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sealer.check.builds import kustomizations
from sealer.check.builds.flux import FluxKustomization
from sealer.check.builds.model import Build, Rendered, SealedIndex
from sealer.check.builds.redaction import redacted
from sealer.check.rules import cleartext, identity, references
from sealer.check.rules import sealed as sealed_rules
from sealer.check.rules.gitops.order import check_order
from sealer.check.rules.judge import Judge
from sealer.check.tree import read_tree

LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.just("${x}"))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(
            ["name", "namespace", "annotations", "labels", "metadata", "data", "kind", "path",
             "template", "target", "patch", "encryptedData", "values", "sops", "password"]
        ), inner, max_size=4)
    ),
    max_leaves=12,
)  # fmt: skip
KINDS = st.sampled_from(
    [
        ("v1", "Secret"),
        ("v1", "Pod"),
        ("v1", "List"),
        ("bitnami.com/v1alpha1", "SealedSecret"),
        ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
        ("kustomize.config.k8s.io/v1beta1", "Kustomization"),
        ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
        ("argoproj.io/v1alpha1", "Application"),
        ("apps/v1", "Deployment"),
        ("networking.k8s.io/v1", "Ingress"),
    ]
)
FIELDS = [
    "metadata", "spec", "data", "stringData", "patches", "resources", "secretGenerator",
    "helmCharts", "items", "components", "namespace", "openapi", "patchesStrategicMerge",
]  # fmt: skip


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Any]:
    version, kind = draw(KINDS)
    fields = draw(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=5))
    return {"apiVersion": version, "kind": kind, **fields}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(manifests(), min_size=1, max_size=3))
def test_no_rule_stumbles_over_a_manifest(found: list[dict[str, Any]]) -> None:
    text = "".join(f"---\n{json.dumps(one)}\n" for one in found)
    tree = read_tree({"a/s.yaml": text, "a/kustomization.yaml": json.dumps(found[0])})
    known = kustomizations.find_kustomizations(tree)
    kustomizations.roots(known, [])
    list(cleartext.check_raw(tree, {}))
    sealed = tree.of_kind("SealedSecret", "bitnami.com")
    index = SealedIndex(sealed)
    for source in sealed:
        list(sealed_rules.check_sealed(source, Judge(), lambda _: None))
        list(identity.check_alone(source, Judge()))
    objects = tuple(Rendered(one) for one in found)
    builds = [Build("a", objects, frozenset({"a/s.yaml"}))]
    for source in tree.sources:
        flux = FluxKustomization.of(source.value, source)
        if flux:
            redacted(flux.applied(source.value))
            builds.append(Build("a", objects, frozenset(), flux))
            assert flux.identity
            flux.variables()
    for build in builds:
        list(identity.check_build(build, index, Judge()))
        list(references.check_references(build, index, tree, set(), every=True))
    list(check_order(builds))


def test_sealing_imports_nothing_of_the_checks(tmp_path: Path) -> None:
    code = (
        "import sys, sealer.cli.seal, sealer.cli._sealing_rules, sealer.inputs.seal_files; "
        "print([n for n in sys.modules if n.startswith(('sealer.check', 'tomllib', 'subprocess', "
        "'sealer.check.builds.kustomize', 'kubernetes', 'concurrent'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_what_is_beyond_one_runs_share_of_yaml_is_told_and_never_passed_as_clean() -> None:
    text = "kind: Secret\nmetadata: {name: a}\nstringData: {a: b}\n"
    texts = {f"{number}.yaml": text for number in range(4)}
    tree = read_tree(texts, most=2 * len(text))
    assert {source.path for source in tree.sources} == {"0.yaml", "1.yaml"}
    assert [(one.rule, one.place.path) for one in tree.faults] == [
        ("unreadable", "2.yaml"),
        ("unreadable", "3.yaml"),
    ]
