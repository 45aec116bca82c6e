"""Flux and Argo CD trees: what is applied, from where, in which order; each cure followed."""

# ruff: noqa: E501  a tree a line: a wrapped table of files reads worse

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from sealer.check.builds.origins import Origins
from sealer.check.builds.sourceignore import is_ignored, patterns
from sealer.check.tree import read_tree
from tests.check.test_findings import RELEASE, findings, flux, overlay, rules, sealed, write
from tests.sealing_keys import pair
from tests.testbed import binaries

Tree = dict[str, str]
PLAIN = "foo: bar\n"
REPOSITORY = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {{name: {name}, namespace: flux-system}}
spec: {{url: {url}, ref: {{branch: {branch}}}, {more}}}
"""


def source(kind: str, name: str, more: str = "") -> str:
    return f"sourceRef: {{kind: {kind}, name: {name}}}\n  {more}"


def repository(name: str, url: str, branch: str = "main", ignore: str = "") -> str:
    more = f"ignore: {ignore}" if ignore else ""
    return REPOSITORY.format(name=name, url=url, branch=branch, more=more)


OTHER = "https://git.example.org/vendor/app.git"
OURS = "https://git.example.org/shop/fleet.git"


def folder(reference: str, more: str = "") -> Tree:
    return {
        "app/db.yaml": sealed(),
        "app/tools.yaml": PLAIN,
        "k.yaml": flux("app", reference),
        **({"r.yaml": more} if more else {}),
    }


TREES: list[tuple[str, Tree, list[str]]] = [
    ("of an OCI registry", folder(source("OCIRepository", "vendor")), []),
    ("of a bucket", folder(source("Bucket", "vendor")), []),
    ("of a repository that the tree does not tell of", folder(source("GitRepository", "x")), ["flux-not-a-manifest"]),
    ("of the repository that bootstrap made", folder(source("GitRepository", "flux-system"), repository("flux-system", OURS)), ["flux-not-a-manifest"]),
    ("of another repository", folder(source("GitRepository", "vendor"), f"{repository('flux-system', OURS)}---\n{repository('vendor', OTHER)}"), []),
    ("of another branch", folder(source("GitRepository", "team"), f"{repository('flux-system', OURS)}---\n{repository('team', OURS, 'team')}"), []),
    ("of this one under another name", folder(source("GitRepository", "team"), f"{repository('flux-system', OURS)}---\n{repository('team', 'ssh://git@git.example.org/shop/fleet')}"), ["flux-not-a-manifest"]),
    ("a .sourceignore", {**folder(""), ".sourceignore": "# ours\ntools.yaml\n"}, []),
    ("a .sourceignore of the folder", {**folder(""), "app/.sourceignore": "/tools.yaml\n"}, []),
    ("spec.ignore", folder(source("GitRepository", "flux-system"), repository("flux-system", OURS, ignore="'/app/tools.yaml'")), []),
    ("spec.ignore that takes all and gives some back", folder(source("GitRepository", "flux-system"), repository("flux-system", OURS, ignore='"/*\\n!/app\\n/app/tools.yaml"')), []),
    (
        "a patch of Flux Kustomizations",
        {
            "flux/kustomization.yaml": "resources: [k.yaml]\npatches: [{path: ../defaults.yaml, target: {kind: Kustomization}}]\n",
            "flux/k.yaml": flux("app"),
            "defaults.yaml": "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: all}\nspec: {prune: true}\n",
            "app/db.yaml": sealed(),
            ".yamllint.yaml": PLAIN,
        },
        [],
    ),
    (
        "a variable that nobody sets, and Flux substitutes always",
        {"a/s.yaml": sealed(data={"x": "${NOBODY}"}), "k.yaml": flux("a", "postBuild: {substituteStrategy: Always}")},
        ["flux-blank-variable"],
    ),
    (
        "sealed for the name that a prefix gives",
        overlay("namePrefix: prod-", s=sealed("prod-db").replace("name: prod-db", "name: db", 1)),
        [],
    ),
    (
        "an empty placeholder that an overlay fills",
        {
            "base/kustomization.yaml": "resources: [s.yaml]\n",
            "base/s.yaml": "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: shop}\nspec: {encryptedData: {password: ''}}\n",
            "prod/kustomization.yaml": "resources: [../base]\npatches: [{path: s.yaml}]\n",
            "prod/s.yaml": sealed(),
        },
        [],
    ),
    (
        "an empty placeholder that nobody fills",
        {
            "base/kustomization.yaml": "resources: [s.yaml]\n",
            "base/s.yaml": "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: shop}\nspec: {encryptedData: {password: ''}}\n",
        },
        ["not-ciphertext"],
    ),
    ("a chart", {"a/kustomization.yaml": "helmCharts: [{name: x}]\n"}, ["not-rendered"]),
    ("a policy generator", {"a/kustomization.yaml": "generators: [p.yaml]\n", "a/p.yaml": "apiVersion: policy.open-cluster-management.io/v1\nkind: PolicyGenerator\nmetadata: {name: p}\n"}, ["not-rendered"]),
    (
        "a controller that nobody waits for",
        {"a/s.yaml": sealed(), "b/r.yaml": RELEASE, "k.yaml": flux("a", "dependsOn: [{name: controller}]"), "l.yaml": flux("b", name="controller")},
        ["order-no-wait"],
    ),
    (
        "a controller that is waited for",
        {"a/s.yaml": sealed(), "b/r.yaml": RELEASE, "k.yaml": flux("a", "dependsOn: [{name: controller}]"), "l.yaml": flux("b", "wait: true", name="controller")},
        [],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "tree", "expected"), TREES, ids=[name for name, _, _ in TREES])
def test_a_tree_has_these_findings(
    tmp_path: Path, name: str, tree: Tree, expected: list[str]
) -> None:
    write(tmp_path, tree)
    assert rules(findings(tmp_path)) == expected


def test_the_remote_tells_which_repository_this_is() -> None:
    tree = read_tree({"r.yaml": f"{repository('a', OURS)}---\n{repository('b', OTHER)}"})
    origins = Origins.of(tree.sources, "git@git.example.org:shop/fleet.git")
    here = [
        origins.is_here({"spec": {"sourceRef": {"kind": "GitRepository", "name": name}}})
        for name in ("a", "b", "c")
    ]
    assert here == [True, False, True]


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("a.yaml", "x/y/a.yaml", True),
        ("/a.yaml", "x/a.yaml", False),
        ("x/", "x/a.yaml", True),
        ("x/", "y/x", False),
        ("x/*.yaml", "x/a.yaml", True),
        ("x/**/b", "x/y/z/b", True),
        ("/*\n!/deploy", "deploy/a.yaml", False),
        ("/*\n!/deploy", "other/a.yaml", True),
        ("# a\n\n", "a", False),
    ],
)
def test_patterns_are_those_of_git(tmp_path: Path, text: str, path: str, expected: bool) -> None:
    assert is_ignored(path, patterns(text)) is expected
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text("")
    (tmp_path / ".gitignore").write_text(text)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    done = subprocess.run(["git", "check-ignore", "-q", path], cwd=tmp_path, check=False)
    assert (done.returncode == 0) is expected


def namespaced(name: str, namespace: str, path: str, more: str = "") -> str:
    return flux(path, more, name=name).replace("namespace: flux-system", f"namespace: {namespace}")


def hints(found: list[dict[str, Any]]) -> str:
    return " ".join(one["cure"] for one in found)


def test_the_cure_names_another_namespace_and_cures(tmp_path: Path) -> None:
    tree = {
        "a/s.yaml": sealed(),
        "b/r.yaml": RELEASE,
        "k.yaml": namespaced("apps", "apps", "a"),
        "l.yaml": namespaced("ctl", "infra", "b", "wait: true"),
    }
    write(tmp_path, tree)
    found = findings(tmp_path)
    assert rules(found) == ["order-controller"]
    assert "add {name: ctl, namespace: infra} to its dependsOn" in hints(found)
    cured = namespaced("apps", "apps", "a", "dependsOn: [{name: ctl, namespace: infra}]")
    write(tmp_path, {"k.yaml": cured})
    assert findings(tmp_path) == []


def test_no_cure_makes_a_parent_and_its_child_wait_for_each_other(tmp_path: Path) -> None:
    tree = {
        "clusters/k.yaml": flux("infra", "wait: true", name="infra"),
        "infra/r.yaml": RELEASE,
        "infra/child.yaml": flux("apps", name="apps"),
        "apps/s.yaml": sealed(),
    }
    write(tmp_path, tree)
    found = findings(tmp_path)
    assert rules(found) == ["order-controller"]
    assert "move the controller into a Flux Kustomization of its own" in hints(found)
    (tmp_path / "infra/r.yaml").unlink()
    write(
        tmp_path,
        {
            "ctl/r.yaml": RELEASE,
            "infra/ctl.yaml": flux("ctl", "wait: true", name="ctl"),
            "infra/child.yaml": flux("apps", "dependsOn: [{name: ctl}]", name="apps"),
        },
    )
    assert findings(tmp_path) == []


WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: c, envFrom: [{secretRef: {name: db}}]}]}}}
"""
WAVE = '  annotations:\n    argocd.argoproj.io/sync-wave: "5"\n'


