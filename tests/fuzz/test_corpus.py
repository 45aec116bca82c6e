"""Every input that was ever kept, and a short run of the fuzzer, the same each time."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.fuzz.__main__ import fuzz
from tests.fuzz.kept import CORPUS, NAMES
from tests.fuzz.targets import TARGETS

RUNS = {
    "yaml": 4000, "json": 4000, "manifests": 4000, "envelope": 2000, "template-lexer": 15000,
    "template-parser": 15000, "der": 20000, "pfx": 10000, "http-body": 10000, "kubeconfig": 1500,
    "rules": 10000, "keys": 4000,
}  # fmt: skip


def test_every_target_has_a_corpus_and_every_corpus_a_target() -> None:
    assert tuple(TARGETS) == NAMES == tuple(RUNS)
    assert {path.name for path in CORPUS.iterdir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_no_kept_input_breaks_its_reader(name: str) -> None:
    kept = sorted((CORPUS / name).iterdir())
    assert kept
    for path in kept:
        TARGETS[name](path.read_bytes())


@pytest.mark.parametrize("name", NAMES)
def test_a_short_run_finds_nothing(name: str, tmp_path: Path) -> None:
    """The same inputs each time: a longer run with others is ``make fuzz``, and each night's."""
    if find_spec("atheris") is None:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse("there is no atheris for this machine")
    done = fuzz(name, [f"-runs={RUNS[name]}", "-seed=1"], tmp_path / "found")
    assert done.returncode == 0, done.stdout[-4000:]
