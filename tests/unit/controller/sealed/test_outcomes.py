from __future__ import annotations

import pytest

from controller.api.errors import (
    ClusterError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    UnavailableError,
)
from controller.reasons import Reason
from controller.sealed.desired import RefusedError
from controller.sealed.outcomes import delay, understand, unseal_message
from controller.sealed.plan import UnmanagedError
from sealer.errors import (
    ManifestError,
    ManyErrors,
    NoKeyError,
    SealerError,
    TemplateError,
    UnsealError,
)


def half() -> float:
    return 0.5


@pytest.mark.parametrize(
    ("error", "reason", "final", "event", "metric"),
    [
        pytest.param(
            NoKeyError("x", key="a"), "NoKey", True, Reason.UNSEAL_FAILED, "unseal", id="key"
        ),
        pytest.param(
            UnsealError("x", key="a"), "Damaged", True, Reason.UNSEAL_FAILED, "unseal", id="damaged"
        ),
        pytest.param(
            TemplateError("x"),
            "TemplateFailed",
            True,
            Reason.UNSEAL_FAILED,
            "unseal",
            id="template",
        ),
        pytest.param(
            ManifestError("x"), "Malformed", True, Reason.UNSEAL_FAILED, "unseal", id="manifest"
        ),
        pytest.param(
            SealerError("x"), "UnsealFailed", True, Reason.UNSEAL_FAILED, "unseal", id="other"
        ),
        pytest.param(
            UnmanagedError("x"), "Unmanaged", True, Reason.UPDATE_FAILED, "unmanaged", id="foreign"
        ),
        pytest.param(
            RefusedError("x"), "Refused", True, Reason.UPDATE_FAILED, "update", id="refused"
        ),
        pytest.param(
            InvalidError("x"), "Invalid", True, Reason.UPDATE_FAILED, "update", id="invalid"
        ),
        pytest.param(
            ConflictError("x"), "Conflict", False, Reason.UPDATE_FAILED, "fetch", id="conflict"
        ),
        pytest.param(
            UnavailableError("x"), "Unavailable", False, Reason.UPDATE_FAILED, "fetch", id="away"
        ),
        pytest.param(
            ForbiddenError("x"),
            "ClusterError",
            False,
            Reason.UPDATE_FAILED,
            "fetch",
            id="forbidden",
        ),
    ],
)
def test_each_class_has_its_meaning(
    error: SealerError, reason: str, final: bool, event: str, metric: str
) -> None:
    failure = understand(error)
    assert (failure.outcome.reason, failure.outcome.final) == (reason, final)
    assert (failure.event, failure.metric, failure.outcome.ok) == (event, metric, False)


def test_messages_are_grouped_with_their_keys_as_the_peer_does() -> None:
    error = ManyErrors(
        [
            NoKeyError("whatever", key="a"),
            UnsealError("the ciphertext is damaged", key="c"),
            ManyErrors([NoKeyError("something", key="b")]),
            ManifestError("has no name"),
        ]
    )
    assert unseal_message(error) == (
        "no key could decrypt secret (a, b); the ciphertext is damaged (c); has no name"
    )


def test_a_missing_key_counts_more_than_damage() -> None:
    error = ManyErrors([UnsealError("x", key="a"), NoKeyError("y", key="b")])
    assert understand(error).outcome.reason == "NoKey"


def test_a_hint_is_told_with_a_refusal() -> None:
    failure = understand(RefusedError("no", hint="do this"))
    assert failure.outcome.message == "failed update: no (do this)"
    assert failure.told == "no (do this)"


def test_delays_double_up_to_five_minutes_and_never_end() -> None:
    away, final = understand(UnavailableError("x")), understand(RefusedError("x"))
    assert [delay(away, tries, half) for tries in (1, 2, 3)] == [0.05, 0.1, 0.2]
    assert [delay(final, tries, half) for tries in (1, 2, 3)] == [5, 10, 20]
    assert delay(away, 10_000, half) == delay(final, 10_000, half) == 300


@pytest.mark.parametrize(("random", "seconds"), [(0.0, 8.0), (1.0, 12.0)])
def test_delays_are_spread_by_a_fifth(random: float, seconds: float) -> None:
    assert delay(understand(RefusedError("x")), 2, lambda: random) == pytest.approx(seconds)


def test_the_spread_never_goes_beyond_five_minutes() -> None:
    assert delay(understand(RefusedError("x")), 50, lambda: 1.0) == 300


def test_a_conflict_is_tried_again_at_once_and_not_for_ever() -> None:
    conflict = understand(ConflictError("x"))
    assert [delay(conflict, tries, half) for tries in (1, 3)] == [0, 0]
    assert delay(conflict, 4, half) > 0


def test_the_api_servers_wish_is_heard() -> None:
    error = UnavailableError("slow down")
    error.retry_after = 7.0
    assert delay(understand(error), 1, half) == 7.0
    assert isinstance(error, ClusterError)
