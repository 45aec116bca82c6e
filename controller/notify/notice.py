"""One thing worth telling, in one line that a person can act on; values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.events.recorder import Happening
from controller.reasons import Reason

FLUX_OWNERS = (
    ("kustomize.toolkit.fluxcd.io", "Kustomization"),
    ("helm.toolkit.fluxcd.io", "HelmRelease"),
)


@dataclass(frozen=True, slots=True)
class Owner:
    """The Flux object that applied it: group, kind, namespace, name."""

    group: str
    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell of one object."""

    kind: str
    namespace: str
    name: str
    labels: Mapping[str, str]
    reason: str
    severity: str
    """``error`` or ``info``, as Flux knows them."""
    what: str
    """In words, no name of a key in it."""
    detail: str
    """In words that may name keys; told only where that is asked for."""
    cure: str
    at: datetime
    failing: bool = False
    """Whether the object is broken until a notice says that it recovered."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Which object it is about."""
        return self.kind, self.namespace, self.name

    @property
    def owner(self) -> Owner | None:
        """Who applied the object, as Flux's labels on it say; None without them."""
        for group, kind in FLUX_OWNERS:
            name, namespace = (self.labels.get(f"{group}/{part}") for part in ("name", "namespace"))
            if name and namespace:
                return Owner(group, kind, namespace, name)
        return None

    def line(self, *, keys: bool = False) -> str:
        """Say it in one line: where, what, since when, and the cure."""
        what = self.detail if keys and self.detail else self.what
        cure = f" - {self.cure}" if self.cure else ""
        return f"{self.namespace}/{self.name}: {what} (since {self.at:%Y-%m-%d %H:%M} UTC){cure}"


def notice_of(happening: Happening) -> Notice | None:
    """Return what is worth telling of this; None for what went as it should."""
    reason = Reason.RECOVERED if happening.recovered else happening.reason
    row = reason.row
    if not row.severity:
        return None
    word = reason.value if happening.recovered else happening.word
    keys = row.failing or reason in (Reason.DRIFT_CORRECTED, Reason.DRIFT_DETECTED)
    cause = reason if happening.cause is None or happening.recovered else happening.cause
    involved: Mapping[str, Any] = happening.involved
    metadata = involved["metadata"]
    return Notice(
        kind=str(involved["kind"]),
        namespace=str(metadata.get("namespace") or ""),
        name=str(metadata["name"]),
        labels=metadata.get("labels") or {},
        reason=word,
        severity=row.severity,
        what=row.title or _words(word),
        detail=happening.message if keys else "",
        cure=cause.row.cure,
        at=happening.at,
        failing=row.failing,
    )


def _words(reason: str) -> str:
    """``VaultNotFound`` -> ``vault not found``."""
    spaced = "".join(f" {char.lower()}" if char.isupper() else char for char in reason)
    return spaced.strip()
