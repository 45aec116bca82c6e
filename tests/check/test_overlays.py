"""``seal check`` says of every overlay what the real kubeseal says after the real build."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.check.corpus import CASES, Corpus
from tests.testbed import binaries

SEAL = str(Path(sys.executable).parent / "seal")
OPENING = {"renamed", "moved", "scope-changed", "does-not-open", "unknown-certificate"}
SECONDS = 10


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    made = Corpus(tmp_path_factory.mktemp("overlays"))
    made.write()
    return made


@pytest.fixture(scope="module")
def truth(corpus: Corpus) -> dict[str, bool]:
    return {case.name: corpus.opens(case) for case in CASES}


def check(corpus: Corpus, *options: str) -> list[dict[str, Any]]:
    command = [SEAL, "check", "--format", "json", "-q", "--kustomize", str(corpus.kustomize)]
    done = subprocess.run(
        [*command, *options], cwd=corpus.repository, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    assert not done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return found


def verdicts(findings: list[dict[str, Any]]) -> dict[str, bool]:
    """Which cases have nothing that keeps their ciphertext from opening."""
    broken = {
        finding["path"].split("/")[1]
        for finding in findings
        if finding["rule"] in OPENING and finding["path"].startswith("cases/")
    }
    return {case.name: case.name not in broken for case in CASES}


def test_half_of_the_corpus_is_sound(truth: dict[str, bool]) -> None:
    sound = sum(truth.values())
    assert len(truth) >= 24
    assert sound >= 12
    assert len(truth) - sound >= 12


def test_with_the_private_key_every_verdict_is_kubeseals(
    corpus: Corpus, truth: dict[str, bool]
) -> None:
    started = time.monotonic()
    found = verdicts(check(corpus, "--key", str(corpus.home / "one.key")))
    elapsed = time.monotonic() - started
    assert found == truth
    assert elapsed < SECONDS


def test_without_a_private_key_every_verdict_that_can_be_known_is_kubeseals(
    corpus: Corpus, truth: dict[str, bool]
) -> None:
    found = verdicts(check(corpus, "--cert", str(corpus.home / "one.pem")))
    # kubeseal notes no fingerprint, and both keys have the same size; and which of the two names
    # in a file it was sealed for, only a key tells.
    unknowable = {"other-cluster", "renamed-by-hand"}
    assert {name for name in truth if found[name] != truth[name]} == unknowable


def test_every_broken_overlay_names_the_setting_that_breaks_it(corpus: Corpus) -> None:
    findings = check(corpus, "--cert", str(corpus.home / "one.pem"))
    causes = {
        finding["path"].split("/")[1]: (finding["rule"], finding["related"][0])
        for finding in findings
        if finding["rule"] in OPENING
    }
    for name, rule, path, words in (
        ("prefix", "renamed", "cases/prefix/prod/kustomization.yaml", "namePrefix"),
        ("suffix", "renamed", "cases/suffix/prod/kustomization.yaml", "nameSuffix"),
        ("namespace", "moved", "cases/namespace/prod/kustomization.yaml", "namespace"),
        ("rename-patch", "renamed", "cases/rename-patch/prod/kustomization.yaml", "patches"),
        ("scope-added", "scope-changed", "cases/scope-added/prod/kustomization.yaml", "patches"),
        ("nested-suffix", "renamed", "cases/nested-suffix/eu/kustomization.yaml", "nameSuffix"),
        ("flux-prefix", "renamed", "clusters/flux-prefix.yaml", "namePrefix"),
        ("flux-target-namespace", "moved", "clusters/flux-target-namespace.yaml", "targetName"),
        ("flux-variable-renames", "renamed", "clusters/flux-variable-renames.yaml", "postBuild"),
    ):
        assert causes[name][0] == rule, name
        assert causes[name][1]["path"] == path
        assert causes[name][1]["message"].startswith(words)
        assert causes[name][1]["line"] > 1


def test_kubectls_own_kustomize_gives_the_same_findings(corpus: Corpus) -> None:
    command = [SEAL, "check", "--format", "json", "-q"]
    kubectl = str(binaries.path("kubectl"))
    done = subprocess.run(
        [*command, "--kustomize", kubectl], cwd=corpus.repository, capture_output=True, check=False
    )
    assert json.loads(done.stdout)["findings"] == check(corpus)


def test_nothing_is_written_into_the_tree(corpus: Corpus) -> None:
    before = sorted(corpus.repository.rglob("*"))
    check(corpus)
    assert sorted(corpus.repository.rglob("*")) == before
