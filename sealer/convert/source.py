"""A foreign manifest, read field by field: what nobody asked for is known at the end.

A conversion must not lose anything silently, and foreign manifests have fields that no list of
ours knows. So each field that is read is ticked off, and ``left`` names the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sealer.fields import Fields, Path


class Source:
    """One mapping of a foreign manifest; faults of its shape go to ``fields`` with their paths."""

    def __init__(self, value: Any, fields: Fields, path: Path = ()) -> None:
        self._value = fields.mapping(value, path)
        self._fields = fields
        self._path = path
        self._parts: dict[str, list[Source]] = {}

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Source:
        """Read a whole manifest."""
        return cls(manifest, Fields())

    def __bool__(self) -> bool:
        """Whether it has any field."""
        return bool(self._value)

    def __contains__(self, key: str) -> bool:
        """Whether the field is there and not null."""
        return self._value.get(key) is not None

    def part(self, key: str) -> Source:
        """A mapping below; absent ones are empty."""
        if key not in self._parts or len(self._parts[key]) != 1:
            value = self._value.get(key)
            self._parts[key] = [Source(value, self._fields, (*self._path, key))]
        return self._parts[key][0]

    def parts(self, key: str) -> list[Source]:
        """The mappings of a list below."""
        if key not in self._parts:
            self._parts[key] = [
                Source(item, self._fields, (*self._path, key, index))
                for index, item in enumerate(self._list(key))
            ]
        return self._parts[key]

    def text(self, key: str) -> str:
        """A string; "" where it is absent."""
        self._parts.setdefault(key, [])
        return self._fields.string(self._value.get(key), (*self._path, key))

    def word(self, key: str) -> str:
        """A scalar of any type as it would be written: these two fields are read by their text."""
        value = self._value.get(key)
        if isinstance(value, bool):
            self._parts.setdefault(key, [])
            return str(value).lower()
        if isinstance(value, (int, float)):
            self._parts.setdefault(key, [])
            return str(value)
        return self.text(key).strip()

    def flag(self, key: str) -> bool | None:
        """A boolean or nothing."""
        self._parts.setdefault(key, [])
        return self._fields.boolean(self._value.get(key), (*self._path, key))

    def words(self, key: str) -> list[str]:
        """A list of strings."""
        self._parts.setdefault(key, [])
        path = (*self._path, key)
        return [self._fields.string(item, (*path, at)) for at, item in enumerate(self._list(key))]

    def texts(self, key: str) -> dict[str, str]:
        """A mapping of strings."""
        self._parts.setdefault(key, [])
        return self._fields.strings(self._value.get(key), (*self._path, key))

    def whole(self, key: str) -> Any:
        """A field as it is, to hand on unread."""
        self._parts.setdefault(key, [])
        return self._value.get(key)

    def fault(self, message: str, key: str, hint: str | None = None) -> None:
        """Note a fault of a field."""
        self._fields.fault(message, (*self._path, key), hint)

    def left(self, where: str) -> Iterator[str]:
        """Dotted names of the fields that nobody read, below ``where``."""
        for key, value in self._value.items():
            name = f"{where}.{key}" if where else key
            if key not in self._parts:
                if value not in (None, "", [], {}):
                    yield name
                continue
            for part in self._parts[key]:
                yield from part.left(name)

    def done(self) -> None:
        """Raise the faults of shape, each once: ManifestError with a path, or ManyErrors."""
        once = {(fault.path, fault.message): fault for fault in self._fields.faults}
        self._fields.faults[:] = once.values()
        self._fields.done()

    def _list(self, key: str) -> list[Any]:
        value = self._value.get(key)
        if value is None:
            return []
        if isinstance(value, list):
            return value
        self._fields.fault("must be a list", (*self._path, key))
        return []
