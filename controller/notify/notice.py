"""One thing worth telling, in one line that a person can act on; values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.events import event as events
from controller.events.recorder import Happening

FLUX_OWNERS = (
    ("kustomize.toolkit.fluxcd.io", "Kustomization"),
    ("helm.toolkit.fluxcd.io", "HelmRelease"),
)
_OURS = {
    events.UNSEAL_FAILED: "cannot be unsealed",
    events.UPDATE_FAILED: "cannot be written",
    events.DRIFT_CORRECTED: "its Secret was edited and is restored",
    events.DRIFT_DETECTED: "its Secret was edited and is left so",
    events.KEY_RENEWED: "a new sealing key",
    events.KEY_REJECTED: "a key Secret that cannot be used",
    events.CERTIFICATE_EXPIRING: "the sealing certificate expires soon",
}
_CURES = {
    "NoKey": "seal it anew for this cluster, name and namespace, or restore its key",
    "Damaged": "seal it anew: the ciphertext was changed or cut",
    "TemplateFailed": "mend the template; seal render shows what it makes",
    "Malformed": "mend the manifest; seal check shows where",
    "Unmanaged": "delete that Secret, or annotate it as managed",
    "Refused": "see the status of the object",
    "Invalid": "mend the manifest: the API server refuses the Secret",
    events.DRIFT_CORRECTED: "change the SealedSecret, not the Secret",
    events.DRIFT_DETECTED: "change the SealedSecret, or let --drift=revert restore it",
    events.KEY_RENEWED: "fetch the new certificate where it is kept in files",
    events.KEY_REJECTED: "restore or delete that key Secret",
    events.CERTIFICATE_EXPIRING: "let the controller renew it, or rotate by hand",
}
_INFO = frozenset({events.KEY_RENEWED, events.DRIFT_CORRECTED})
_FAILURES = frozenset({events.UNSEAL_FAILED, events.UPDATE_FAILED})
RECOVERED = "Recovered"


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
    if happening.recovered:
        return _notice(happening, RECOVERED, "info", "works again", "")
    reason = happening.reason
    if reason in _OURS:
        severity = "info" if reason in _INFO else "error"
        what = _OURS[reason]
    elif reason in events.KEY_VAULT_WARNINGS:
        severity, what = "error", _words(reason)
    else:
        return None
    cure = _CURES.get(happening.cause or reason, "see the status of the object")
    failing = reason in _FAILURES or reason in events.KEY_VAULT_WARNINGS
    return _notice(happening, reason, severity, what, cure, failing=failing)


def _notice(
    happening: Happening,
    reason: str,
    severity: str,
    what: str,
    cure: str,
    *,
    failing: bool = False,
) -> Notice:
    involved: Mapping[str, Any] = happening.involved
    metadata = involved["metadata"]
    return Notice(
        kind=str(involved["kind"]),
        namespace=str(metadata.get("namespace") or ""),
        name=str(metadata["name"]),
        labels=metadata.get("labels") or {},
        reason=reason,
        severity=severity,
        what=what,
        detail=happening.message if failing or reason.startswith("Drift") else "",
        cure=cure,
        at=happening.at,
        failing=failing,
    )


def _words(reason: str) -> str:
    """``VaultNotFound`` -> ``vault not found``."""
    spaced = "".join(f" {char.lower()}" if char.isupper() else char for char in reason)
    return spaced.strip()
