"""The base install: whatever needs an extra package says so, and no command calls it a bug."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.program import SEAL, environment

# Of what is installed beside the program, this is all that `pip install sealer` brings.
_BASE = """\
import sys

BASE = {"sealer", "click", "yaml", "_yaml", "cryptography", "cffi", "_cffi_backend", "pycparser"}
OURS = {"controller", "editables", "_editable_impl_sealer", "sitecustomize"}

class Extras:
    @staticmethod
    def find_spec(name, path=None, target=None):
        root = name.partition(".")[0]
        if root not in BASE | OURS and root not in sys.stdlib_module_names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Extras)
"""
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: prod}\nstringData: {k: v}\n"
REGEX = (
    "apiVersion: keyvault.sealer.dev/v1alpha1\nkind: KeyVaultSecret\n"
    "metadata: {name: a, namespace: b}\n"
    'spec: {vaultRef: {name: v}, data: [{find: {regex: "a.*"}}]}\n'
)
CONFIG = (
    "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
    "contexts: [{name: c, context: {cluster: k}}]\n"
    "clusters: [{name: k, cluster: {server: 'http://127.0.0.1:1'}}]\n"
)
CLUSTER = "pip install 'sealer[cluster]'"
TEMPLATES = "sealer[templates]"


@pytest.fixture
def base(work: Path) -> Path:
    """A folder with files of every kind, for a program that has no extra package."""
    (work / "packages").mkdir()
    (work / "packages/sitecustomize.py").write_text(_BASE)
    files = {"secret.yaml": SECRET, "regex.yaml": REGEX, "config": CONFIG}
    for name, text in files.items():
        (work / name).write_text(text)
    words = ("--cert", "../keys/cluster.pem", "secret.yaml", "-w", "sealed.yaml")
    assert run(work, *words).returncode == 0
    text = (work / "sealed.yaml").read_text()
    templates = """template:\n    data: {x: '{{ regexMatch "a" .k }}'}"""
    (work / "template.yaml").write_text(text.replace("template:", templates))
    return work


def run(work: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SEAL, *words],
        cwd=work,
        env=environment(work, PYTHONPATH=str(work / "packages")),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        ("secret.yaml", CLUSTER),
        ("secret.yaml --kubeconfig config", CLUSTER),
        ("cert", CLUSTER),
        ("verify sealed.yaml", CLUSTER),
        ("reencrypt sealed.yaml", CLUSTER),
        ("edit sealed.yaml", CLUSTER),
        ("raw --name a --namespace b", CLUSTER),
        ("rotate --dry-run", CLUSTER),
        ("keys list", CLUSTER),
        ("status", CLUSTER),
        ("keys usage .", CLUSTER),
        ("keys retire abcdef sealed.yaml", CLUSTER),
        ("keys backup keys.age --to ../keys/cluster.pem", CLUSTER),
        ("kubeseal --fetch-cert --kubeconfig config", "the extra package kubernetes"),
        ("unseal template.yaml --key ../keys/cluster.key", TEMPLATES),
        ("render template.yaml --key ../keys/cluster.key", TEMPLATES),
        ("vault check regex.yaml", TEMPLATES),
    ],
)
def test_what_needs_an_extra_package_names_it(base: Path, words: str, cure: str) -> None:
    done = run(base, *words.split())
    assert done.returncode in (1, 3)
    assert cure in done.stderr + done.stdout
    assert "internal error" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        "--cert ../keys/cluster.pem secret.yaml",
        "unseal sealed.yaml --key ../keys/cluster.key",
        "verify sealed.yaml --key ../keys/cluster.key",
        "set sealed.yaml other @secret.yaml --cert ../keys/cluster.pem",
        "kubeseal --cert ../keys/cluster.pem -f secret.yaml",
        "check sealed.yaml",
        "render sealed.yaml",
    ],
)
def test_the_work_of_every_day_needs_none(base: Path, words: str) -> None:
    done = run(base, *words.split())
    assert done.returncode == 0, done.stderr


def test_the_controller_of_a_base_install_names_its_extra(base: Path) -> None:
    done = subprocess.run(
        [SEAL.parent / "sealer-controller"],
        cwd=base,
        env=environment(base, PYTHONPATH=str(base / "packages")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "needs the extra package" in done.stderr
    assert "pip install 'sealer[controller]'" in done.stderr
    assert "Traceback" not in done.stderr
