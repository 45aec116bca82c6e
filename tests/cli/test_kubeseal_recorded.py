"""``seal kubeseal`` does what the real kubeseal was seen to do, where there is no Go, too."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sealer.cli import _ui, group
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


class InProcess:
    """Runs ``seal kubeseal`` in this process, with streams, folder and environment of its own."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def __call__(
        self,
        arguments: list[str],
        folder: Path,
        *,
        files: Files,
        stdin: str | bytes = "",
        environment: Mapping[str, str] | None = None,
    ) -> peers.Outcome:
        before = peers.lay_out(folder, files)
        given = io.BytesIO(stdin.encode() if isinstance(stdin, str) else stdin)
        out, err = io.BytesIO(), io.BytesIO()
        with self._patch.context() as patch:
            patch.chdir(folder)
            for name in list(os.environ):
                patch.delenv(name)
            for name, value in {"HOME": str(folder), **(environment or {})}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["seal", "kubeseal", *arguments])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(given)))
            streams = io.TextIOWrapper(out), io.TextIOWrapper(err)
            patch.setattr(sys, "stdout", streams[0])
            patch.setattr(sys, "stderr", streams[1])
            handlers = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP)}
            try:
                code = _ui.run(group, "seal")
            finally:
                for one, handler in handlers.items():
                    signal.signal(one, handler)
        return peers.Outcome(code, _text(out), _text(err), peers.changes(folder, before))


def _text(written: io.BytesIO) -> str:
    return written.getvalue().decode(errors="replace")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> InProcess:
    """The program."""
    return InProcess(monkeypatch)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """What stands in the folder of every run, sealed by ourselves."""
    with pytest.MonkeyPatch.context() as patch:
        return with_sealed(InProcess(patch), tmp_path_factory.mktemp("sealed"), make_files())


@pytest.mark.parametrize("name", CASES)
def test_a_command_line_does_what_kubeseal_did(
    name: str, run: Any, files: Files, tmp_path: Path
) -> None:
    done = outcome_of(run, CASES[name], tmp_path / "run", files)
    assert recordable(done) == recorded()[name]
