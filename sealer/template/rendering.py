"""A template's text and a context -> the rendered value."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from sealer.errors import TemplateError
from sealer.template import analysis, nodes
from sealer.template.evaluator import Evaluator
from sealer.template.functions import all_functions
from sealer.template.limits import Budget, Limits
from sealer.template.parser import parse
from sealer.template.strict import strict_functions
from sealer.template.values import Map

_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a rendering has its time and randomness from."""

    now: Callable[[], int] = time.time_ns
    """Nanoseconds since 1970 UTC."""
    random: Callable[[int], bytes] = secrets.token_bytes
    elapsed: Callable[[], float] = time.thread_time
    """Seconds of CPU time, for the time limit."""

    def budget(self, limits: Limits = _LIMITS) -> Budget:
        """A new budget, for all templates of one object."""
        return Budget(limits, now=self.now, random=self.random, elapsed=self.elapsed)


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template."""

    tree: nodes.Tree = field(repr=False)

    @classmethod
    def parse(cls, name: str, text: str) -> Template:
        """Parse ``text``; ``name`` is the data key it makes.

        Raises TemplateError, whose message begins with ``template: name:line:``.
        """
        clean = text if text.isascii() else _SURROGATES.sub("\ufffd", text)
        try:
            return cls(parse(name, clean, all_functions()))
        except TemplateError as error:
            raise TemplateError(error.message, key=name) from None
        except RecursionError:
            raise TemplateError(f"template: {name}: nested too deeply", key=name) from None

    @property
    def nondeterministic(self) -> frozenset[str]:
        """Functions it calls that give another result each time (now, randAlpha, genCA, ...)."""
        known = all_functions()
        return frozenset(
            name for name in analysis.functions(self.tree) if not known[name].deterministic
        )

    def missing_keys(self, known: Collection[str]) -> list[analysis.MissingKey]:
        """List the places that print ``<no value>`` since their key is not in ``known``."""
        return analysis.missing_keys(self.tree, known)

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the context that it looks at, also those that it expects to be missing."""
        return analysis.keys(self.tree)

    def render(
        self,
        context: Mapping[str, bytes],
        *,
        strict: bool = False,
        optional: Collection[str] = (),
        budget: Budget | None = None,
        limits: Limits = _LIMITS,
        sources: Sources | None = None,
    ) -> bytes:
        """Render with the context's values as ``.key``.

        ``strict`` refuses a key that is not in there, and to print what has no value; of keys in
        ``optional`` it refuses the second alone, so that a template may ask for them. ``budget``
        is what is left for the object; without, this rendering gets one of its own.

        Raises TemplateError: ``template: name:line:column: executing "name": ...``, which names
        functions, types and keys, and no value.
        """
        budget = budget or (sources or Sources()).budget(limits)
        values = Map({key.encode(): value for key, value in context.items()}, elem="string")
        functions = strict_functions(frozenset(optional)) if strict else all_functions()
        try:
            return Evaluator(self.tree, functions, budget, strict=strict, optional=optional).run(
                values
            )
        except TemplateError as error:
            raise TemplateError(error.message, key=self.tree.name) from None


def render(name: str, text: str, context: Mapping[str, bytes], *, strict: bool = False) -> bytes:
    """Parse and render in one go; see ``Template``."""
    return Template.parse(name, text).render(context, strict=strict)
