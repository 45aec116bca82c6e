"""What each command imports: the budget of its start, since time itself is noisy in a test."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli import program

# Runs the command line as ``main`` does, then prints the names of all modules.
CODE = """
import sys
from sealer.cli import _ui, group
code = _ui.run(group, "seal")
sys.stdout.flush()
print(*sys.modules, sep="\\n", file=open("modules", "w"))
sys.exit(code)
"""
CLUSTER = {"kubernetes", "urllib3", "requests"}
SERVER = {"kopf", "azure", "aiohttp", "asyncio", "prometheus_client"}
NETWORK = {"http.client", "urllib.request", "ssl", "socket"}
CRYPTO = {"cryptography", "cryptography.hazmat.primitives.asymmetric.rsa"}
# It imports socket, for e-mail addresses.
X509 = {"cryptography.x509"}
TEMPLATES = {"re2", "bcrypt", "sealer.template.evaluator"}
NEVER = CLUSTER | SERVER | {"pyrage", "unittest", "pdb", "difflib", "multiprocessing"}
CERT = ("--cert", "../keys/cluster.pem")
KEY = ("--key", "../keys/cluster.key")


@pytest.mark.parametrize(
    ("words", "forbidden"),
    [
        pytest.param(("--help",), {"yaml", "json", "pathlib", *CRYPTO, *NETWORK}, id="--help"),
        pytest.param(("--version",), {"yaml", "json", *CRYPTO, *NETWORK}, id="--version"),
        pytest.param(("completion", "zsh"), {"yaml", *CRYPTO, *NETWORK}, id="completion"),
        pytest.param((*CERT, "secret.yaml"), {*X509, *NETWORK, *TEMPLATES}, id="seal"),
        pytest.param(("--check", "sealed.yaml"), {*X509, *NETWORK, *TEMPLATES}, id="--check"),
        pytest.param(
            ("raw", *CERT, "--scope", "cluster-wide", "secret.yaml"),
            {"yaml", *X509, *NETWORK},
            id="raw",
        ),
        pytest.param(("merge", *CERT, "sealed.yaml", "secret.yaml"), {*X509, *NETWORK}, id="merge"),
        pytest.param(("unseal", "sealed.yaml", *KEY), {*X509, *NETWORK}, id="unseal"),
        pytest.param(("verify", "sealed.yaml", *KEY), {*X509, *NETWORK}, id="verify"),
        pytest.param(("get", "sealed.yaml", "k", *KEY), {*X509, *NETWORK}, id="get"),
        pytest.param(("doctor", "--offline"), {*X509, "http.client", *TEMPLATES}, id="doctor"),
        pytest.param(("reencrypt", "sealed.yaml", *KEY, *CERT), {*X509, *NETWORK}, id="reencrypt"),
        pytest.param(("keygen", "--bits", "2048"), {"yaml", *NETWORK} - {"socket"}, id="keygen"),
        pytest.param(("cert", "../keys/cluster.pem"), {"yaml", *NETWORK} - {"socket"}, id="cert"),
    ],
)
def test_a_command_imports_what_it_needs_and_no_more(
    work: Path, words: tuple[str, ...], forbidden: set[str]
) -> None:
    (work / "secret.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: prod}\nstringData: {k: v}\n"
    )
    environment = program.environment(work)
    (work / "sealed.yaml").write_bytes(
        subprocess.run(
            [program.SEAL, *CERT, "secret.yaml"],
            cwd=work,
            env=environment,
            capture_output=True,
            check=True,
        ).stdout
    )
    done = subprocess.run(
        [program.BIN / "python", "-c", CODE, *words],
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    modules = set((work / "modules").read_text().split())
    assert modules & (forbidden | NEVER) == set()
