"""What a controller may answer: the same sizes, each in its place."""

from __future__ import annotations

import pytest

from sealer import Secret, seal
from sealer.changes.renewed import foreign
from sealer.errors import ManifestError
from sealer.kubeseal.controller import re_encrypted
from sealer.manifest import read_documents, to_yaml
from tests.sealing_keys import pair


def items(key: str, **values: str) -> dict[str, str]:
    data = {name: value.encode() for name, value in values.items()}
    secret = Secret(name="db", namespace="prod", data=data)
    return dict(seal(secret, pair(key).certificate).encrypted_data)


BEFORE = items("one", a="four", b="more")
ANSWERS = [
    pytest.param(items("two", a="longer"), "its size differs", id="grown"),
    pytest.param(items("two", a="x"), "its size differs", id="shrunk"),
    pytest.param(items("two", a=""), "its size differs", id="empty"),
    pytest.param({"a": "AAAA"}, "its size differs", id="no item"),
    pytest.param({"a": "no base64"}, "its size differs", id="no base64"),
    pytest.param({"a": BEFORE["b"]}, "another key", id="swapped"),
]


def test_items_of_the_same_sizes_may_be_the_same_values() -> None:
    assert foreign(BEFORE, items("two", a="four", b="more")) is None
    assert foreign(BEFORE, {}) is None


@pytest.mark.parametrize(("after", "words"), ANSWERS)
def test_other_items_are_not(after: dict[str, str], words: str) -> None:
    found = foreign(BEFORE, after)
    assert found is not None
    assert found[0] == "a"
    assert words in found[1]


@pytest.mark.parametrize(("after", "words"), ANSWERS)
def test_kubeseals_re_encryption_refuses_them_too(after: dict[str, str], words: str) -> None:
    manifest = {"kind": "SealedSecret", "spec": {"encryptedData": BEFORE}}
    document = next(iter(read_documents(to_yaml(manifest), "x")))
    with pytest.raises(ManifestError, match=words):
        re_encrypted(document, manifest, {**items("two", a="four", b="more"), **after})
