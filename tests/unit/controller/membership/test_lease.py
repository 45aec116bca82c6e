from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from controller.membership.lease import Identity, Lease, Times, group_of, manifest, member_name

NOW = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)
ME = Identity("sealer-abc", "sealed-secrets", "0123", pod="sealer", pod_uid="pod-uid")


def written(**changes: Any) -> dict[str, Any]:
    made = manifest(ME, Times(), joined=NOW, now=NOW)
    made["metadata"].update(uid="u", resourceVersion="7")
    made["spec"].update(changes)
    return made


def test_what_is_written_is_read() -> None:
    lease = Lease.read(written())
    assert lease == Lease(
        "sealer-abc", "2026-03-01T12:00:00.000005Z", 15.0, "u", "7", pod_uid="pod-uid"
    )


def test_without_a_pod_there_is_no_owner() -> None:
    made = manifest(Identity("m", "n", "g"), Times(), joined=NOW, now=NOW)
    assert "ownerReferences" not in made["metadata"]


@pytest.mark.parametrize(
    "changes",
    [
        {"holderIdentity": None},
        {"holderIdentity": ""},
        {"holderIdentity": "another"},
        {"holderIdentity": "two\nlines"},
        {"leaseDurationSeconds": None},
        {"leaseDurationSeconds": "15"},
    ],
)
def test_what_no_member_wrote_is_passed_over(changes: dict[str, Any]) -> None:
    assert Lease.read(written(**changes)) is None


@pytest.mark.parametrize("empty", [{}, {"metadata": None, "spec": None}])
def test_what_is_no_lease_is_passed_over(empty: dict[str, Any]) -> None:
    assert Lease.read(empty) is None


@pytest.mark.parametrize(("said", "taken"), [(-5, 1.0), (0, 1.0), (10**9, 3600.0)])
def test_a_lease_cannot_say_that_it_holds_for_ever(said: int, taken: float) -> None:
    lease = Lease.read(written(leaseDurationSeconds=said))
    assert lease is not None
    assert lease.duration == taken


@pytest.mark.parametrize(
    ("base", "name"),
    [
        ("sealer-7c9d-x2x4z", "sealer-7c9d-x2x4z-t0k3n"),
        ("My Host.local.", "my-host.local-t0k3n"),
        ("", "sealer-t0k3n"),
        ("Ünïcode", "n-code-t0k3n"),
        ("x" * 300, "x" * 200 + "-t0k3n"),
    ],
)
def test_a_member_has_a_name_that_kubernetes_takes(base: str, name: str) -> None:
    assert member_name(base, "t0k3n") == name


def test_only_those_that_serve_the_same_are_a_group() -> None:
    assert group_of(["a"], "x", True) == group_of(["a"], "x", True)
    assert group_of(["a"], "x", True) != group_of(["a"], "x", False)
    assert group_of(["a", "b"], "") != group_of(["a"], "b")