def test_an_object_without_a_namespace_meets_any(tmp_path: Path) -> None:
    write(tmp_path, overlay("", s=sealed(), web=WEB))
    assert findings(tmp_path) == []
    bare = sealed().replace("  namespace: shop\n", "", 1)
    write(
        tmp_path,
        {"base/s.yaml": bare, "base/web.yaml": WEB.replace("web}", "web, namespace: shop}")},
    )
    assert [one for one in rules(findings(tmp_path)) if "reference" in one] == []


def test_a_later_wave_is_told_where_it_is_written(tmp_path: Path) -> None:
    late = sealed().replace("  annotations:\n", WAVE, 1)
    write(tmp_path, overlay("", s=late, web=WEB))
    (one,) = findings(tmp_path)
    line = next(n for n, text in enumerate(late.splitlines(), 1) if "sync-wave" in text)
    assert (one["rule"], one["path"], one["line"]) == ("order-secret", "base/s.yaml", line)
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\nimagePullSecrets: [{name: db}]\n"
    write(tmp_path, {"base/web.yaml": account})
    assert findings(tmp_path) == []


def test_what_is_not_rendered_is_not_judged_alone(tmp_path: Path) -> None:
    key = tmp_path / "a.key"
    key.write_bytes(pair().private_pem())
    settings = "namespace: shop\nnamePrefix: prod-\nresources: [s.yaml, 'https://example.invalid/x.yaml']\n"
    text = sealed("prod-db").replace("name: prod-db", "name: db")
    write(tmp_path / "t", {"kustomization.yaml": settings, "s.yaml": text})
    found = findings(tmp_path / "t", "--key", str(key))
    assert rules(found) == ["not-rendered"]


