"""akv2k8s: AzureKeyVaultSecret. Source: akv2k8s.io/reference/azure-key-vault-secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sealer.convert.result import REPLACE, Converted, Notes, made, workload_identity

Manifest = Mapping[str, Any]


def vault_secret(source: Manifest) -> list[Converted]:
    """It becomes a KeyVault (the same for all of one vault) and a KeyVaultSecret."""
    spec = source.get("spec") or {}
    vault = spec.get("vault") or {}
    name = str(vault.get("name", REPLACE))
    vault_notes, notes = Notes(), Notes()
    vault_notes.add("akv2k8s had one identity for all: give each namespace its own")
    auth = workload_identity(vault_notes)
    url = f"https://{name}.vault.azure.net"
    made_vault = made("KeyVault", source, {"url": url, "auth": auth}, vault_notes, name)
    output = spec.get("output") or {}
    wanted = output.get("secret") or {}
    if output.get("configMap"):
        notes.add("output.configMap has no match here: a Secret is made")
        wanted = wanted or output["configMap"]
    if not output:
        notes.add("it fed the injector: mount this Secret, or use its keys as variables")
    entry = _entry(vault.get("object") or {}, wanted, output.get("transform") or (), notes)
    made_spec: dict[str, Any] = {"vaultRef": {"name": name}, "data": [entry]}
    target = {key: wanted[key] for key in ("name", "type") if wanted.get(key)}
    if target:
        made_spec["target"] = target
    notes.unknown("spec", spec, "vault", "output")
    return [made_vault, made("KeyVaultSecret", source, made_spec, notes)]


def _entry(item: Manifest, wanted: Manifest, transform: Any, notes: Notes) -> dict[str, Any]:
    kind, name = item.get("type", "secret"), item.get("name", REPLACE)
    if kind == "multi-key-value-secret":
        form = "YAML" if "yaml" in str(item.get("contentType", "")) else "JSON"
        return {"expand": {"secret": name, "format": form}}
    version = {"version": item["version"]} if item.get("version") else {}
    if kind == "certificate" and wanted.get("type", "kubernetes.io/tls") == "kubernetes.io/tls":
        if wanted.get("chainOrder"):
            notes.add("chainOrder is not needed: the chain is always leaf first")
        return {"tls": {"certificate": name, **version}}
    key = wanted.get("dataKey") or name
    source: dict[str, Any] = {str(kind): name, **version}
    if kind not in ("secret", "certificate", "key"):
        notes.add(f"the type {kind} is not known")
        source = {"secret": name, **version}
    for step in transform:
        if step == "base64decode" and kind == "secret":
            source["decode"] = "Base64"
        else:
            notes.add(f"the transform {step} has no match here: use a template")
    return {"key": key, "from": source}
