from __future__ import annotations

from itertools import islice

import pytest

from controller.backoff import Backoff, Bucket


def test_each_wait_is_twice_the_one_before_up_to_the_longest() -> None:
    assert list(islice(Backoff(5.0, 60.0), 6)) == [5, 10, 20, 40, 60, 60]


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [
        pytest.param(0, 0.0, id="none"),
        pytest.param(-3, 0.0, id="less-than-none"),
        pytest.param(1, 0.05, id="one"),
        pytest.param(10**9, 300.0, id="for-years"),
    ],
)
def test_failures_in_a_row_are_counted_from_one(failures: int, seconds: float) -> None:
    assert Backoff(0.05, 300.0).after(failures) == seconds


def test_a_wait_is_spread_and_never_longer_than_the_longest() -> None:
    backoff = Backoff(10.0, 15.0, spread=0.2)
    assert backoff.after(1, lambda: 0.0) == pytest.approx(8.0)
    assert backoff.after(1, lambda: 1.0) == pytest.approx(12.0)
    assert backoff.after(2, lambda: 1.0) == 15.0


def test_a_bucket_lets_a_burst_go_and_then_its_rate() -> None:
    now = 100.0
    bucket = Bucket(2.0, 3, lambda: now)
    waits = []
    for _ in range(5):
        waits.append(max(0.0, bucket.delay()))
        bucket.take()
    assert waits == [0, 0, 0, 0.5, 1.0]
    now += 60
    assert bucket.delay() <= 0
    bucket.take(3)
    assert bucket.delay() == pytest.approx(0.5)
