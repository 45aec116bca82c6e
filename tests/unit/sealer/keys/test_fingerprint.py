"""Fingerprints as people write them."""

from __future__ import annotations

import pytest

from sealer.keys.fingerprint import normal

DIGITS = "ab" * 32


@pytest.mark.parametrize(
    "text",
    [
        DIGITS,
        DIGITS.upper(),
        ":".join(["AB"] * 32),
        f"sha256 Fingerprint={':'.join(['AB'] * 32)}\n",
        f"sha256:{DIGITS}",
    ],
)
def test_a_fingerprint_is_read_as_tools_print_it(text: str) -> None:
    assert normal(text) == DIGITS


@pytest.mark.parametrize("text", ["", "ab", DIGITS[:-1], DIGITS + "a", "zz" * 32, "ab" * 20])
def test_what_is_not_a_whole_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="64 hex digits"):
        normal(text)
