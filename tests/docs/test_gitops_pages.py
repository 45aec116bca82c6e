"""The consoles of checks.md, config.md and kustomize-flux.md show what happens."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_readme import matches
from tests.sealing_keys import pair
from tests.testbed import binaries
from tests.testbed.fixtures import need

ROOT = Path(__file__).parents[2]
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {spec: {containers: [{name: web, envFrom: [{secretRef: {name: database}}]}]}}}
"""
OVERLAY = (
    "apiVersion: kustomize.config.k8s.io/v1beta1\nresources: [../../base]\nnamePrefix: prod-\n"
)


def steps(page: str) -> list[tuple[str, str]]:
    found = []
    for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    need("kustomize")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/kustomize").symlink_to(binaries.path("kustomize"))
    root = tmp_path / "tree"
    for folder in ("apps/base", "apps/overlays/prod", "certs", "shared", ".git"):
        (root / folder).mkdir(parents=True)
    for name in ("dev", "prod"):
        (root / "certs" / f"{name}.pem").write_bytes(pair(name).certificate.pem)
    for place in ("", "apps/overlays/prod/", "shared/"):
        shutil.copy(ROOT / "examples" / "secret.yaml", root / f"{place}secret.yaml")
    (root / "apps/base/web.yaml").write_text(WEB)
    (root / "apps/overlays/prod/kustomization.yaml").write_text(OVERLAY)
    return root


def shell(tree: Path, command: str) -> str:
    paths = [str(tree.parent / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
    done = subprocess.run(
        ["bash", "-c", f"{command} 2>&1"],
        cwd=tree,
        env={"PATH": os.pathsep.join(paths), "HOME": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_config_page(tree: Path) -> None:
    page = (ROOT / "docs/config.md").read_text()
    (tree / ".seal.toml").write_text(blocks(page, "toml")[0])
    assert len(steps(page)) >= 2
    for command, shown in steps(page):
        assert matches(shown, shell(tree, command)), shell(tree, command)


def test_kustomize_and_flux_page(tree: Path) -> None:
    page = (ROOT / "docs/kustomize-flux.md").read_text()
    shutil.copytree(ROOT / "examples/kustomize/sealed-names", tree / "sealed-names")
    (tree / "apps/base/kustomization.yaml").write_text(blocks(page, "yaml")[0])
    assert len(steps(page)) >= 2
    for command, shown in steps(page):
        real = shell(tree, command)
        assert matches(shown, real), real
    assert "0 findings" in shell(
        tree, "rm apps/overlays/prod/secret.yaml; seal check apps/overlays"
    )


def test_checks_page(tree: Path) -> None:
    page = (ROOT / "docs/checks.md").read_text()
    shell(tree, "seal --cert certs/prod.pem -w apps/base/database.yaml secret.yaml")
    (tree / "apps/base/kustomization.yaml").write_text("resources: [database.yaml]\n")
    shell(tree, "rm apps/overlays/prod/secret.yaml")
    for command, shown in steps(page):
        real = shell(tree, command)
        assert matches(shown, real), real
    allow, accepted = blocks(page, "yaml")[1], blocks(page, "toml")[0]
    (tree / "shared/secret.yaml").write_text(
        f"{allow}metadata: {{name: a}}\nstringData: {{a: hunter2}}\n"
    )
    assert "1 allowed" in shell(tree, "seal check shared")
    (tree / "tests").mkdir()
    shutil.copy(tree / "secret.yaml", tree / "tests")
    (tree / ".seal.toml").write_text(accepted)
    assert "1 allowed" in shell(tree, "seal check tests")
