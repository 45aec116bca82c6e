"""Rate limit, events, log lines."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

import pytest

from controller.events.event import event
from controller.http.ratelimit import RateLimit
from controller.logs import JsonFormatter, TextFormatter
from controller.reasons import Reason

NOW = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


def test_the_rate_limit_lets_a_burst_go_and_then_the_rate() -> None:
    now = [0.0]
    limit = RateLimit(2, 2, clock=lambda: now[0])
    assert [limit.take("a").allowed for _ in range(4)] == [True, True, True, False]
    assert limit.take("b").allowed
    refused = limit.take("a")
    assert refused.limit == 3
    assert refused.remaining == 0
    assert refused.retry_after_seconds == pytest.approx(0.5)
    now[0] = 0.5
    assert limit.take("a").allowed
    assert not limit.take("a").allowed
    now[0] = 100.0
    assert limit.take("a").remaining == 2


def test_what_was_dear_is_paid_for_later() -> None:
    now = [0.0]
    limit = RateLimit(2, 2, clock=lambda: now[0])
    assert limit.take("a").allowed
    limit.charge("a", 0)
    assert limit.take("a").remaining == 1
    limit.charge("a", 10)
    refused = limit.take("a")
    assert (refused.allowed, refused.remaining) == (False, 0)
    # Twelve were taken, three may be at once: ten to come, two a second.
    assert refused.retry_after_seconds == pytest.approx(5)
    assert limit.take("b").allowed
    now[0] = 5.0
    assert limit.take("a").allowed


def test_a_rate_of_zero_is_no_limit() -> None:
    limit = RateLimit(0, 0, clock=lambda: 0.0)
    assert all(limit.take("a").allowed for _ in range(100))


def test_the_rate_limit_remembers_only_so_many_peers() -> None:
    limit = RateLimit(1, 0, clock=lambda: 0.0)
    for number in range(20_001):
        limit.take(str(number))
    assert limit.take("0").allowed
    assert not limit.take("20000").allowed


INVOLVED = {
    "apiVersion": "bitnami.com/v1alpha1",
    "kind": "SealedSecret",
    "metadata": {"name": "db", "namespace": "shop", "uid": "u", "resourceVersion": "7"},
}


def test_an_event_is_about_its_object() -> None:
    made = event(INVOLVED, Reason.UNSEALED, "fine", now=NOW, serial=1)
    assert made["involvedObject"]["uid"] == "u"
    assert made["metadata"]["namespace"] == "shop"
    assert made["metadata"]["name"].startswith("db.")
    assert (made["type"], made["source"]) == ("Normal", {"component": "sealed-secrets"})
    assert event(INVOLVED, Reason.UNSEAL_FAILED, "x", now=NOW, serial=2)["type"] == "Warning"


def test_event_names_differ_and_long_texts_are_cut() -> None:
    long = {**INVOLVED, "metadata": {"name": "n" * 253, "namespace": "shop"}}
    names = {
        event(long, Reason.UNSEALED, "m", now=NOW, serial=n)["metadata"]["name"] for n in range(100)
    }
    assert len(names) == 100
    assert max(map(len, names)) <= 253
    assert len(event(long, Reason.UNSEALED, "m" * 5000, now=NOW, serial=1)["message"]) == 1024


def test_an_object_without_a_namespace_is_told_of_in_the_default_one() -> None:
    cluster = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}
    assert (
        event(cluster, Reason.UNSEALED, "m", now=NOW, serial=1)["metadata"]["namespace"]
        == "default"
    )


def record(**extra: object) -> logging.LogRecord:
    values = {"msg": "un sealed", "levelname": "WARNING", "created": NOW.timestamp(), **extra}
    return logging.makeLogRecord(values)


def test_a_text_line_is_as_slog_writes_it() -> None:
    line = TextFormatter().format(record(object="shop/db", count=2, empty="", odd='a"b\n'))
    assert line == (
        'time=2026-01-01T12:00:00.123Z level=WARN msg="un sealed" '
        'object=shop/db count=2 odd="a\\"b\\n"'
    )


def test_a_json_line_has_the_same_fields() -> None:
    line = json.loads(JsonFormatter().format(record(object="shop/db", settings=object())))
    assert line == {
        "time": "2026-01-01T12:00:00.123Z",
        "level": "WARN",
        "msg": "un sealed",
        "object": "shop/db",
    }


def test_of_an_exception_only_its_class_is_logged() -> None:
    try:
        raise ValueError("canary")
    except ValueError as error:
        line = TextFormatter().format(record(exc_info=(type(error), error, None)))
    assert line.endswith("error=ValueError")
    assert "canary" not in line
