from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from controller.conditions import Outcome
from controller.reasons import Reason
from controller.sealed.status import SYNCED, is_synced, next_status

T1 = datetime(2026, 1, 1, tzinfo=UTC)
T2 = datetime(2026, 1, 2, tzinfo=UTC)
FINAL = Outcome(Reason.NO_KEY, "no key could decrypt secret (a)")
PASSING = Outcome(Reason.UNAVAILABLE, "the API server is away")


def status(outcome: Outcome, generation: int = 1, now: datetime = T1) -> dict[str, Any]:
    written = next_status(None, outcome, generation=generation, now=now)
    assert written is not None
    return written


@pytest.mark.parametrize(
    ("outcome", "conditions"),
    [
        pytest.param(SYNCED, [("Synced", "True"), ("Ready", "True")], id="success"),
        pytest.param(
            FINAL, [("Synced", "False"), ("Ready", "False"), ("Stalled", "True")], id="final"
        ),
        pytest.param(
            PASSING,
            [("Synced", "False"), ("Ready", "False"), ("Reconciling", "True")],
            id="passing",
        ),
    ],
)
def test_the_conditions_stand_in_their_order(
    outcome: Outcome, conditions: list[tuple[str, str]]
) -> None:
    written = status(outcome)["conditions"]
    assert [(one["type"], one["status"]) for one in written] == conditions
    assert all(one["reason"] == outcome.reason for one in written)


@pytest.mark.parametrize("outcome", [SYNCED, FINAL, PASSING], ids=lambda outcome: outcome.reason)
def test_the_same_outcome_writes_nothing(outcome: Outcome) -> None:
    assert next_status(status(outcome), outcome, generation=1, now=T2) is None


def test_another_message_is_written_and_nothing_has_turned() -> None:
    other = Outcome(Reason.NO_KEY, "no key could decrypt secret (b)")
    written = next_status(status(FINAL), other, generation=1, now=T2)
    assert written is not None
    first = written["conditions"][0]
    assert first["message"] == other.message
    assert first["lastUpdateTime"] == "2026-01-02T00:00:00Z"
    assert first["lastTransitionTime"] == "2026-01-01T00:00:00Z"


def test_a_turn_moves_the_transition_time() -> None:
    written = next_status(status(FINAL), SYNCED, generation=1, now=T2)
    assert written is not None
    assert written["conditions"][0]["lastTransitionTime"] == "2026-01-02T00:00:00Z"
    assert "message" not in written["conditions"][0]


def test_another_generation_is_always_written() -> None:
    written = next_status(status(SYNCED), SYNCED, generation=2, now=T2)
    assert written is not None
    assert written["observedGeneration"] == 2


def test_conditions_of_others_are_kept_after_ours() -> None:
    old = status(SYNCED)
    theirs = {"type": "Theirs", "status": "True"}
    old["conditions"] = [theirs, *old["conditions"]]
    assert next_status(old, SYNCED, generation=1, now=T2) is None
    written = next_status(old, FINAL, generation=1, now=T2)
    assert written is not None
    assert [one["type"] for one in written["conditions"]] == [
        "Synced",
        "Ready",
        "Stalled",
        "Theirs",
    ]


def test_a_status_of_the_peer_is_completed() -> None:
    peers = {"conditions": [{"type": "Synced", "status": "True"}], "observedGeneration": 1}
    assert next_status(peers, SYNCED, generation=1, now=T1) is not None
    assert is_synced(peers, 1)


@pytest.mark.parametrize(
    ("old", "generation", "synced"),
    [
        pytest.param(None, 1, False, id="none"),
        pytest.param({"observedGeneration": -1}, 1, False, id="never-seen"),
        pytest.param(status(SYNCED), 1, True, id="synced"),
        pytest.param(status(SYNCED), 2, False, id="another-generation"),
        pytest.param(status(FINAL), 1, False, id="failed"),
    ],
)
def test_synced_means_this_generation(old: object, generation: int, synced: bool) -> None:
    assert is_synced(old, generation) is synced  # type: ignore[arg-type]


def test_long_messages_are_cut() -> None:
    written = status(Outcome(Reason.NO_KEY, "y" * 100_000))
    assert len(written["conditions"][0]["message"]) == 4096
