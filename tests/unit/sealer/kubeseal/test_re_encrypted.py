"""Of the controller's answer, the new ciphertext counts, and nothing else."""

from __future__ import annotations

import pytest

from sealer.errors import ManifestError
from sealer.kubeseal.controller import re_encrypted
from sealer.kubeseal.reading import read_sealed_secrets

FILE = "metadata: {name: db} # mine\nspec:\n  encryptedData: {a: QUJD, b: REVG}\n"


def renewed(text: str, answer: dict[str, str]) -> str:
    """The document's text with the answer's items."""
    ((document, sealed),) = read_sealed_secrets(text, "s")
    return re_encrypted(document, sealed, answer).text


def test_only_items_that_were_there_change() -> None:
    answer = {"a": "QUJD", "b": "R0hJ", "baked-in": "SktM"}
    assert renewed(FILE, answer) == FILE.replace("REVG", "R0hJ")


def test_an_item_that_the_answer_lacks_is_told() -> None:
    with pytest.raises(ManifestError, match="the answer lacks b"):
        renewed(FILE, {"a": "QUJD"})


def test_one_value_for_all_keys_is_told() -> None:
    with pytest.raises(ManifestError, match="one value for all keys"):
        renewed("metadata: {name: db}\nspec: {data: QUJD, encryptedData: {}}\n", {})
