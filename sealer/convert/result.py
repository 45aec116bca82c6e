"""What a conversion yields: a manifest, and notes on what it could not carry over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sealer.keyvault.vaults import API_VERSION

REPLACE = "REPLACE-ME"


@dataclass(frozen=True, slots=True)
class Converted:
    """One manifest; ``notes`` become comments above it."""

    manifest: dict[str, Any]
    notes: tuple[str, ...] = ()


@dataclass
class Notes:
    """Collects notes while a manifest is made."""

    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        """Note it once."""
        if line not in self.lines:
            self.lines.append(line)

    def unknown(self, where: str, fields: Mapping[str, Any], *known: str) -> None:
        """Note the fields that nothing was made of."""
        for name in fields:
            if name not in known:
                self.add(f"{where}.{name} has no match here")


def made(
    kind: str, source: Mapping[str, Any], spec: dict[str, Any], notes: Notes, name: str = ""
) -> Converted:
    """A manifest of ours with the source's name, namespace, labels and annotations."""
    metadata: dict[str, Any] = {}
    given = source.get("metadata") or {}
    metadata["name"] = name or given.get("name", REPLACE)
    if given.get("namespace") and kind != "ClusterKeyVault":
        metadata["namespace"] = given["namespace"]
    if given.get("labels"):
        metadata["labels"] = given["labels"]
    manifest = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
    return Converted(manifest, tuple(notes.lines))


def workload_identity(notes: Notes, account: str = "", **more: Any) -> dict[str, Any]:
    """``auth`` by a service account; it must opt in."""
    if not account:
        notes.add(f"name the service account that is federated: {REPLACE}")
    notes.add('label the service account keyvault.sealer.dev/use: "true"')
    given = {key: value for key, value in more.items() if value}
    return {"workloadIdentity": {"serviceAccountName": account or REPLACE, **given}}
