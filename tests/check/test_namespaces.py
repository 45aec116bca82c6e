"""Namespaces that are renamed onto others, and those whose pruning takes the sealing keys."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.check.test_findings import Tree, findings, flux, rules, sealed, write
from tests.testbed import binaries
from tests.testbed.fixtures import need

ROOT = Path(__file__).parents[2]
FLUX_KEEP = 'annotations: {kustomize.toolkit.fluxcd.io/prune: "disabled"}'
REPOSITORY = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: chart}
spec: {url: oci://ghcr.io/sealer/charts/sealer}
"""
BITNAMI = {"chart": "{spec: {chart: sealed-secrets}}"}
OURS = {"chartRef": "{kind: OCIRepository, name: chart}"}


def namespace(name: str = "keys", more: str = "") -> str:
    return f"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n  {more}\n"


def release(chart: dict[str, str], target: str = "keys", at: str = "") -> str:
    ((field, value),) = chart.items()
    where = f", namespace: {at}" if at else ""
    return (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
        f"metadata: {{name: sealed-secrets{where}}}\n"
        f"spec: {{targetNamespace: {target}, {field}: {value}}}\n"
    )


def deployment(image: str, at: str = "keys") -> str:
    return (
        "apiVersion: apps/v1\nkind: Deployment\n"
        f"metadata: {{name: controller, namespace: {at}}}\n"
        f"spec: {{template: {{spec: {{containers: [{{name: c, image: '{image}'}}]}}}}}}\n"
    )


def folder(place: str, settings: str = "", /, **files: str) -> Tree:
    names = ", ".join(f"{name}.yaml" for name in files)
    return {
        f"{place}/kustomization.yaml": f"resources: [{names}]\n{settings}\n",
        **{f"{place}/{name}.yaml": text for name, text in files.items()},
    }


def application(
    path: str, automated: str = "{prune: true}", more: str = "", name: str = "a"
) -> str:
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
        f"metadata: {{name: {name}, namespace: argocd}}\n"
        f"spec:\n  source: {{repoURL: https://git.example/a, path: {path}}}\n"
        f"  destination: {{namespace: keys}}\n  syncPolicy:\n    automated: {automated}\n{more}"
    )


CHART = (
    "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: c, namespace: argocd}\n"
    "spec:\n  source: {repoURL: ghcr.io/sealer/charts, chart: sealer}\n"
    "  destination: {namespace: keys}\n"
)
APPLIED = {"k.yaml": flux("a", "prune: true")}
MOVED = {"k.yaml": flux("a", "prune: true\n  targetNamespace: flux-system")}
LOST: list[Any] = [
    pytest.param(
        {**folder("a", ns=namespace(), r=release(BITNAMI)), **MOVED},
        ["namespace-renamed"],
        id="the-fault-on-flux-system",
    ),
    pytest.param(
        {
            **folder("a", ns=namespace(), r=release(OURS), o=REPOSITORY),
            "k.yaml": flux("a", "targetNamespace: other"),
        },
        ["namespace-renamed"],
        id="a-target-that-nothing-makes",
    ),
    pytest.param(
        folder("a", "namespace: kube-system", ns=namespace()),
        ["namespace-renamed"],
        id="by-kustomize-onto-kube-system",
    ),
    pytest.param(
        {**folder("a", ns=namespace(), r=release(BITNAMI, at="flux-system")), **APPLIED},
        ["keys-prunable"],
        id="flux-prunes-a-release's",
    ),
    pytest.param(
        {
            **folder("a", ns=namespace()),
            **folder("b", "namespace: flux-system", r=release(OURS), o=REPOSITORY),
            "k.yaml": flux("a", "prune: true") + "---\n" + flux("b", "prune: true", name="b"),
        },
        ["keys-prunable"],
        id="flux-prunes-in-two-kustomizations",
    ),
    pytest.param(
        {
            **folder(
                "a",
                ns=namespace(),
                d=deployment("docker.io/bitnami/sealed-secrets-controller:0.36.6"),
            ),
            **APPLIED,
        },
        ["keys-prunable"],
        id="flux-prunes-a-deployment's",
    ),
    pytest.param(
        {"a/ns.yaml": namespace(), "apps/a.yaml": application("a"), "apps/c.yaml": CHART},
        ["keys-prunable"],
        id="argo-prunes-a-folder's",
    ),
    pytest.param(
        {**folder("a", ns=namespace()), "apps/a.yaml": application("a"), "apps/c.yaml": CHART},
        ["keys-prunable"],
        id="argo-prunes-a-kustomization's",
    ),
]


@pytest.mark.parametrize(("tree", "expected"), LOST)
def test_a_namespace_that_gets_lost_is_found(
    tmp_path: Path, tree: Tree, expected: list[str]
) -> None:
    write(tmp_path, tree)
    found = findings(tmp_path)
    assert rules(found) == expected, found
    assert found[0]["path"] == "a/ns.yaml"


