"""PURE: who wrote a Secret last, as the API server remembers it in ``managedFields``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

# A manager's name is its client's word: only what reads as a name is printed.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,62}")


def last_writer(
    secret: Mapping[str, Any] | None, changes: Collection[str] = (), *, ours: str
) -> str:
    """Return the field manager besides ours that wrote last, of the changed fields if one has them.

    ``changes`` are names as ``plan`` has them: ``data.password``, ``type``, ``metadata.labels``.
    Empty where the API server tells of none, or of one whose name is not fit to be printed.
    """
    entries = [
        one
        for one in ((secret or {}).get("metadata") or {}).get("managedFields") or ()
        if isinstance(one, Mapping) and one.get("manager") != ours
    ]
    holders = [one for one in entries if any(_has(one, change) for change in changes)]
    # Of one second, the API server lists the later last.
    ordered = sorted(holders or entries, key=lambda one: str(one.get("time") or ""))
    name = str(ordered[-1].get("manager") or "") if ordered else ""
    return name if _NAME.fullmatch(name) else ""


def _has(entry: Mapping[str, Any], change: str) -> bool:
    fields: Any = entry.get("fieldsV1")
    for step in _steps(change):
        fields = fields.get(f"f:{step}") if isinstance(fields, Mapping) else None
    return fields is not None


def _steps(change: str) -> Iterator[str]:
    """``data.tls.key`` -> ``data``, ``tls.key``: a key of data may hold dots."""
    first, _, rest = change.partition(".")
    yield first
    if rest:
        yield rest
