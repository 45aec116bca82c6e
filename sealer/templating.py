"""``template.data`` of a manifest and the opened values -> the Secret's data.

The rules are those of Bitnami's controller 0.40: a sealed value wins over a template of the same
key (which runs all the same, and may fail); templates see the sealed values and the raw text of
their siblings; null drops a key. The engine is imported only where there is a template.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from sealer.errors import ManyErrors, MissingKeyError, SealerError, TemplateError

Templates = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Made:
    """What the templates of one object make."""

    data: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Output by key."""
    unstable: frozenset[str] = frozenset()
    """Keys whose template gives another value each time it is rendered."""


def has_templates(templates: Templates) -> bool:
    """Whether there is anything to render."""
    return any(text is not None for text in templates.values())


def make(
    templates: Templates,
    values: Mapping[str, bytes],
    *,
    strict: bool = False,
    optional: Collection[str] = (),
    partial: bool = False,
) -> Made:
    """Render all templates of one object, on one budget.

    ``strict``: they see the values and nothing of each other, and a key that is not there is an
    error; one in ``optional`` only where it would be printed. ``partial``: a template that fails
    for want of a key is left out. Raises ManyErrors with a TemplateError for each template that
    fails; messages name places and functions, no value.
    """
    texts = {key: text for key, text in templates.items() if text is not None}
    if not texts:
        return Made()
    from sealer.template import Limits, Sources, Template

    if len(texts) > Limits().templates:
        many = f"one object has {len(texts)} templates, and {Limits().templates} is the most"
        raise ManyErrors([TemplateError(many)])
    siblings = {key: text.encode(errors="replace") for key, text in texts.items()}
    context = values if strict else {**siblings, **values}
    budget = Sources().budget()
    data: dict[str, bytes] = {}
    unstable: set[str] = set()
    errors: list[SealerError] = []
    for key, text in texts.items():
        template = None
        try:
            template = Template.parse(key, text)
            data[key] = template.render(context, strict=strict, optional=optional, budget=budget)
        except TemplateError as error:
            if budget.is_spent:
                errors.append(error)
                break
            if not (partial and template and not template.keys <= values.keys()):
                errors.append(error)
        else:
            if template.nondeterministic:
                unstable.add(key)
    if errors:
        raise ManyErrors(errors)
    return Made(data, frozenset(unstable))


def data_of(
    templates: Templates,
    values: Mapping[str, bytes],
    made: Mapping[str, bytes],
    omit: Collection[str] = (),
) -> dict[str, bytes]:
    """Lay values and what was made of them together; values in ``omit`` give way to both."""
    null = {key for key, text in templates.items() if text is None}
    kept = {key: value for key, value in values.items() if key not in null and key not in omit}
    return {**kept, **{key: value for key, value in made.items() if key not in kept}}


def render_data(
    templates: Templates, values: Mapping[str, bytes], *, strict: bool = False
) -> dict[str, bytes]:
    """Return the data of the Secret: ``values``, and what the templates make; see ``make``."""
    return data_of(templates, values, make(templates, values, strict=strict).data)


def doubts(
    templates: Templates, keys: Mapping[str, object], *, siblings: bool = True
) -> Iterator[TemplateError]:
    """Tell, as errors not raised, what of the templates deserves a look; ``keys`` are sealed.

    That is: a template that does not parse, a key that is nowhere and prints ``<no value>``.
    ``siblings``: whether a template sees the text of the others.
    """
    from sealer.template import Template

    texts = {key: text for key, text in templates.items() if text is not None}
    for name, text in texts.items():
        try:
            template = Template.parse(name, text)
        except TemplateError as error:
            yield error
            continue
        for missing in template.missing_keys({*keys, *(texts if siblings else ())}):
            problem = f'template: {missing.place}: no key "{missing.key}": it prints <no value>'
            yield MissingKeyError(problem, key=name, missing=missing.key)


def faults(templates: Templates) -> Iterator[TemplateError]:
    """Tell, as errors not raised, which templates do not parse: they make no Secret."""
    texts = [(key, text) for key, text in templates.items() if text is not None]
    if not texts:
        return
    from sealer.template import Template

    for key, text in texts:
        try:
            Template.parse(key, text)
        except TemplateError as error:
            yield error