@pytest.mark.parametrize(
    "tree",
    [
        pytest.param(
            {
                **folder("base", ns=namespace("system"), d=deployment("shop:1", "system")),
                "prod/kustomization.yaml": "namespace: shop-system\nresources: [../base]\n",
            },
            id="a-base-moves-with-its-namespace",
        ),
        pytest.param(
            {
                **folder("a", ns=namespace("app"), d=deployment("shop:1", "app")),
                "k.yaml": flux("a", "prune: true\n  targetNamespace: app-dev"),
            },
            id="flux-moves-all-of-it",
        ),
        pytest.param(
            {**folder("a", ns=namespace(), r=release(BITNAMI, "flux-system")), **APPLIED},
            id="another-namespace-than-the-keys",
        ),
        pytest.param(
            {
                **folder("a", ns=namespace("flux-system"), r=release(BITNAMI, "flux-system")),
                **APPLIED,
            },
            id="flux's-own",
        ),
        pytest.param(
            {
                **folder("a", ns=namespace(), r=release(BITNAMI, at="flux-system")),
                "k.yaml": flux("a", "prune: false"),
            },
            id="not-pruned",
        ),
        pytest.param(
            {
                **folder(
                    "a",
                    ns=namespace(more=FLUX_KEEP.replace("annotations", "labels")),
                    r=release(BITNAMI, at="flux-system"),
                ),
                **APPLIED,
            },
            id="a-label-keeps-it",
        ),
        pytest.param(
            {
                **folder("a", ns=namespace(), r=release(BITNAMI, at="flux-system")),
                "k.yaml": flux("a", f"prune: true\n  commonMetadata: {{{FLUX_KEEP}}}"),
            },
            id="common-metadata-keeps-it",
        ),
        pytest.param(
            {
                "a/ns.yaml": namespace(),
                "apps/a.yaml": application("a", "{selfHeal: true}"),
                "apps/c.yaml": CHART,
            },
            id="argo-without-pruning",
        ),
        pytest.param(
            {
                "a/ns.yaml": namespace(),
                "apps/a.yaml": application("a", more="    syncOptions: [Prune=false]\n"),
                "apps/c.yaml": CHART,
            },
            id="argo-by-the-application",
        ),
        pytest.param(
            {"b/ns.yaml": namespace(), "apps/a.yaml": application("a"), "apps/c.yaml": CHART},
            id="argo-elsewhere",
        ),
        pytest.param(
            {"a/deep/ns.yaml": namespace(), "apps/a.yaml": application("a"), "apps/c.yaml": CHART},
            id="argo-does-not-recurse",
        ),
        pytest.param(
            {"a/ns.yaml": namespace("shop"), "apps/a.yaml": application("a"), "apps/c.yaml": CHART},
            id="argo-another-namespace",
        ),
    ],
)
def test_usual_trees_have_no_finding(tmp_path: Path, tree: Tree) -> None:
    write(tmp_path, tree)
    assert findings(tmp_path) == []


@pytest.mark.parametrize("keep", [FLUX_KEEP])
@pytest.mark.parametrize("index", [3, 4, 5])
def test_the_cure_for_flux_applied_literally_takes_the_finding_away(
    tmp_path: Path, keep: str, index: int
) -> None:
    tree, _ = LOST[index].values
    write(tmp_path, tree)
    [found] = findings(tmp_path)
    cure = found["cure"].removeprefix("annotate the Namespace ")
    assert keep == f"annotations: {{{cure}}}"
    (tmp_path / "a/ns.yaml").write_text(namespace(more=keep))
    assert findings(tmp_path) == []


@pytest.mark.parametrize("index", [6, 7])
def test_the_cure_for_argo_applied_literally_takes_the_finding_away(
    tmp_path: Path, index: int
) -> None:
    tree, _ = LOST[index].values
    write(tmp_path, tree)
    [found] = findings(tmp_path)
    cure = found["cure"].removeprefix("annotate the Namespace ")
    (tmp_path / "a/ns.yaml").write_text(namespace(more=f"annotations: {{{cure}}}"))
    assert findings(tmp_path) == []


def test_the_cure_for_a_renamed_namespace_makes_it_under_its_own_name(tmp_path: Path) -> None:
    need("fluxbuild")
    write(tmp_path, LOST[0].values[0])
    [found] = findings(tmp_path)
    assert found["cure"].startswith("apply the Namespace by a kustomization, or Flux Kustomization")
    assert built(tmp_path, "k.yaml", tmp_path) == ["flux-system"]
    write(
        tmp_path,
        {
            **folder("ns", ns=namespace(more=FLUX_KEEP)),
            **folder("a", r=release(BITNAMI)),
            "n.yaml": flux("ns", "prune: true", name="namespace"),
        },
    )
    (tmp_path / "a/ns.yaml").unlink()
    assert findings(tmp_path) == []
    assert built(tmp_path, "k.yaml", tmp_path) == []
    assert built(tmp_path, "n.yaml", tmp_path) == ["keys"]


def built(home: Path, kustomization: str, folder: Path) -> list[str]:
    """The names of the Namespaces that Flux makes of it."""
    copy = home.parent / f"{home.name}-copy"
    shutil.copytree(home, copy)
    done = subprocess.run(
        [binaries.path("fluxbuild"), copy, folder / kustomization],
        capture_output=True,
        text=True,
        check=False,
    )
    shutil.rmtree(copy)
    assert done.returncode == 0, done.stderr
    texts = [one for one in done.stdout.split("---\n") if "kind: Namespace" in one]
    return [text.split("  name: ")[1].split("\n")[0] for text in texts]


def test_the_first_version_of_our_example_is_found(tmp_path: Path) -> None:
    home = tmp_path / "tree"
    shutil.copytree(ROOT / "examples" / "gitops", home)
    assert findings(home) == []
    shutil.copy(
        home / "infrastructure/sealer-namespace/namespace.yaml", home / "infrastructure/sealer"
    )
    file = home / "infrastructure/sealer/kustomization.yaml"
    file.write_text(file.read_text() + "  - namespace.yaml\n")
    assert set(rules(findings(home))) == {"namespace-renamed"}


def test_a_controller_by_chart_ref_is_to_come_before_the_sealed_secrets(tmp_path: Path) -> None:
    tree = {
        **folder("a", s=sealed()),
        **folder("b", "namespace: flux-system", r=release(OURS), o=REPOSITORY),
        "k.yaml": flux("a") + "---\n" + flux("b", name="b"),
    }
    write(tmp_path, tree)
    assert rules(findings(tmp_path)) == ["order-controller"]
