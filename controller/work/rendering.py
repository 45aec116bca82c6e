"""PURE: the job of rendering all templates of one object."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from controller.work.frames import (
    AnswerError,
    fields_of,
    frame,
    list_of,
    pair_of,
    shown,
    values_of,
    word_of,
)
from sealer import encoding
from sealer.errors import ManyErrors, SealerError, TemplateError
from sealer.templating import Made, Templates, make

RENDER = "render"
_MOST_WORDS = 1000
"""Characters of an error that are passed on."""


def render_job(
    templates: Templates,
    values: Mapping[str, bytes],
    *,
    strict: bool,
    optional: Collection[str],
    partial: bool,
) -> bytes:
    """The frame that asks for it."""
    return frame([RENDER, dict(templates), shown(values), strict, sorted(optional), partial])


def render(
    templates: Templates,
    values: Mapping[str, str],
    strict: bool,
    optional: list[str],
    partial: bool,
) -> list[Any]:
    """Do it, in a worker: what they made, which keys are unstable, and the errors."""
    opened = {key: encoding.decode(text) for key, text in values.items()}
    try:
        made = make(templates, opened, strict=strict, optional=optional, partial=partial)
    except ManyErrors as many:
        return [{}, [], [[one.message, getattr(one, "key", None)] for one in many.errors]]
    return [shown(made.data), sorted(made.unstable), []]


def made_of(answer: bytes, templates: Templates, *, partial: bool) -> Made:
    """Read what rendering gave; raises ManyErrors of TemplateError, or AnswerError."""
    data, unstable, errors = fields_of(answer, 3)
    if errors:
        raise ManyErrors([_template_error(one, templates) for one in list_of(errors)])
    texts = {key for key, text in templates.items() if text is not None}
    made = values_of(data)
    is_whole = made.keys() <= texts if partial else made.keys() == texts
    if not is_whole or not {word_of(key) for key in list_of(unstable)} <= made.keys():
        raise AnswerError("other keys than the templates'")
    return Made(made, frozenset(unstable))


def _template_error(error: object, templates: Templates) -> SealerError:
    message, key = pair_of(error)
    if key is not None and word_of(key) not in templates:
        raise AnswerError("an error of no template")
    return TemplateError(word_of(message)[:_MOST_WORDS], key=key)
