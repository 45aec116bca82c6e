"""Fixtures for whole commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daytwo.tree import Tree, make_tree


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A folder with two key pairs."""
    return make_tree(tmp_path)
