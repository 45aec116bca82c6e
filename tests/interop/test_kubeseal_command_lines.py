"""A script sees the same of ``seal kubeseal`` as of kubeseal: output, errors, exit code, files."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.interop import peers
from tests.interop.command_lines import (
    CASES,
    Files,
    make_files,
    outcome_of,
    recordable,
    recorded,
    with_sealed,
)
from tests.testbed.fixtures import need

# Rows that differ by a value alone: the record is enough for these.
VALUES = ("base64 ", "number ")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """What stands in the folder of every run."""
    need("kubeseal")
    folder = tmp_path_factory.mktemp("sealed")
    return with_sealed(partial(peers.run, peers.kubeseal()), folder, make_files())


@pytest.mark.parametrize("name", CASES)
def test_kubeseal_does_what_was_recorded(name: str, files: Files, tmp_path: Path) -> None:
    # The record serves where there is no Go: tests/cli/test_kubeseal_recorded.py.
    theirs = outcome_of(partial(peers.run, peers.kubeseal()), CASES[name], tmp_path / "run", files)
    assert recordable(theirs) == recorded()[name]


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith(VALUES)])
def test_a_command_line_does_what_it_does_at_kubeseal(
    name: str, files: Files, tmp_path: Path
) -> None:
    theirs = outcome_of(partial(peers.run, peers.kubeseal()), CASES[name], tmp_path / "run", files)
    mine = outcome_of(partial(peers.run, peers.ours()), CASES[name], tmp_path / "mine", files)
    assert mine == theirs


def test_the_record_has_no_other_cases() -> None:
    assert recorded().keys() == CASES.keys()
