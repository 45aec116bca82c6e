"""What kubectl shows of the Key Vault kinds: columns, and a text for every field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.testbed.cluster import ControlPlane, Manifest, wait_for
from tests.testbed.vault_world import API

KINDS = ("KeyVault", "ClusterKeyVault", "KeyVaultSecret")
READY = {
    "type": "Ready",
    "status": "True",
    "reason": "Synced",
    "message": "",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}


def fields(schema: Manifest, path: str = "") -> Iterator[tuple[str, Manifest]]:
    for name, one in (schema.get("properties") or {}).items():
        yield f"{path}.{name}", one
        yield from fields(one, f"{path}.{name}")
    if "items" in schema:
        yield from fields(schema["items"], path)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_text_for_kubectl_explain(plane: ControlPlane, kind: str) -> None:
    served = plane.api.request("GET", f"/openapi/v3/apis/{API}")["components"]["schemas"]
    schema = next(one for name, one in served.items() if name.endswith(f".v1alpha1.{kind}"))
    known = {f".{name}" for name in ("apiVersion", "kind", "metadata")}
    ours = {path: one for path, one in fields(schema) if path not in known}
    assert len(ours) > 20
    assert [path for path, one in ours.items() if not one.get("description")] == []


def test_kubectl_explains_a_field(plane: ControlPlane) -> None:
    # Discovery may lag a moment behind a new kind.
    what = ("explain", "keyvaultsecrets.spec.data.from.decode")
    told = wait_for("it is explained", lambda: plane.kubectl(*what, check=False))
    assert "How the text in the vault stands for bytes." in told


def show(plane: ControlPlane, namespace: str, short: str) -> dict[str, str]:
    """The row of ``kubectl get`` for the object that ``make`` made, by column."""
    place = ("--namespace", namespace) if namespace else ()
    heads, row = plane.kubectl("get", short, "shop", *place).splitlines()
    return dict(zip(heads.split(), row.split(), strict=True))


def make(plane: ControlPlane, kind: str, namespace: str, spec: Any, status: Any) -> None:
    metadata = {"name": "shop", **({"namespace": namespace} if namespace else {})}
    plane.api.create({"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec})
    status = {"conditions": [READY], **status}
    plane.api.patch(kind, namespace, "shop", {"status": status}, "/status")


def test_the_columns_of_a_key_vault_secret(plane: ControlPlane, namespace: str) -> None:
    spec = {"vaultRef": {"name": "v"}, "data": [{"key": "k", "from": {"secret": "s"}}]}
    times = {"expires": "2099-01-01T00:00:00Z", "lastSyncTime": "2026-01-01T00:00:00Z"}
    make(plane, "KeyVaultSecret", namespace, spec, times)
    row = show(plane, namespace, "kvs")
    assert list(row) == ["NAME", "VAULT", "READY", "REASON", "EXPIRES", "SYNCED", "AGE"]
    assert (row["VAULT"], row["READY"], row["REASON"]) == ("v", "True", "Synced")
    # The end of an object is a date to come, which kubectl can only print as text.
    assert row["EXPIRES"] == "2099-01-01T00:00:00Z"
    assert row["SYNCED"][0].isdigit()


@pytest.mark.parametrize(("kind", "short"), [("KeyVault", "kv"), ("ClusterKeyVault", "ckv")])
def test_the_columns_of_a_vault(plane: ControlPlane, namespace: str, kind: str, short: str) -> None:
    where = namespace if kind == "KeyVault" else ""
    account = {"serviceAccountName": "shop", **({} if where else {"namespace": namespace})}
    spec = {"url": "https://shop.vault.azure.net", "auth": {"workloadIdentity": account}}
    make(plane, kind, where, spec, {"objects": 7, "lastPollTime": "2026-01-01T00:00:00Z"})
    try:
        row = show(plane, where, short)
    finally:
        plane.api.delete(kind, where, "shop")
    assert list(row) == ["NAME", "URL", "READY", "REASON", "OBJECTS", "POLLED", "AGE"]
    assert (row["URL"], row["OBJECTS"]) == ("https://shop.vault.azure.net", "7")
    wait_for("it is gone", lambda: plane.api.find(kind, where, "shop") is None)
