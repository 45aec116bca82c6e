"""Names and namespaces that Argo CD's Applications give a build."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.check.test_findings import findings, overlay, rules, sealed, write

APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  source:
    repoURL: https://git.example.org/shop/apps.git
    path: prod
    kustomize: {SETTINGS}
  destination: {namespace: DESTINATION}
"""
SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: shop, namespace: argocd}
spec:
  template:
    spec:
      source: {repoURL: https://git.example.org/shop/apps.git, path: prod, kustomize: {SETTINGS}}
      destination: {namespace: DESTINATION}
"""
NO_NAMESPACE = sealed().replace("  namespace: shop\n", "", 1)


def tree(kind: str, settings: str, destination: str, db: str) -> dict[str, str]:
    text = kind.replace("SETTINGS", settings).replace("DESTINATION", destination)
    return {**overlay("", db=db), "argo/app.yaml": text}


@pytest.mark.parametrize("kind", [APPLICATION, SET], ids=["application", "set"])
@pytest.mark.parametrize(
    ("settings", "destination", "db", "expected"),
    [
        pytest.param("namePrefix: prod-", "shop", sealed(), ["renamed"], id="prefix"),
        pytest.param("nameSuffix: -x", "shop", sealed(), ["renamed"], id="suffix"),
        pytest.param("namespace: other", "shop", sealed(), ["moved"], id="namespace"),
        pytest.param("", "shop", NO_NAMESPACE, [], id="destination"),
        pytest.param("", "other", NO_NAMESPACE, ["moved"], id="another-destination"),
        pytest.param("", "other", sealed(), [], id="a-namespace-of-its-own"),
        pytest.param(
            "namePrefix: prod-",
            "shop",
            sealed("prod-db").replace("name: prod-db", "name: db", 1),
            [],
            id="sealed-for-the-name-it-gets",
        ),
        pytest.param('namePrefix: "{{env}}-"', "shop", sealed(), [], id="filled-later"),
    ],
)
def test_settings_of_argo_count(
    tmp_path: Path, kind: str, settings: str, destination: str, db: str, expected: list[str]
) -> None:
    write(tmp_path, tree(kind, settings, destination, db))
    found = [one for one in findings(tmp_path) if one["rule"] != "template-differs"]
    assert rules(found) == expected
    for one in found:
        assert [at["path"] for at in one["related"]] == ["argo/app.yaml"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("git@git.example.org:shop/apps.git", ["renamed"]),
        ("https://git.example.org/vendor/apps", []),
    ],
)
def test_an_application_of_another_repository_is_not_judged(
    tmp_path: Path, url: str, expected: list[str]
) -> None:
    write(tmp_path, tree(APPLICATION, "namePrefix: prod-", "shop", sealed()))
    for words in (("init", "-q"), ("remote", "add", "origin", url), ("add", "-A")):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    assert rules(findings(tmp_path)) == expected
