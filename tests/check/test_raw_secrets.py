"""Every leak of the corpus is found, nothing that kubeseal sealed or that is harmless is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.check.leaks import HARMLESS, LEAKS
from tests.sealing_keys import pair
from tests.testbed import binaries
from tests.testbed.fixtures import need

SEAL = str(Path(sys.executable).parent / "seal")
LEAK_RULES = {
    "raw-secret",
    "raw-generator",
    "raw-helm-values",
    "raw-substitute",
    "cleartext-in-template",
    "cleartext-in-annotation",
    "not-ciphertext",
}
SEALED_FILES = 100


def write(home: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text, encoding="utf-8", newline="")


def check(home: Path, *options: str) -> tuple[list[dict[str, Any]], str]:
    done = subprocess.run(
        [SEAL, "check", "--format", "json", *options], cwd=home, capture_output=True, text=True
    )
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)["findings"], done.stdout + done.stderr


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], str]:
    home = tmp_path_factory.mktemp("leaks")
    for name, files in LEAKS.items():
        write(home / name, files)
    kustomize = need_kustomize()
    found, words = check(home, "--kustomize", kustomize)
    raw_only, more = check(home, "--raw-only")
    assert found_leaks(raw_only) == {
        (name, rule) for name, rule in found_leaks(found) if rule.startswith("raw-")
    }
    return found, words + more


def need_kustomize() -> str:
    need("kustomize")
    return str(binaries.path("kustomize"))


def found_leaks(findings: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {
        (one["path"].split("/")[0], one["rule"]) for one in findings if one["rule"] in LEAK_RULES
    }


def test_the_corpus_is_large_enough() -> None:
    assert len(LEAKS) >= 24


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_is_found(name: str, leaking: tuple[list[dict[str, Any]], str]) -> None:
    found, _ = leaking
    assert name in {place for place, _ in found_leaks(found)}


def test_no_report_holds_a_value(leaking: tuple[list[dict[str, Any]], str]) -> None:
    _, words = leaking
    assert "canary" not in words
    assert "aHVudGVy" not in words


def test_a_leak_is_told_where_it_stands(leaking: tuple[list[dict[str, Any]], str]) -> None:
    lines = {(one["path"], one["rule"]): one["line"] for one in leaking[0]}
    assert lines["stringdata/s.yaml", "raw-secret"] == 6
    assert lines["data-far-from-kind/s.yaml", "raw-secret"] == 307
    assert lines["second-document/s.yaml", "raw-secret"] == 9
    assert lines["generator-env/db.env", "raw-generator"] == 2
    assert lines["helmrelease/r.yaml", "raw-helm-values"] == 9
    assert lines["substitute/k.yaml", "raw-substitute"] == 9


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_looks_like_a_secret_is_no_finding(tmp_path: Path, name: str) -> None:
    write(tmp_path, HARMLESS[name])
    found, _ = check(tmp_path, "--kustomize", need_kustomize())
    assert [one for one in found if one["severity"] == "error"] == []


def test_no_file_that_kubeseal_sealed_is_a_finding(tmp_path: Path) -> None:
    need("kubeseal")
    kubeseal = str(binaries.path("kubeseal"))
    cert = tmp_path / "c.pem"
    cert.write_bytes(pair().certificate.pem)
    for number in range(SEALED_FILES):
        form = ("yaml", "json")[number % 2]
        secret = (
            f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: token-{number}\n  namespace: shop\n"
            f"  labels: {{app: password}}\n  annotations: {{note: 'n{number}'}}\n"
            f"type: Opaque\nstringData:\n  password: hunter2\n  api-key: '{'k' * number}x'\n"
        )
        done = subprocess.run(
            [kubeseal, "--cert", cert, "-o", form],
            input=secret.encode(),
            capture_output=True,
            check=True,
        )
        (tmp_path / f"s{number}.{form}").write_bytes(done.stdout)
    found, words = check(tmp_path, "--strict")
    assert found == []
    assert f"{SEALED_FILES} SealedSecrets" in words
