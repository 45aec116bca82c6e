from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.events.recorder import Happening
from controller.notify.batch import Batcher
from controller.notify.notice import Notice, Owner, notice_of
from controller.reasons import Reason

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
WINDOW = timedelta(seconds=10)
FLUX = {
    "kustomize.toolkit.fluxcd.io/name": "apps",
    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
}


def happening(reason: Reason = Reason.UNSEAL_FAILED, name: str = "db", **options: Any) -> Happening:
    metadata = {"name": name, "namespace": "shop", "labels": options.pop("labels", {})}
    involved = {"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": metadata}
    message = options.pop("message", "Failed to unseal: no key could decrypt secret (password)")
    return Happening(involved, reason, message, NOW, **options)


def notice(*args: Any, **options: Any) -> Notice:
    found = notice_of(happening(*args, **options))
    assert found is not None
    return found


def test_a_failure_says_where_what_since_when_and_the_cure() -> None:
    assert notice(cause=Reason.NO_KEY).line() == (
        "shop/db: cannot be unsealed (since 2026-01-01 12:00 UTC) - "
        "seal it anew for this cluster, name and namespace, or restore its key"
    )


def test_names_of_keys_are_told_only_where_asked_for() -> None:
    assert "password" not in notice(cause=Reason.NO_KEY).line()
    assert "(password)" in notice(cause=Reason.NO_KEY).line(keys=True)


def test_what_went_as_it_should_is_not_told() -> None:
    assert notice_of(happening(Reason.UNSEALED)) is None
    assert notice_of(happening(Reason.SYNCED)) is None


@pytest.mark.parametrize("reason", [one for one in Reason if one.is_warning])
def test_every_warning_is_told_in_words(reason: Reason) -> None:
    told = notice(reason)
    assert told.what
    assert told.what[0].islower()
    assert told.cure
    assert told.severity == "error"


def test_the_owner_is_who_flux_says_it_is() -> None:
    assert notice(labels=FLUX).owner == Owner(
        "kustomize.toolkit.fluxcd.io", "Kustomization", "flux-system", "apps"
    )
    assert notice().owner is None


def test_two_hundred_at_once_are_one_message() -> None:
    batcher = Batcher(WINDOW)
    for number in range(200):
        batcher.add(notice(name=f"s{number}", labels=FLUX), NOW)
    assert batcher.due(NOW + timedelta(seconds=9)) == []
    assert batcher.next_due() == NOW + WINDOW
    [batch] = batcher.due(NOW + WINDOW)
    assert len(batch.notices) == 200
    assert batcher.next_due() is None


def test_each_owner_and_each_severity_has_its_message() -> None:
    batcher = Batcher(WINDOW)
    batcher.add(notice(labels=FLUX), NOW)
    batcher.add(notice(name="other"), NOW)
    batcher.add(notice(Reason.DRIFT_CORRECTED, name="third"), NOW)
    batches = batcher.due(NOW + WINDOW)
    assert sorted((b.owner is not None, b.severity) for b in batches) == [
        (False, "error"),
        (False, "info"),
        (True, "error"),
    ]


def test_failing_and_recovering_within_a_window_is_not_told() -> None:
    batcher = Batcher(WINDOW)
    batcher.add(notice(), NOW)
    batcher.add(notice(Reason.UNSEALED, recovered=True), NOW)
    assert batcher.due(NOW + WINDOW) == []


def test_a_failure_that_was_told_recovers_with_one_message() -> None:
    batcher = Batcher(WINDOW)
    batcher.add(notice(), NOW)
    batcher.due(NOW + WINDOW)
    batcher.add(notice(message="another"), NOW)
    batcher.add(notice(Reason.UNSEALED, recovered=True), NOW)
    [batch] = batcher.due(NOW + WINDOW)
    assert [one.reason for one in batch.notices] == [Reason.RECOVERED]


def test_what_failed_before_a_restart_recovers_with_a_message() -> None:
    batcher = Batcher(WINDOW)
    batcher.add(notice(Reason.UNSEALED, recovered=True), NOW)
    assert len(batcher.due(NOW + WINDOW)) == 1


def test_of_two_failures_the_last_words_count() -> None:
    batcher = Batcher(WINDOW)
    batcher.add(notice(), NOW)
    batcher.add(notice(Reason.UPDATE_FAILED, message="other"), NOW)
    [batch] = batcher.due(NOW + WINDOW)
    assert [one.reason for one in batch.notices] == [Reason.UPDATE_FAILED]


def test_a_flood_is_counted_beyond_its_room() -> None:
    batcher = Batcher(WINDOW)
    for number in range(2500):
        batcher.add(notice(name=f"s{number}"), NOW)
    [batch] = batcher.due(NOW + WINDOW)
    assert (len(batch.notices), batch.more) == (2000, 500)


def test_at_the_end_everything_is_due() -> None:
    batcher = Batcher(WINDOW)
    batcher.add(notice(), NOW)
    assert len(batcher.due(NOW, all_of_them=True)) == 1
