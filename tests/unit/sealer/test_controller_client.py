"""What `seal` does when the controller says that it is too much."""

from __future__ import annotations

import pytest

from sealer.cluster.answer import Answer, ClusterError
from sealer.cluster.controller import Controller

BUSY = Answer(503, b"", 5)
LIMITED = Answer(429, b"", 2)


class Script:
    """Answers one after another; the last one for ever."""

    place = "somewhere"

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)

    def request(self, method: str, path: str, body: bytes | None) -> Answer:
        """Give the next answer."""
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@pytest.mark.parametrize(
    ("answers", "slept"),
    [
        pytest.param([BUSY, Answer(200, b"")], [5], id="no-room"),
        pytest.param([LIMITED, BUSY, Answer(200, b"")], [2, 5], id="both"),
        pytest.param([Answer(429, b""), Answer(200, b"")], [1], id="no-time-said"),
        pytest.param([Answer(429, b"", 3600), Answer(200, b"")], [30], id="far-too-long"),
        pytest.param([Answer(200, b"")], [], id="room"),
    ],
)
def test_it_waits_for_as_long_as_it_is_told(answers: list[Answer], slept: list[float]) -> None:
    pauses: list[float] = []
    Controller(Script(*answers), sleep=pauses.append).verify(b"{}")
    assert pauses == slept


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        pytest.param(BUSY, "limits hold this off", id="no-room"),
        pytest.param(Answer(503, b""), "status 503", id="no-controller-behind-the-proxy"),
    ],
)
def test_it_does_not_wait_for_ever(answer: Answer, text: str) -> None:
    pauses: list[float] = []
    with pytest.raises(ClusterError, match=text):
        Controller(Script(answer), sleep=pauses.append).verify(b"{}")
    assert len(pauses) in (0, 8)
