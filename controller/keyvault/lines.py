"""The lines of ``status.objects``: each object of a vault, its version and its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.keyvault.vault import Stamp
from sealer.keyvault.references import Ref

Status = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """What ``status.objects`` tells of one object: all that a restart knows of it."""

    keys: tuple[str, ...] = ()
    state: str = ""
    version: str = ""

    @property
    def is_removed(self) -> bool:
        """Whether its keys were taken out since it is gone from the vault."""
        return bool(self.version) and not self.keys and self.state not in (SYNCED, PINNED)


Lines = Mapping[Ref, Line]
Stamps = Mapping[Ref, Stamp]


def ref_text(ref: Ref) -> str:
    """``name`` or ``name/version``."""
    return f"{ref.name}/{ref.version}" if ref.version else ref.name


def ref_of(line: Mapping[str, Any]) -> Ref:
    """The object that a line of ``status.objects`` is about."""
    name, _, version = str(line.get("ref", "")).partition("/")
    return Ref(str(line.get("type", "secret")), name, version)


def read_objects(status: Status) -> dict[Ref, Line]:
    """What a status tells of its objects."""
    found = {}
    for line in status.get("objects") or ():
        keys = tuple(line.get("keys") or ())
        found[ref_of(line)] = Line(keys, str(line.get("state", "")), str(line.get("version", "")))
    return found


SYNCED, PINNED, MISSING, DISABLED, ERROR = "Synced", "Pinned", "Missing", "Disabled", "Error"
