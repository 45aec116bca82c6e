"""What a conversion yields: a manifest, and notes on what it could not carry over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sealer.convert.source import Source
from sealer.keyvault.vaults import API_VERSION, CLUSTER_KEY_VAULT

REPLACE = "REPLACE-ME"
"""Stands where only a person knows; ``seal vault check`` warns of it."""

# Whoever applies a manifest marks it with these; copied to a Secret they make it theirs, and
# Argo CD prunes it.
_TRACKING = re.compile(
    r"argocd\.argoproj\.io/(?:instance|tracking-id|sync-|compare-|hook)|app\.kubernetes\.io/instance$"
    r"|helm\.sh/|meta\.helm\.sh/|app\.kubernetes\.io/managed-by$|kubectl\.kubernetes\.io/"
    r"|kustomize\.toolkit\.fluxcd\.io/|helm\.toolkit\.fluxcd\.io/|external-secrets\.io/|config\.kubernetes\.io/"
)
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", re.ASCII)


@dataclass(slots=True)
class Converted:
    """One manifest; ``notes`` become comments above it."""

    manifest: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    interval: str = ""
    """How often the foreign one was refreshed: that is the vault's affair here."""
    shares_target: bool = False
    """Whether several of its kind may fill one Secret, as akv2k8s has people do."""


@dataclass
class Notes:
    """Collects notes while a manifest is made."""

    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        """Note it once."""
        if line not in self.lines:
            self.lines.append(line)

    def left(self, names: Iterable[str]) -> None:
        """Note the fields that nothing was made of."""
        for name in names:
            self.add(f"{name} has no match here and was left out: see whether you need it")


def made(
    kind: str,
    source: Source,
    spec: dict[str, Any],
    notes: Notes,
    *,
    name: str = "",
    derived: bool = False,
) -> Converted:
    """A manifest of ours with the source's name, namespace, labels and annotations.

    ``derived`` is for what stands for several sources, such as a vault: it has none of the labels
    of the first.
    """
    given = source.part("metadata")
    metadata: dict[str, Any] = {"name": resource_name(name or given.text("name"), notes)}
    if given.text("namespace") and kind != CLUSTER_KEY_VAULT:
        metadata["namespace"] = given.text("namespace")
    for each in ("labels", "annotations"):
        texts = {key: text for key, text in given.texts(each).items() if key != _LAST_APPLIED}
        if texts and not derived:
            metadata[each] = texts
    manifest = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
    return Converted(manifest, notes.lines)


def resource_name(name: str, notes: Notes) -> str:
    """A name that Kubernetes takes: Azure's may have capitals."""
    if not name:
        notes.add(f"it has no name: write one in place of {REPLACE}")
        return REPLACE.lower()
    if _NAME.fullmatch(name) or not _NAME.fullmatch(name.lower()):
        return name
    return name.lower()


def host_label(name: str) -> str:
    """A vault's name as its URL has it; what is to be substituted stays as it is."""
    return name if "$" in name else (name or REPLACE).lower()


def copied(source: Source) -> dict[str, Any]:
    """Labels and annotations that the foreign controller copied from its resource to the Secret."""
    metadata = source.part("metadata")
    found = {
        each: {key: text for key, text in metadata.texts(each).items() if not _TRACKING.match(key)}
        for each in ("labels", "annotations")
    }
    return {each: texts for each, texts in found.items() if texts}


def workload_identity(notes: Notes, account: str = "", **more: str) -> dict[str, Any]:
    """``auth`` by a service account; it must opt in."""
    if not account:
        notes.add(f"name the service account that is federated, in place of {REPLACE}")
    notes.add('label the service account keyvault.sealer.dev/use: "true"')
    given = {key: value for key, value in more.items() if value}
    return {"workloadIdentity": {"serviceAccountName": account or REPLACE.lower(), **given}}


def named(values: Mapping[str, Any]) -> dict[str, Any]:
    """Only what is there."""
    return {key: value for key, value in values.items() if value not in (None, "", [], {})}
