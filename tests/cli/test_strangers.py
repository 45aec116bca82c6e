"""Documents that are no manifests, in the stream beside a Secret or in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import run

SECRET = (
    "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: b}\nstringData: {p: canary}\n"
)
TEMPLATE = "{{- if .Values.on }}\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\n{{- end }}\n"


@pytest.mark.parametrize(
    "stranger",
    [
        "kind: CustomResourceDefinition\ntrue: x\n",
        "kind: A\n1.5: x\n",
        "kind: A\na: !foo b\n",
        "kind: A\na: 1\na: 2\n",
        "- kind: A\n- b\n",
    ],
)
def test_a_stranger_with_faults_is_passed_on_as_it_is(work: Path, stranger: str) -> None:
    done = run(work, "--cert", "../keys/cluster.pem", text=f"{stranger}---\n{SECRET}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{stranger}---\n")
    assert "kind: SealedSecret" in done.stdout
    assert "passed on as it is" in done.stderr
    assert run(work, "--check", text=stranger).returncode == 0


@pytest.mark.parametrize(
    "text",
    [
        SECRET + "true: x\n",
        SECRET + "x: !foo y\n",
        "kind: !foo Secret\nstringData: {p: canary}\n",
        "kind: !!binary U2VjcmV0\ntrue: 1\nstringData: {p: canary}\n",
        "kind: Secret\nkind: A\nstringData: {p: canary}\n",
        "k: &k {kind: Secret}\n<<: *k\ntrue: 1\nstringData: {p: canary}\n",
        "kind: List\nitems: []\ntrue: x\n",
        "-\n  kind: Secret\n  stringData: {p: canary}\n",
        "canary\n",
    ],
)
def test_what_may_be_a_secret_with_faults_is_an_error(work: Path, text: str) -> None:
    done = run(work, "--cert", "../keys/cluster.pem", "--allow-no-secret", text=text)
    assert done.returncode == 1
    assert "canary" not in done.stdout + done.stderr


@pytest.mark.parametrize("words", [("--cert", "../keys/cluster.pem"), ("--check",), ("verify",)])
def test_a_template_is_told_to_be_one_once(work: Path, words: tuple[str, ...]) -> None:
    done = run(work, *words, text=TEMPLATE)
    assert done.returncode == 1
    assert done.stderr.count("is a template, and no manifest yet") == 1
    assert "helm template" in done.stderr
    assert "not valid" not in done.stderr
