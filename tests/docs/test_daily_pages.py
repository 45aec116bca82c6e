"""The console blocks of the pages about daily work are true: they run in a repository."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from sealer import Certificate, Secret, seal, to_yaml
from tests.docs.test_readme import matches
from tests.testbed.cluster import ControlPlane
from tests.testbed.controllers import ours
from tests.tree import Tree, make_tree, sealed_yaml

ROOT = Path(__file__).parents[2]


def steps(page: Path) -> list[tuple[str, str]]:
    """Each ``$ command`` of a page with the output that it shows."""
    found: list[tuple[str, str]] = []
    for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def repository(folder: Path) -> Tree:
    """What the pages begin with: one sealed file, committed, and its certificate."""
    tree = make_tree(folder)
    (tree.root / "one.pem").rename(tree.root / "cluster.pem")
    (tree.root / "one.key").rename(tree.root / "cluster.key")
    data = {"username": "shop", "password": "secret"}
    tree.write("db.yaml", sealed_yaml(data, name="database", namespace="shop", kind="Opaque"))
    tree.write(".gitignore", "*.key\n*.pem\n")
    tree.git("init", "-q", "-b", "main")
    tree.git("add", ".")
    tree.git("commit", "-qm", "start")
    return tree


def check(tree: Tree, page: str, environment: Mapping[str, str]) -> None:
    """Run a page's commands in order and compare what they print."""
    found = steps(ROOT / "docs" / f"{page}.md")
    assert found
    for command, shown in found:
        done = subprocess.run(
            ["bash", "-c", f"{command} 2>&1"],
            cwd=tree.root,
            env={**tree.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert matches(shown, done.stdout), f"$ {command}\n{done.stdout}"


@pytest.mark.parametrize("name", ["editing", "git"])
def test_every_console_block_is_true(name: str, tmp_path: Path) -> None:
    check(repository(tmp_path), name, {})


def test_every_console_block_about_rotation_is_true(
    tmp_path: Path, plane: ControlPlane, namespace: str
) -> None:
    tree = make_tree(tmp_path)
    tree.write("passphrase", "correct horse\n")
    with ours(plane, "--all-namespaces=false", namespace=namespace) as controller:
        plane.publish(namespace, "sealed-secrets-controller", controller.port)
        certificate = Certificate.from_pem(controller.get("/v1/cert.pem")[1])
        secret = Secret(name="db", namespace=namespace, data={"password": b"s3cr3t"})
        tree.write("apps/db.yaml", to_yaml(seal(secret, certificate).to_dict()))
        where = {
            "KUBECONFIG": str(plane.kubeconfig),
            "SEALED_SECRETS_CONTROLLER_NAMESPACE": namespace,
        }
        check(tree, "rotation", where)
