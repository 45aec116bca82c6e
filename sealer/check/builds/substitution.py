"""Flux's ``postBuild`` variables: what a text becomes, which variables turn to nothing.

The grammar is that of fluxcd/pkg ``envsubst`` (a fork of drone/envsubst): ``${name}`` with the
usual operators; ``$name`` without braces is text, and ``$$`` stands for ``$``. Anything else
after ``${`` fails the whole build, ``${{ .x }}`` for one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DISABLED_KEY = "kustomize.toolkit.fluxcd.io/substitute"
_DOLLAR = re.compile(r"\$\$|\$\{")
_NAME = re.compile(r"#?([A-Za-z0-9_]+)")
# envsubst takes ":+" for a default, too, unlike a shell.
_DEFAULTS = frozenset({":-", ":=", ":?", ":+", "="})
_SUBSTRING = re.compile(r":(\d+)(?::(\d+))?\}")
_OPERATOR = re.compile(r"\}|:[-=?+]|=|:[^}]*\}|\^\^?\}|,,?\}|[/#%]")


@dataclass
class Substitution:
    """What one object becomes; collects the variables that nobody sets and what cannot be read."""

    variables: Mapping[str, str]
    blank: set[str] = field(default_factory=set)
    """Names that are replaced by nothing."""
    bad: bool = False
    """Whether there is an expression that fails the build."""

    def apply(self, value: Any) -> Any:
        """The value with every string (and key) substituted."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.apply(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.apply(item) for item in value]
        return value

    def text(self, text: str) -> str:
        """One string substituted."""
        parts: list[str] = []
        at = 0
        while (found := _DOLLAR.search(text, at)) is not None:
            parts.append(text[at : found.start()])
            if found[0] == "$$":
                new, at = "$", found.end()
            else:
                new, at = self._expression(text, found.end())
            parts.append(new)
        return "".join(parts) + text[at:]

    def _expression(self, text: str, at: int) -> tuple[str, int]:
        name = _NAME.match(text, at)
        operator = _OPERATOR.match(text, name.end()) if name else None
        end = text.find("}", operator.end() - 1) if operator else -1
        if not name or not operator or end < 0:
            self.bad = True
            return "", len(text)
        value = self.variables.get(name[1], "")
        if operator[0] in _DEFAULTS:
            return value or text[operator.end() : end], end + 1
        if name[1] not in self.variables:
            self.blank.add(name[1])
        if name[0].startswith("#"):
            return str(len(value)), end + 1
        return _operated(value, operator[0]), end + 1


def _operated(value: str, operator: str) -> str:
    """Cases and substrings; ``/``, ``#`` and ``%`` are taken for the value itself."""
    match operator.rstrip("}"):
        case "^^":
            return value.upper()
        case ",,":
            return value.lower()
        case "^":
            return value[:1].upper() + value[1:]
        case ",":
            return value[:1].lower() + value[1:]
    found = _SUBSTRING.fullmatch(operator)
    if found is None:
        return value
    start = int(found[1])
    return value[start : start + int(found[2])] if found[2] else value[start:]


def is_disabled(manifest: Mapping[str, Any]) -> bool:
    """Whether an object's label or annotation keeps Flux from substituting in it."""
    metadata = manifest.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return any(
        isinstance(metadata.get(key), dict) and metadata[key].get(DISABLED_KEY) == "disabled"
        for key in ("labels", "annotations")
    )
