"""What no manifest tells alone: vaults that several share, Secrets that several fill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sealer import duration
from sealer.convert.result import Converted, Notes
from sealer.keyvault.vaults import CLUSTER_KEY_VAULT, KEY_VAULT, MIN_INTERVAL

_Place = tuple[str, str, str]
"""Kind, namespace and name."""


def place(manifest: Mapping[str, Any]) -> _Place:
    """Where a manifest goes."""
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace", ""), metadata["name"]


def share_vaults(groups: list[list[Converted]]) -> list[Converted]:
    """Make one of equal vaults, and give those that differ names of their own.

    ``groups`` is what was made of each foreign manifest; what refers to a vault follows it.
    """
    vaults: dict[_Place, Converted] = {}
    result: list[Converted] = []
    for group in groups:
        for one in group:
            if one.manifest.get("kind") not in (KEY_VAULT, CLUSTER_KEY_VAULT):
                result.append(one)
                continue
            name = one.manifest["metadata"]["name"]
            known, number = vaults.get(place(one.manifest)), 1
            while known is not None and not _join(known, one):
                number += 1
                one.manifest["metadata"]["name"] = f"{name}-{number}"
                known = vaults.get(place(one.manifest))
            if number > 1:
                one.notes.append(f"another vault is called {name} already")
                _rename(group, name, one.manifest["metadata"]["name"])
            if known is None:
                vaults[place(one.manifest)] = one
                result.append(one)
    return result


def _join(known: Converted, other: Converted) -> bool:
    """Add what another manifest of the same vault allows; False where they differ."""
    mine, theirs = known.manifest["spec"], other.manifest["spec"]
    if {**mine, "allow": 0} != {**theirs, "allow": 0}:
        return False
    for allowance in theirs.get("allow", ()):
        if allowance not in mine["allow"]:
            mine["allow"].append(allowance)
    known.notes.extend(note for note in other.notes if note not in known.notes)
    return True


def _rename(group: list[Converted], old: str, new: str) -> None:
    for one in group:
        reference = one.manifest.get("spec", {}).get("vaultRef")
        if reference and reference["name"] == old:
            reference["name"] = new


def point_at_stores(
    made: list[Converted], stores: Mapping[_Place, Converted | None]
) -> list[Converted]:
    """Follow stores that became a ClusterKeyVault, and leave out what reads no Azure store.

    ``stores`` has the vault of each store by the place that KeyVaultSecrets know it at.
    """
    result = []
    for one in made:
        reference = one.manifest.get("spec", {}).get("vaultRef")
        if not reference:
            result.append(one)
            continue
        kind, name = reference.get("kind", KEY_VAULT), reference["name"]
        namespace = one.manifest["metadata"].get("namespace", "")
        at = (kind, namespace if kind == KEY_VAULT else "", name)
        if at in stores:
            vault = stores[at]
            title = f"ExternalSecret {one.manifest['metadata']['name']}"
            if vault is None:
                note = f"{title} reads the store {name}, which is not of Azure: nothing was made"
                result.append(Converted({}, [note]))
                continue
            reference["kind"], _, reference["name"] = place(vault.manifest)
            _hurry(vault, one.interval)
        elif one.interval:
            note = f"refreshInterval {one.interval} belongs to the vault here: spec.poll.interval"
            one.notes.append(note)
        result.append(one)
    return result


def _hurry(vault: Converted, interval: str) -> None:
    """Poll as often as the most eager of its users was refreshed."""
    try:
        seconds = duration.parse(interval)
    except ValueError:
        return
    poll = vault.manifest["spec"].setdefault("poll", {})
    if "interval" in poll and duration.parse(poll["interval"]) <= seconds:
        return
    if seconds < MIN_INTERVAL:
        interval = "30s"
        note = "30s is the shortest interval; one listing serves all that read the vault"
        if note not in vault.notes:
            vault.notes.append(note)
    poll["interval"] = interval


def share_targets(made: list[Converted]) -> list[Converted]:
    """Let one KeyVaultSecret fill what several AzureKeyVaultSecrets filled together."""
    first: dict[tuple[str, str], Converted] = {}
    result = []
    for one in made:
        if not one.shares_target:
            result.append(one)
            continue
        spec, metadata = one.manifest["spec"], one.manifest["metadata"]
        name = spec.get("target", {}).get("name") or metadata["name"]
        owner = first.setdefault((metadata.get("namespace", ""), name), one)
        if owner is one:
            result.append(one)
        elif _can_take(owner.manifest["spec"], spec):
            mine = owner.manifest["spec"]["data"]
            mine.extend(entry for entry in spec["data"] if entry not in mine)
            _add_template(owner.manifest["spec"], spec.get("template", {}))
            notes = Notes(owner.notes)
            notes.add(f"{metadata['name']} filled the same Secret: its entries are here, too")
            for note in one.notes:
                notes.add(note)
        else:
            spec["target"] = {"name": name, "creation": "Merge"}
            one.notes.append(f"adds to the Secret that {owner.manifest['metadata']['name']} makes")
            result.append(one)
    return result


def _can_take(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    types = [spec.get("target", {}).get("type", "Opaque") for spec in (mine, theirs)]
    return bool(mine["vaultRef"] == theirs["vaultRef"] and types[0] == types[1])


def _add_template(spec: dict[str, Any], theirs: Mapping[str, Any]) -> None:
    if theirs:
        template = spec.setdefault("template", {})
        template["data"] = {**template.get("data", {}), **theirs["data"]}
        template["omit"] = list(dict.fromkeys([*template.get("omit", ()), *theirs["omit"]]))
