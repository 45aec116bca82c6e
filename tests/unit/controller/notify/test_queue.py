from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from controller.notify.batch import Batch, Batcher
from controller.notify.notice import Owner
from controller.notify.queue import Waiting
from tests.unit.controller.notify.test_batch import FLUX, NOW, WINDOW, notice

THEN = datetime(2026, 1, 1, tzinfo=UTC)


def batch(namespace: str, name: str = "db", owner: Owner | None = None) -> Batch:
    return Batch(owner, namespace, "error", (replace(notice(name=name), namespace=namespace),))


def told(waiting: Waiting) -> list[str]:
    """All that wait, in the order in which they are told."""
    names = []
    while waiting:
        names.append(waiting.first()[0].namespace)
        waiting.done()
    return names


def test_namespaces_are_told_of_by_turns() -> None:
    waiting = Waiting()
    for namespace in ("a", "a", "a", "b", "c", "b"):
        waiting.put(batch(namespace), THEN)
    assert told(waiting) == ["a", "b", "c", "a", "b", "a"]


def test_the_alert_of_one_outlives_a_thousand_of_another() -> None:
    waiting = Waiting(room=200)
    waiting.put(batch("shop"), THEN)
    for number in range(1000):
        waiting.put(batch("hostile", f"x{number}"), THEN)
    assert len(waiting) == 200
    assert told(waiting)[:2] == ["shop", "hostile"]


def test_what_does_not_fit_is_counted_in_one_summary_of_its_namespace() -> None:
    waiting = Waiting(room=2)
    waiting.put(batch("shop"), THEN)
    for number in range(300):
        waiting.put(batch("hostile", f"x{number}", Owner("g", "k", "n", f"o{number}")), THEN)
    waiting.done()
    summary = waiting.first()[0]
    assert len(waiting) == 1
    assert (summary.namespace, summary.owner) == ("hostile", None)
    assert len(summary.notices) + summary.more == 300
    assert len(summary.notices) <= 50


def test_the_only_message_of_a_namespace_is_never_given_up() -> None:
    waiting = Waiting(room=2)
    for number in range(9):
        waiting.put(batch(f"n{number}"), THEN)
    assert len(told(waiting)) == 9


def test_labels_that_name_many_owners_make_few_messages() -> None:
    batcher = Batcher(WINDOW)
    for number in range(800):
        labels = {**FLUX, "kustomize.toolkit.fluxcd.io/name": f"o{number}"}
        batcher.add(notice(name=f"x{number}", labels=labels), NOW)
    due = batcher.due(NOW + WINDOW)
    assert len(due) == 21
    assert sum(len(one.notices) for one in due) == 800
