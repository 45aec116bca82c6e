"""Typed access to a manifest's fields: each fault with its path, none of them hiding the next.

Kubernetes' strings are strings: ``namespace: n`` is a boolean to it, and is refused here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sealer.errors import ManifestError, ManyErrors, Path

__all__ = ["Fields", "Path", "type_name", "without"]


class Fields:
    """Reads fields of one object and collects the faults; ``done`` raises them together."""

    def __init__(self) -> None:
        self.faults: list[ManifestError] = []

    def fault(self, message: str, path: Path, hint: str | None = None) -> None:
        """Note a fault."""
        self.faults.append(ManifestError(message, hint=hint, path=path))

    def mapping(self, value: Any, path: Path) -> dict[str, Any]:
        """A mapping; null counts as empty, as everywhere in Kubernetes."""
        if value is None:
            return {}
        if isinstance(value, dict):
            return value
        self.fault(f"must be a mapping, not {type_name(value)}", path)
        return {}

    def string(self, value: Any, path: Path) -> str:
        """A string; null counts as empty."""
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        hint = "quote it" if isinstance(value, (bool, int, float)) else None
        self.fault(f"must be a string, and Kubernetes reads {type_name(value)}", path, hint)
        return ""

    def strings(self, value: Any, path: Path) -> dict[str, str]:
        """A mapping of strings."""
        return {
            key: self.string(item, (*path, key)) for key, item in self.mapping(value, path).items()
        }

    def boolean(self, value: Any, path: Path) -> bool | None:
        """A boolean or nothing."""
        if value is None or isinstance(value, bool):
            return value
        self.fault(f"must be true or false, not {type_name(value)}", path)
        return None

    def metadata(self, value: Any, path: Path) -> dict[str, Any]:
        """``metadata`` with the fields that are strings checked, unknown ones kept."""
        metadata = dict(self.mapping(value, path))
        for key in ("name", "namespace", "generateName"):
            if key in metadata:
                metadata[key] = self.string(metadata[key], (*path, key))
        for key in ("labels", "annotations"):
            if key in metadata:
                metadata[key] = self.strings(metadata[key], (*path, key))
        return metadata

    def done(self) -> None:
        """Raise what was found: the one fault, or ManyErrors."""
        if len(self.faults) == 1:
            raise self.faults[0]
        if self.faults:
            raise ManyErrors(self.faults)


def without(mapping: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """A copy without these keys: what ``from_dict`` keeps of fields it does not know."""
    return {key: value for key, value in mapping.items() if key not in keys}


def type_name(value: object) -> str:
    """Name the type of a JSON value for people, and never the value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "a mapping"
