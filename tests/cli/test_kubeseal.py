"""``seal kubeseal`` where no Go is needed: what it loads, what it never says, what it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import sealing_keys

SEAL = str(Path(sys.executable).parent / "seal")
CANARY = "c4n4ry-5ecret"
HEAVY = {"kubernetes", "urllib.request", "ssl", "asyncio", "cryptography.x509", "re2", "jsonschema"}
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: prod}\n"
SEALED = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db}\n"


def run(
    *arguments: str, at: Path, text: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run it in a folder that has ``c.pem`` and ``k.pem``."""
    mine = sealing_keys.pair("one")
    (at / "c.pem").write_bytes(mine.certificate.pem)
    (at / "k.pem").write_bytes(mine.private_pem())
    return subprocess.run(
        [SEAL, "kubeseal", *arguments],
        cwd=at,
        env={"HOME": str(at), "PATH": os.environ["PATH"], **environment},
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--cert", "c.pem"], id="sealing"),
        pytest.param(["--cert", "c.pem", "--raw", "--scope", "cluster-wide"], id="raw"),
        pytest.param(["--recovery-unseal", "--recovery-private-key", "k.pem"], id="unsealing"),
        pytest.param(["--help"], id="help"),
    ],
)
def test_offline_modes_load_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    run(at=tmp_path)
    code = (
        "import sys; from sealer.cli import group, _ui\n"
        f"_ui.run(group, 'seal') if sys.argv.extend(['kubeseal', *{arguments!r}]) is None else 0\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    text = SEALED if "--recovery-unseal" in arguments else SECRET + "stringData: {a: b}\n"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stderr.split())
    assert "sealer.kubeseal.options" in loaded
    assert not loaded & HEAVY


def test_no_error_quotes_a_value(tmp_path: Path) -> None:
    inputs = [
        SECRET + f"data: {{k: {CANARY}}}\n",
        SECRET + f"data: [{CANARY}]\n",
        SECRET + f"stringData: {{k: [{CANARY}]}}\n",
        SECRET + f"stringData: {{k: {CANARY}: x}}\n",
        SECRET + f"stringData: {{k: a, k: {CANARY}}}\n",
        SECRET + f"stringData: {{k: {CANARY}}}\n---\n{SECRET}",
        SECRET + f'stringData: {{k: "{CANARY}\n',
        json.dumps({"metadata": {"name": [CANARY]}}),
        '{"stringData": {"k": "' + CANARY,
        CANARY,
        SECRET + f"stringData: {{k: &a {CANARY}, j: *b}}\n",
        SECRET + "stringData: {k: 3.14159265358979}\n",
    ]
    modes = [
        ["--cert", "c.pem"],
        ["--cert", "c.pem", "-v", "9", "-n", "other"],
        ["--cert", "c.pem", "--merge-into", "s.yaml"],
        ["--recovery-unseal", "--recovery-private-key", "k.pem"],
        ["--recovery-unseal", "--recovery-private-key", "/dev/stdin", "-f", "s.yaml"],
        ["--validate"],
    ]
    (tmp_path / "s.yaml").write_text(SEALED + "spec: {encryptedData: {a: QUJD}}\n")
    failed = 0
    for arguments in modes:
        for text in inputs:
            done = run(*arguments, at=tmp_path, text=text)
            failed += done.returncode == 1
            assert CANARY not in done.stderr + done.stdout, (arguments, text)
            assert "3.14159" not in done.stderr
            assert "Traceback" not in done.stderr
            assert "internal error" not in done.stderr
    assert failed > 60


def test_a_template_that_fails_on_purpose_tells_no_value(tmp_path: Path) -> None:
    sealed = run("--cert", "c.pem", at=tmp_path, text=SECRET + f"stringData: {{k: {CANARY}}}\n")
    manifest = json.loads(sealed.stdout)
    manifest["spec"]["template"]["data"] = {"x": "{{ fail .k }}", "y": "{{ index .k .k }}"}
    opened = run(
        *("--recovery-unseal", "--recovery-private-key", "k.pem"),
        at=tmp_path,
        text=json.dumps(manifest),
    )
    assert opened.returncode == 1
    assert "error calling fail" in opened.stderr
    assert CANARY not in opened.stderr


@pytest.mark.parametrize("bad", ["a: b: c\n", SECRET, ""])
def test_a_failure_leaves_files_as_they_were(bad: str, tmp_path: Path) -> None:
    files = {"out.yaml": "mine\n", "s.yaml": SEALED + "spec: {encryptedData: {a: QUJD}}\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    for arguments in (["-w", "out.yaml"], ["--merge-into", "s.yaml"]):
        done = run("--cert", "c.pem", *arguments, at=tmp_path, text=bad)
        assert done.returncode == 1
    left = {path.name: path.read_text() for path in tmp_path.iterdir() if path.suffix == ".yaml"}
    assert left == files
    assert not list(tmp_path.glob(".*"))


def test_the_environment_never_wins_over_the_command_line(tmp_path: Path) -> None:
    done = run(
        *("--cert", "c.pem", "--scope", "strict", "-o", "json", "--raw=false"),
        at=tmp_path,
        text=SECRET + "stringData: {a: b}\n",
        SEALED_SECRETS_CERT="gone",
        SEALED_SECRETS_SCOPE="cluster-wide",
        SEALED_SECRETS_FORMAT="yaml",
        SEALED_SECRETS_RAW="true",
    )
    manifest = json.loads(done.stdout)
    assert manifest["metadata"] == {"name": "db", "namespace": "prod"}


def test_no_annotation_of_ours_is_added(tmp_path: Path) -> None:
    done = run("--cert", "c.pem", at=tmp_path, text=SECRET + "stringData: {a: b}\n")
    assert "sealer.dev" not in done.stdout
