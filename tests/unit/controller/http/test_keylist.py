"""The list of keys: who is vouched for."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest

from controller.http.keylist import KeyList
from sealer.keys.ring import KeyRing
from tests.sealing_keys import pair


def asked(ring: KeyRing) -> tuple[int, list[dict[str, Any]]]:
    """What it answers: the code, and the keys."""
    answer = asyncio.run(KeyList(lambda: ring).answer(cast(Any, None)))
    is_list = answer.status == 200
    return answer.status, json.loads(cast(bytes, answer.body))["keys"] if is_list else []


KEYS = (pair("two"), pair("one"))


def test_older_keys_announce_the_newest() -> None:
    status, keys = asked(KeyRing(KEYS))
    assert status == 200
    assert [one.get("successor", {}).get("fingerprint") for one in keys] == [
        None,
        pair("two").fingerprint,
    ]


def test_no_key_announces_one_that_came_from_outside() -> None:
    status, keys = asked(KeyRing(KEYS, announced=False))
    assert status == 200
    assert [one["fingerprint"] for one in keys] == [pair("two").fingerprint]
    assert not any("successor" in one for one in keys)


@pytest.mark.parametrize("ring", [KeyRing(()), KeyRing(KEYS, seals=False)], ids=["none", "held"])
def test_there_is_no_list_without_a_key_that_seals(ring: KeyRing) -> None:
    assert asked(ring) == (500, [])
