"""Every function a template may call: Go's own, then sprig's, which win where both have a name."""

from __future__ import annotations

from collections.abc import Mapping

from sealer.template.registry import Function


def all_functions() -> Mapping[str, Function]:
    """Return the functions by name."""
    return {}
