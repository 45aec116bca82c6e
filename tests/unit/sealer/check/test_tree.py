"""A Git tree as values: what cannot be read is a finding at its place."""

from __future__ import annotations

import pytest

from sealer.check.findings import Place
from sealer.check.tree import read_tree


@pytest.mark.parametrize("path", ["a.yaml", "a: b.yaml", "a:7: b.yaml"])
def test_a_fault_stands_at_its_line_whatever_the_file_is_called(path: str) -> None:
    text = "kind: Secret\napiVersion: v1\nmetadata: {name: a}\ndata:\n  x: MQ==\n  x: MQ==\n"
    [fault] = read_tree({path: text}).faults
    assert fault.place == Place(path, 6)
    assert fault.message == "cannot be read: data.x: the key is there twice"
