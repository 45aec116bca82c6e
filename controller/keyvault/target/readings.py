"""The job of reading all values of one object in a worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controller.keyvault.target.desired import Convert
from controller.keyvault.target.reading import Reading, read
from controller.keyvault.target.values import BadValueError
from controller.work.frames import fields_of, frame, pair_of, shown, values_of, word_of
from controller.work.workers import BoundError, Workers
from sealer import encoding

READ = "read"
_CPU_SECONDS = 3


async def convert(workers: Workers, lane: str, readings: Sequence[Reading]) -> Convert:
    """Have all values of one object read; return how each reads.

    One that stops at a bound stops them all: it cannot be told which it was.
    """
    if not readings:
        return _nothing_is_read
    try:
        answer = await workers.do(lane, read_job(readings), cpu_seconds=_CPU_SECONDS)
        results = results_of(answer, readings)
    except BoundError as error:
        bad = BadValueError(f"cannot be read with the object's other values: {error.message}")
        results = dict.fromkeys(readings, bad)

    def converted(reading: Reading) -> Mapping[str, bytes]:
        result = results[reading]
        if isinstance(result, BadValueError):
            raise result
        return result

    return converted


def _nothing_is_read(reading: Reading) -> Mapping[str, bytes]:
    raise KeyError(reading.format)


def read_job(readings: Sequence[Reading]) -> bytes:
    """The frame that asks for it."""
    return frame(
        [
            READ,
            [
                [one.format, one.argument, encoding.encode(one.value), one.decode]
                for one in readings
            ],
        ]
    )


def read_all(wanted: Sequence[Sequence[str]]) -> list[Any]:
    """Do it, in a worker: values, or message and hint, for each."""
    results: list[Any] = []
    for form, argument, value, decode in wanted:
        try:
            made = read(Reading(form, argument, encoding.decode(value), decode))
        except BadValueError as error:
            results.append([error.message, error.hint])
        else:
            results.append(shown(made))
    return results


def results_of(
    answer: bytes, readings: Sequence[Reading]
) -> dict[Reading, Mapping[str, bytes] | BadValueError]:
    """Read what became of each; raises AnswerError."""
    results = fields_of(answer, len(readings))
    return {one: _result(result) for one, result in zip(readings, results, strict=True)}


def _result(result: object) -> Mapping[str, bytes] | BadValueError:
    if isinstance(result, dict):
        return values_of(result)
    message, hint = pair_of(result)
    return BadValueError(word_of(message), hint=None if hint is None else word_of(hint))
