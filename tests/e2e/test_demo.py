"""The demo of the README, in a real cluster."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.testbed.cluster import ROOT


@pytest.mark.usefixtures("network")
def test_the_demo_runs_the_whole_loop() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.testbed.demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the same password, username" in done.stdout
    # Two items, and the annotation that names the certificate.
    assert "3 lines changed" in done.stdout
    assert done.stdout.rstrip().endswith("are gone")
