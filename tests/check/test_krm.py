"""``seal krm`` run by the real kustomize, as generator and as validator."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sealer.scope import Scope
from tests.check.corpus import COMPONENT
from tests.check.test_findings import CANARY, pod, sealed
from tests.sealing_keys import pair
from tests.testbed import binaries
from tests.testbed.fixtures import need

SEAL = str(Path(sys.executable).parent / "seal")
GENERATOR = """\
apiVersion: sealer.dev/v1alpha1
kind: SealedSecretGenerator
metadata:
  name: sealed
  annotations:
    config.kubernetes.io/function: "exec: {path: ./seal, args: [krm]}"
spec:
  files: [db.sealed]
"""
VALIDATOR = GENERATOR.replace("Generator", "Validator").replace("files: [db.sealed]", "keys: []")


def build(home: Path, kustomization: str) -> subprocess.CompletedProcess[str]:
    need("kustomize")
    (home / "kustomization.yaml").write_text(kustomization)
    if not (home / "seal").exists():
        (home / "seal").symlink_to(SEAL)
    words = ["build", "--enable-alpha-plugins", "--enable-exec", "."]
    return subprocess.run(
        [str(binaries.path("kustomize")), *words],
        cwd=home,
        env={**os.environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_generated_secret_has_a_hashed_name_that_workloads_follow(tmp_path: Path) -> None:
    (tmp_path / "gen.yaml").write_text(GENERATOR)
    (tmp_path / "pod.yaml").write_text(pod("name: db"))
    (tmp_path / "names.yaml").write_text((COMPONENT / "names.yaml").read_text())
    text = "generators: [gen.yaml]\nresources: [pod.yaml]\nconfigurations: [names.yaml]\n"
    names = []
    for _ in range(2):
        (tmp_path / "db.sealed").write_text(sealed(scope=Scope.NAMESPACE_WIDE))
        done = build(tmp_path, text)
        assert done.returncode == 0, done.stderr
        found = re.search(r"secretRef:\n +name: (db-\w+)\n", done.stdout)
        assert found, done.stdout
        assert f"  name: {found[1]}\n  namespace: shop\nspec:" in done.stdout
        names.append(found[1])
    assert names[0] != names[1], "a new ciphertext is a new name"


def test_strict_ciphertext_is_refused_by_the_generator(tmp_path: Path) -> None:
    (tmp_path / "gen.yaml").write_text(GENERATOR)
    (tmp_path / "db.sealed").write_text(sealed())
    done = build(tmp_path, "generators: [gen.yaml]\n")
    assert done.returncode != 0
    assert "is sealed strict, and a hash changes its name" in done.stderr


@pytest.mark.parametrize(
    ("settings", "text", "words"),
    [
        pytest.param("", sealed(), "", id="sound"),
        pytest.param("namePrefix: p-\n", sealed(), "the build renames it", id="renamed"),
        pytest.param("namespace: x\n", sealed(), "the build moves it", id="moved"),
        pytest.param("namePrefix: p-\n", sealed(scope=Scope.NAMESPACE_WIDE), "", id="wide"),
        pytest.param(
            "",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
            f"stringData: {{p: {CANARY.decode()}}}",
            "is in clear",
            id="raw",
        ),
    ],
)
def test_the_validator_fails_a_build_that_would_not_open(
    tmp_path: Path, settings: str, text: str, words: str
) -> None:
    (tmp_path / "val.yaml").write_text(VALIDATOR)
    (tmp_path / "s.yaml").write_text(text)
    done = build(tmp_path, f"resources: [s.yaml]\nvalidators: [val.yaml]\n{settings}")
    assert (done.returncode == 0) is (words == ""), done.stderr
    assert words in done.stderr
    assert CANARY.decode() not in done.stderr


def test_the_validator_opens_what_it_has_a_key_for(tmp_path: Path) -> None:
    (tmp_path / "one.key").write_bytes(pair("one").private_pem())
    (tmp_path / "val.yaml").write_text(VALIDATOR.replace("keys: []", "keys: [one.key]"))
    (tmp_path / "s.yaml").write_text(sealed(certificate=pair("two").certificate))
    done = build(tmp_path, "resources: [s.yaml]\nvalidators: [val.yaml]\n")
    assert done.returncode != 0
    assert "no private key given opens it" in done.stderr


def test_anything_but_a_resource_list_is_refused() -> None:
    done = subprocess.run(
        [SEAL, "krm"], input="kind: List\n", capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "no ResourceList" in done.stderr
