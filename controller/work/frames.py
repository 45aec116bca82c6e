"""PURE: jobs and answers as JSON, a value as base64 in it.

Nothing is unpickled: what a worker answers is no more to be trusted than what it was given.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sealer import encoding


class AnswerError(ValueError):
    """A worker answered what is no answer to its job."""


def frame(value: object) -> bytes:
    """Write a job or an answer."""
    return json.dumps(value, separators=(",", ":")).encode()


def shown(values: Mapping[str, bytes]) -> dict[str, str]:
    """Values as JSON holds them."""
    return {key: encoding.encode(value) for key, value in values.items()}


def values_of(shown: object) -> dict[str, bytes]:
    """Read values."""
    if not isinstance(shown, dict):
        raise AnswerError("no values")
    try:
        return {key: encoding.decode(word_of(text)) for key, text in shown.items()}
    except ValueError:
        raise AnswerError("no base64") from None


def fields_of(answer: bytes, count: int) -> list[Any]:
    """Read the fields of an answer, which are so many."""
    try:
        value = json.loads(answer)
    except (ValueError, RecursionError):
        raise AnswerError("no JSON") from None
    if len(list_of(value)) != count:
        raise AnswerError("another number of fields")
    fields: list[Any] = value
    return fields


def list_of(value: object) -> list[Any]:
    """The list that it is to be."""
    if not isinstance(value, list):
        raise AnswerError("no list")
    return value


def pair_of(value: object) -> tuple[Any, Any]:
    """The two items of what is to be a pair."""
    found = list_of(value)
    if len(found) != 2:
        raise AnswerError("no pair")
    return found[0], found[1]


def word_of(value: object) -> str:
    """The text that it is to be."""
    if not isinstance(value, str):
        raise AnswerError("no text")
    return value
