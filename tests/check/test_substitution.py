"""Variables are replaced as Flux's own library replaces them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from sealer.check.builds.substitution import Substitution
from tests.testbed import binaries
from tests.testbed.fixtures import need

VARIABLES = {"HOST": "db", "EMPTY": ""}
TEXTS = [
    "plain",
    "a ${HOST} b",
    "${HOST}${HOST}",
    "${NONE}",
    "${EMPTY}x",
    "$HOST",
    "$$HOST",
    "$${HOST}",
    "$${HOST} ${HOST}",
    "${NONE:=fallback}",
    "${NONE:-fallback}",
    "${NONE-fallback}",
    "${NONE=fallback}",
    "${HOST:=fallback}",
    "${EMPTY:-fallback}",
    "${{ .x }}",
    "${{x}}",
    "${}",
    "${1A}",
    "${HOST",
    "a $ b {c}",
    "{{ .password }}:${HOST}",
    "${HO ST}",
    "$$${HOST}",
    "${HOST:0:1}",
    "${HOST^^}",
    "${NONE+x}",
    "${NONE:+x}",
    "${HOST:+x}",
    "${#HOST}",
    "${HOST:1}",
    "${HOST^}",
    "${NONE:?x}",
    "${HOST.name}",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_becomes_what_flux_makes_of_it(tmp_path: Path, text: str) -> None:
    need("fluxbuild")
    (tmp_path / "a").mkdir()
    config = {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": text}
    }  # fmt: skip
    (tmp_path / "a/c.yaml").write_text(json.dumps(config))
    spec = {"path": "./a", "postBuild": {"substitute": VARIABLES}}
    (tmp_path / "k.yaml").write_text(json.dumps({"kind": "Kustomization", "spec": spec}))
    done = subprocess.run(
        [binaries.path("fluxbuild"), tmp_path, tmp_path / "k.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = Substitution(VARIABLES)
    made = ours.text(text)
    assert ours.bad is (done.returncode != 0), done.stderr
    if done.returncode == 0:
        assert (yaml.safe_load(done.stdout)["data"]["k"] or "") == (
            int(made) if made.isdigit() else made
        )
