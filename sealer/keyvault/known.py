"""The fields that our kinds have: an API server drops all others, some of them without a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sealer.fields import Path
from sealer.keyvault.vaults import CLUSTER_KEY_VAULT, KEY_VAULT

Shape = Mapping[str, Any] | list[Any] | None
"""The fields of a mapping, the one shape of a list's items, or anything."""

_OBJECT: dict[str, Any] = {"version": None, "optional": None}
_SERVICE_ACCOUNT = {"serviceAccountName": None, "clientId": None, "tenantId": None}
_KEY_OF = {"name": None, "key": None}
_SELECTOR = {"matchLabels": None, "matchExpressions": None}


def _vault(*, wide: bool) -> Shape:
    space = {"namespace": None} if wide else {}
    key_of = {**_KEY_OF, **space}
    principal = {"tenantId": None, "clientId": None, "secretRef": key_of, "certificateRef": key_of}
    auth: dict[str, Any] = {
        "workloadIdentity": {**_SERVICE_ACCOUNT, **space},
        "servicePrincipal": principal,
    }
    allow = [{"namespaces": None, "namespaceSelector": _SELECTOR, "objects": None}]
    if wide:
        auth |= {"managedIdentity": {"clientId": None}, "controllerIdentity": {}}
    spec = {"url": None, "apiVersion": None, "auth": auth}
    return {**spec, "poll": {"interval": None, "mode": None}, **({"allow": allow} if wide else {})}


SPECS: Mapping[str, Shape] = {
    KEY_VAULT: _vault(wide=False),
    CLUSTER_KEY_VAULT: _vault(wide=True),
    "KeyVaultSecret": {
        "vaultRef": {"name": None, "kind": None},
        "data": [
            {
                "key": None,
                "from": {
                    **{"secret": None, "certificate": None, "key": None, "property": None},
                    **{"decode": None, "as": None, "history": None},
                    **_OBJECT,
                },
                "tls": {"certificate": None, "chain": None, **_OBJECT},
                "expand": {"secret": None, "format": None, **_OBJECT},
                "find": {
                    **{"name": None, "regex": None, "tags": None, "case": None},
                    "rename": [{"regex": None, "to": None}],
                },
            }
        ],
        "target": {
            **{"name": None, "type": None, "immutable": None, "labels": None},
            **{"annotations": None, "creation": None, "adopt": None},
        },
        "template": {
            "metadata": {"labels": None, "annotations": None},
            **{"type": None, "immutable": None, "data": None, "omit": None},
        },
        **{"onVaultDelete": None, "refresh": None, "expiry": {"warn": None}},
    },
}


def unknown_fields(kind: str, spec: Any) -> Iterator[tuple[Path, str]]:
    """Yield where ``spec`` has a field that the kind lacks, and a field that may be meant."""
    yield from _unknown(spec, SPECS.get(kind), ("spec",))


def _unknown(value: Any, shape: Shape, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(shape, list) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(item, shape[0], (*path, index))
    elif isinstance(shape, Mapping) and isinstance(value, dict):
        for key, item in value.items():
            if key in shape:
                yield from _unknown(item, shape[key], (*path, key))
            else:
                yield (*path, key), _nearest(key, shape)


def _nearest(key: str, shape: Mapping[str, Any]) -> str:
    import difflib

    lower = {name.lower(): name for name in shape}
    found = difflib.get_close_matches(key.lower(), lower, n=1)
    return lower[found[0]] if found else ""
