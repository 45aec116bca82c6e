"""Small things as Go writes them; most are compared with kubeseal by its command lines."""

from __future__ import annotations

import pytest

from sealer.errors import KeyFileError
from sealer.kubeseal.gotext import float_text
from sealer.kubeseal.recovery import read_keys
from sealer.kubeseal.writing import natural_order


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(3.4028e38, "3.4028e+38", id="nearly the largest"),
        pytest.param(3.4028234663852886e38, "3.4028235e+38", id="the largest"),
        pytest.param(3.5e38, "+Inf", id="beyond"),
        pytest.param(-3.5e38, "-Inf", id="beyond, negative"),
        pytest.param(float("nan"), "NaN", id="none"),
        pytest.param(1e-45, "1e-45", id="the smallest"),
    ],
)
def test_floats_are_32_bits_wide(value: float, text: str) -> None:
    assert float_text(value) == text


@pytest.mark.parametrize(
    "ordered",
    [
        pytest.param(["a1", "a9", "a10", "a100"], id="numbers"),
        pytest.param([".a", "_a", "A", "a"], id="letters last"),
        pytest.param(["a", "a.b", "aa"], id="prefix first"),
        pytest.param(["a9", "a09", "a10"], id="leading zeros"),
        pytest.param(["x100", "x101", "x110", "x1000"], id="zeros inside a number"),
    ],
)
def test_yaml_keys_are_in_natural_order(ordered: list[str]) -> None:
    assert natural_order(reversed(ordered)) == ordered


def test_a_list_of_keys_that_is_no_manifest_is_told() -> None:
    with pytest.raises(KeyFileError, match="the key is there twice"):
        read_keys(b"kind: List\nitems:\n- data: {a: b}\n  data: {a: b}\n", "keys.yaml")
