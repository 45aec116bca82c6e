"""A folder to work in, with keys beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli import program


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate and key of every shape."""
    folder = tmp_path_factory.mktemp("keys")
    program.make_keys(folder)
    return folder


@pytest.fixture
def work(tmp_path: Path, keys: Path) -> Path:
    """An empty folder; the keys are in ``../keys``."""
    shutil.copytree(keys, tmp_path / "keys")
    folder = tmp_path / "work"
    folder.mkdir()
    return folder
