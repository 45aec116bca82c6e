"""Key Vault manifests in a tree: judged as kustomize and Flux make them, by vault check's rules."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from sealer.check.report import FORMATS
from tests.check.test_findings import SEAL, Tree, findings, flux, overlay, run, write
from tests.check.test_staged import repository, shell, staged  # noqa: F401 a fixture

SECRET = """\
apiVersion: keyvault.sealer.dev/v1alpha1
kind: KeyVaultSecret
metadata: {name: db, namespace: shop}
spec:
  vaultRef: {name: shop}
  data:
  - {key: password, from: {secret: db-password}}
"""
VAULT = """\
apiVersion: keyvault.sealer.dev/v1alpha1
kind: KeyVault
metadata: {name: shop, namespace: shop}
spec:
  url: https://shop.vault.azure.net
  auth: {workloadIdentity: {serviceAccountName: shop}}
"""
BAD = SECRET.replace("db-password", "db_password")
PATCH = VAULT.replace("  auth: {workloadIdentity: {serviceAccountName: shop}}\n", "")


def told(home: Path, *options: str) -> list[tuple[str, str, int]]:
    return [(one["rule"], one["path"], one["line"]) for one in findings(home, *options)]


def kustomization(resources: str, more: str = "") -> str:
    return f"resources: [{resources}]\n{more}"


TABLE: list[tuple[str, Tree, list[tuple[str, str, int]]]] = [
    ("sound", {"kv.yaml": f"{VAULT}---\n{SECRET}"}, []),
    ("a name Azure cannot have", {"kv.yaml": BAD}, [("vault-manifest", "kv.yaml", 7)]),
    (
        "one base in two overlays is told once",
        {
            "base/kv.yaml": BAD,
            "base/kustomization.yaml": kustomization("kv.yaml"),
            "dev/kustomization.yaml": kustomization("../base", "namespace: dev\n"),
            "prod/kustomization.yaml": kustomization("../base", "namespace: prod\n"),
        },
        [("vault-manifest", "base/kv.yaml", 7)] * 2,
    ),
    (
        "the same in two folders is no conflict",
        {"dev/kv.yaml": SECRET, "prod/kv.yaml": SECRET},
        [],
    ),
    (
        "two that fill one Secret",
        {"a.yaml": SECRET, "b.yaml": SECRET.replace("name: db,", "name: other,")
         + "  target: {name: db}\n"},
        [("vault-conflict", "b.yaml", 8)],
    ),
    (
        "a patch is no object, and is judged as the build makes it",
        {
            "base/kv.yaml": VAULT,
            "base/kustomization.yaml": kustomization("kv.yaml"),
            "prod/url.yaml": PATCH.replace("azure.net", "example.com"),
            "prod/kustomization.yaml": kustomization("../base", "patches: [{path: url.yaml}]\n"),
        },
        [("vault-manifest", "base/kv.yaml", 5)],
    ),
    (
        "a variable that somebody fills later is not judged",
        {"kv.yaml": VAULT.replace("https://shop", "https://${KV}").replace("{name: shop, ",
         "{name: '${KV}', ")},
        [],
    ),
    (
        "Flux fills a variable, and the result is judged",
        {
            "flux.yaml": flux("app", "postBuild: {substitute: {KV: a_b}}"),
            "app/kv.yaml": VAULT.replace("https://shop", "https://${KV}"),
            "app/kustomization.yaml": kustomization("kv.yaml"),
        },
        [("vault-manifest", "app/kv.yaml", 5)],
    ),
    (
        "what a conversion left",
        {"kv.yaml": VAULT.replace("Name: shop", "Name: REPLACE-ME")},
        [("vault-placeholder", "kv.yaml", 6)],
    ),
    ("what does not parse", {"kv.yaml": VAULT + "  url: twice\n"}, [("unreadable", "kv.yaml", 7)]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("tree", "expected"), [pytest.param(tree, want, id=name) for name, tree, want in TABLE]
)
def test_a_tree_has_these_findings(
    tmp_path: Path, tree: Tree, expected: list[tuple[str, str, int]]
) -> None:
    write(tmp_path, tree)
    assert told(tmp_path) == expected


def test_what_an_overlay_makes_of_it_names_the_overlay(tmp_path: Path) -> None:
    patch = '[{"op": "replace", "path": "/spec/url", "value": "https://a.b.c"}]'
    settings = f"patches:\n- patch: '{patch}'\n  target: {{kind: KeyVault}}\n"
    write(tmp_path, overlay(settings, kv=VAULT))
    [one] = findings(tmp_path)
    assert one["rule"] == "vault-manifest"
    related: list[dict[str, Any]] = one["related"]
    assert [at["path"] for at in related] == ["prod/kustomization.yaml"]


def test_a_private_clouds_suffix_is_allowed_by_both_commands(tmp_path: Path) -> None:
    write(tmp_path, {"kv.yaml": VAULT.replace("vault.azure.net", "vault.corp.example")})
    assert told(tmp_path) == [("vault-manifest", "kv.yaml", 5)]
    suffix = ("--vault-suffixes", "vault.corp.example")
    assert told(tmp_path, *suffix) == []
    done = subprocess.run([SEAL, "vault", "check", *suffix, "kv.yaml"], cwd=tmp_path, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("form", FORMATS)
def test_both_commands_write_the_same_report(tmp_path: Path, form: str) -> None:
    write(tmp_path, {"kv.yaml": f"{VAULT}  pol: {{}}\n---\n{BAD}"})
    mine = run(tmp_path, "--format", form)
    theirs = subprocess.run(
        [SEAL, "vault", "check", "--format", form, "kv.yaml"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert mine.stdout == theirs.stdout
    assert mine.stdout.count("vault-manifest") >= 2
    assert (mine.returncode, theirs.returncode) == (1, 1)


def test_staged_manifests_are_judged_as_they_are_staged(repository: Path) -> None:  # noqa: F811
    write(repository, {"kv.yaml": BAD})
    shell(repository, "git", "add", ".")
    write(repository, {"kv.yaml": SECRET})
    assert staged(repository) == [("vault-manifest", "kv.yaml")]


def test_a_finding_can_be_allowed_with_a_reason(tmp_path: Path) -> None:
    write(tmp_path, {"kv.yaml": f"# seal:allow vault-manifest renamed next week\n{BAD}"})
    assert told(tmp_path) == []


def test_names_that_are_none_are_not_repeated(tmp_path: Path) -> None:
    bad = BAD.replace("name: db,", "name: 'hunter2 canary',").replace("key: p", "hunter2canary: p")
    write(tmp_path, {"kv.yaml": bad + "  'hunter2 canary': x\n"})
    done = run(tmp_path)
    assert "vault-manifest" in done.stdout
    assert "hunter2 canary" not in done.stdout
