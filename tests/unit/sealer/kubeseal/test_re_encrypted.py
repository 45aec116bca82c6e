"""Of the controller's answer, the new ciphertext counts, and nothing else."""

from __future__ import annotations

import pytest

from sealer.encoding import encode
from sealer.errors import ManifestError
from sealer.kubeseal.controller import re_encrypted
from sealer.kubeseal.reading import read_sealed_secrets


def item(letter: str) -> str:
    """An item in form: a wrapped key of one byte, a tag, and a value of one byte."""
    return encode(b"\x00\x01" + letter.encode() * 18)


A, B = item("a"), item("b")
FILE = f"metadata: {{name: db}} # mine\nspec:\n  encryptedData: {{a: {A}, b: {B}}}\n"


def renewed(text: str, answer: dict[str, str]) -> str:
    """The document's text with the answer's items."""
    ((document, sealed),) = read_sealed_secrets(text, "s")
    return re_encrypted(document, sealed, answer).text


def test_only_items_that_were_there_change() -> None:
    answer = {"a": A, "b": item("c"), "baked-in": item("d")}
    assert renewed(FILE, answer) == FILE.replace(B, item("c"))


def test_an_item_that_the_answer_lacks_is_told() -> None:
    with pytest.raises(ManifestError, match="the answer lacks b"):
        renewed(FILE, {"a": A})


def test_one_value_for_all_keys_is_told() -> None:
    with pytest.raises(ManifestError, match="one value for all keys"):
        renewed("metadata: {name: db}\nspec: {data: QUJD, encryptedData: {}}\n", {})