@pytest.mark.parametrize(("name", "expected"), [("other", ["does-not-open"]), ("db", [])])
def test_ciphertext_that_a_patch_puts_in_is_tried(
    tmp_path: Path, name: str, expected: list[str]
) -> None:
    key = tmp_path / "a.key"
    key.write_bytes(pair().private_pem())
    item = read_tree({"s.yaml": sealed(name)}).sources[0].value["spec"]["encryptedData"]["password"]
    patch = (
        "patches:\n- target: {kind: SealedSecret}\n  patch: |\n"
        f"    - {{op: add, path: /spec/encryptedData/user, value: {item}}}\n"
    )
    write(tmp_path / "t", overlay(patch, s=sealed()))
    assert rules(findings(tmp_path / "t", "--key", str(key))) == expected


def test_a_folder_of_flux_that_cannot_be_built_names_the_objects(tmp_path: Path) -> None:
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: shop}\n"
    write(tmp_path, {"apps/a.yaml": config, "apps/b.yaml": config, "k.yaml": flux("apps")})
    (one,) = findings(tmp_path)
    assert (one["rule"], one["path"], one["line"]) == ("build-failed", "k.yaml", 5)
    assert [place["path"] for place in one["related"]] == ["apps/a.yaml", "apps/b.yaml"]
    assert "ConfigMap shop/web" in one["related"][0]["message"]
    assert "kustomize create --autodetect --recursive in apps" in one["cure"]
    kustomize = str(binaries.path("kustomize"))
    create = [kustomize, "create", "--autodetect", "--recursive"]
    subprocess.run(create, cwd=tmp_path / "apps", check=True)
    done = subprocess.run(
        [kustomize, "build", "apps"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "already registered id" in done.stderr


def test_the_cure_of_a_later_wave_cures(tmp_path: Path) -> None:
    late = sealed().replace("  annotations:\n", WAVE, 1)
    write(tmp_path, overlay("", s=late, web=WEB))
    (one,) = findings(tmp_path)
    assert one["cure"] == "give the SealedSecret the sync-wave 0 or a lower one"
    write(tmp_path, {"base/s.yaml": late.replace('"5"', '"0"')})
    assert findings(tmp_path) == []


def test_what_is_doubtful_is_accepted_with_a_reason(tmp_path: Path) -> None:
    write(tmp_path, {"values.yaml": "clientSecret: grafana\n"})
    (one,) = findings(tmp_path)
    assert (one["rule"], one["severity"]) == ("possible-credential", "warning")
    assert "# seal:allow possible-credential REASON" in one["cure"]
    text = "# seal:allow possible-credential the name of a Secret\nclientSecret: grafana\n"
    write(tmp_path, {"values.yaml": text})
    assert findings(tmp_path) == []
