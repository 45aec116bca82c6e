from __future__ import annotations

from typing import Any

from controller.sealed.waiting import Waiting, weigh


def body(size: int) -> dict[str, Any]:
    return {"spec": {"encryptedData": {"k": "x" * size}}}


def test_a_body_weighs_at_least_its_text() -> None:
    for size in (10, 1000, 1_400_000):
        assert size < weigh(body(size)) < size + 2000
    assert weigh({"a": [{"b": "x" * 500}, "y" * 500]}) > 1000


def test_what_does_not_fit_is_not_kept_and_what_is_taken_makes_room() -> None:
    waiting = Waiting(10_000)
    waiting.put(("shop", "a"), body(5000))
    waiting.put(("shop", "b"), body(5000))
    assert ("shop", "a") in waiting
    assert ("shop", "b") not in waiting
    assert waiting.bytes < 10_000
    assert waiting.pop(("shop", "a")) == body(5000)
    assert waiting.bytes == 0
    waiting.put(("shop", "b"), body(5000))
    assert ("shop", "b") in waiting


def test_a_newer_body_takes_the_place_of_the_older_even_where_it_does_not_fit() -> None:
    waiting = Waiting(10_000)
    waiting.put(("shop", "a"), body(10))
    waiting.put(("shop", "a"), body(20))
    assert waiting.pop(("shop", "a")) == body(20)
    waiting.put(("shop", "a"), body(10))
    waiting.put(("shop", "a"), body(20_000))
    assert waiting.pop(("shop", "a")) is None
    assert waiting.bytes == 0
