"""What a controller remembers of its keys, as a Secret holds it."""

from __future__ import annotations

from typing import Any

import pytest

from sealer import encoding
from sealer.keys.custody import Custody
from sealer.keys.record import RECORD_NAME, KeyRecord, only_unseals

RECORD = KeyRecord(frozenset({"aa", "bb"}), frozenset({"cc"}))


def test_it_is_read_as_it_was_written() -> None:
    assert KeyRecord.of(RECORD.manifest("home")) == RECORD
    assert KeyRecord.of(KeyRecord().manifest("home")) == KeyRecord()


@pytest.mark.parametrize(
    "data",
    [None, [], {}, {"sealing": None}, {"sealing": "?"}, {"sealing": encoding.encode(b"\xff")}],
)
def test_what_cannot_be_read_lets_no_key_seal(data: Any) -> None:
    assert KeyRecord.of({"data": data}) == KeyRecord()


def test_a_key_that_may_seal_stays_so_and_one_that_only_unseals_may_be_let() -> None:
    assert RECORD.having("aa", seals=False) == RECORD
    assert RECORD.having("cc", seals=True) == KeyRecord(frozenset({"aa", "bb", "cc"}))
    assert RECORD.having("dd", seals=False).unsealing == {"cc", "dd"}


def test_a_key_from_outside_is_adopted_until_somebody_says_that_it_is_known() -> None:
    adopted = RECORD.adopting("dd", seals=True)
    assert adopted.sealing == {"aa", "bb", "dd"}
    assert adopted.adopted == {"dd"}
    assert KeyRecord.of(adopted.manifest("home")) == adopted
    assert adopted.having("dd", seals=True).adopted == set()
    assert RECORD.adopting("dd", seals=False).adopted == set()
    assert RECORD.joined(adopted) == adopted
    assert RECORD.having("dd", seals=True).joined(adopted).adopted == set()


def test_of_two_records_the_first_has_the_word() -> None:
    other = KeyRecord(frozenset({"cc", "dd"}), frozenset({"aa", "ee"}))
    assert RECORD.joined(other) == KeyRecord(frozenset({"aa", "bb", "dd"}), frozenset({"cc", "ee"}))


def test_no_manifest_may_write_it() -> None:
    custody = Custody("home", "mine")
    assert custody.covers(RECORD.manifest("home"))
    assert not custody.covers(RECORD.manifest("elsewhere"))
    assert RECORD.manifest("home")["metadata"]["name"] == RECORD_NAME


def test_a_key_secret_says_of_itself_that_it_only_unseals() -> None:
    name = "sealer.dev/only-unseals"
    assert only_unseals({"metadata": {"annotations": {name: "true"}}})
    assert not only_unseals({"metadata": {"annotations": {name: "no"}}})
    assert not only_unseals({"metadata": {}})
