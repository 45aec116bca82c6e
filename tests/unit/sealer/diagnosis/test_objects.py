"""States and cures out of what a cluster says."""

from __future__ import annotations

from typing import Any

import pytest

from controller.reasons import Reason, Whose
from sealer.diagnosis.cures import SEALED, UNSEEN
from sealer.diagnosis.objects import ObjectStatus, about_key, said


def manifest(*conditions: dict[str, str], **status: Any) -> dict[str, Any]:
    """A SealedSecret of generation 2."""
    metadata = {"namespace": "n", "name": "a", "generation": 2}
    return {
        "kind": "SealedSecret",
        "metadata": metadata,
        "status": {"conditions": list(conditions), **status},
    }


def condition(type_: str, status: str, reason: str = "R") -> dict[str, str]:
    """One condition."""
    return {"type": type_, "status": status, "reason": reason}


@pytest.mark.parametrize(
    ("object_", "state"),
    [
        pytest.param({"kind": "SealedSecret", "metadata": {"name": "a"}}, "waiting", id="new"),
        pytest.param({"kind": "SealedSecret", "metadata": None, "status": 3}, "waiting", id="odd"),
        pytest.param(
            manifest(condition("Ready", "True"), observedGeneration=1), "waiting", id="changed"
        ),
        pytest.param(
            manifest(condition("Ready", "True"), observedGeneration=2), "ready", id="ready"
        ),
        pytest.param(
            manifest(condition("Synced", "True"), observedGeneration=-1), "ready", id="the peer's"
        ),
        pytest.param(manifest(condition("Synced", "False")), "failed", id="the peer's failure"),
        pytest.param(
            manifest(condition("Ready", "False"), condition("Stalled", "True")),
            "failed",
            id="for a person",
        ),
        pytest.param(
            manifest(condition("Ready", "False"), condition("Reconciling", "True")),
            "retried",
            id="tried again",
        ),
    ],
)
def test_the_state_is_what_kstatus_says(object_: dict[str, Any], state: str) -> None:
    found = ObjectStatus.of(object_)
    assert found.state == state
    assert (found.cure == "") == (state == "ready")
    assert (found.cure == UNSEEN) == (state == "waiting")


def test_every_reason_of_the_controller_has_a_cure() -> None:
    reasons = {one.value for one in Reason if Whose.SEALED in one.row.whose}
    assert set(SEALED) == reasons - {"Synced"}


def test_a_reason_of_a_vault_leads_to_its_page() -> None:
    object_ = manifest(condition("Ready", "False", "NotAllowed"), condition("Stalled", "True"))
    found = ObjectStatus.of({**object_, "kind": "KeyVaultSecret"})
    assert found.cure.startswith("see NotAllowed in https://")
    assert found.cure.endswith("/key-vault-reasons.md")


def test_the_key_is_told_with_its_cure() -> None:
    object_ = manifest(condition("Ready", "True"))
    object_["metadata"]["annotations"] = {"sealer.dev/certificate-fingerprint": "a" * 64}
    object_["spec"] = {"encryptedData": {"k": "x"}}
    found = ObjectStatus.of(object_)
    assert about_key(found, "") == ("", "")
    assert about_key(found, "a" * 64)[1] == ""
    says, cure = about_key(found, "b" * 64)
    assert says == f"sealed for {'a' * 16}; the cluster seals with {'b' * 16} now"
    assert "before that key is retired" in cure


def test_events_come_in_their_order() -> None:
    events: list[dict[str, Any]] = [
        {"lastTimestamp": "2026-01-02T00:00:00Z", "reason": "B", "count": 3},
        {"eventTime": "2026-01-01T00:00:00Z", "reason": "A"},
    ]
    assert [(one.reason, one.count) for one in said(events)] == [("A", 1), ("B", 3)]
