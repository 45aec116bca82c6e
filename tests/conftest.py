"""What every folder of tests may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testbed.fixtures import azure, namespace, network, plane
from tests.tree import Tree, make_tree

__all__ = ["azure", "namespace", "network", "plane"]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A folder with two key pairs."""
    return make_tree(tmp_path)
