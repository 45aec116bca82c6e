"""`make cluster` ends all that it started, however it is ended."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = """\
import signal, sys
from tests.testbed.cluster import end_by_signals
signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell starts it with &
end_by_signals()
try:
    print("ready", flush=True)
    signal.pause()
except KeyboardInterrupt:
    print("everything is stopped", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_every_signal_that_ends_it_is_an_orderly_end(number: signal.Signals) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.send_signal(number)
    assert child.communicate(timeout=30)[0] == "everything is stopped\n"
