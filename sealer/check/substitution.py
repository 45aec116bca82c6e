"""Flux's ``postBuild`` variables: what a text becomes, which variables turn to nothing.

The grammar is that of fluxcd/pkg ``envsubst`` (a fork of drone/envsubst): ``${name}`` with the
usual operators; ``$name`` without braces is text, and ``$${`` escapes. Anything else after ``${``
fails the whole build, ``${{ .x }}`` for one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DISABLED_KEY = "kustomize.toolkit.fluxcd.io/substitute"
_ESCAPED = "$${"
_NAME = re.compile(r"#?([A-Za-z_][A-Za-z0-9_]*)")
_OPERATOR = re.compile(r"\}|:?[-=?+]|:[^}]*\}|\^\^?\}|,,?\}|[/#%]")


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
        if "${" not in text:
            return text
        parts: list[str] = []
        at = 0
        while (start := text.find("${", at)) >= 0:
            if text.startswith(_ESCAPED, start - 1) and start > at:
                parts.append(text[at : start - 1] + "${")
                at = start + 2
                continue
            parts.append(text[at:start])
            new, at = self._expression(text, start + 2)
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
        word = operator[0]
        if word.rstrip("=-") in ("", ":") and word not in ("", ":"):
            default = text[operator.end() : end]
            return value or default, end + 1
        if name[1] not in self.variables:
            self.blank.add(name[1])
        return value, end + 1


def is_disabled(manifest: Mapping[str, Any]) -> bool:
    """Whether an object's label or annotation keeps Flux from substituting in it."""
    metadata = manifest.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return any(
        isinstance(metadata.get(key), dict) and metadata[key].get(DISABLED_KEY) == "disabled"
        for key in ("labels", "annotations")
    )
