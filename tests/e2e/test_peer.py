"""A cluster of the peer's taken over by ours and given back: every Secret the same."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.testbed import binaries
from tests.testbed.cluster import ControlPlane, control_plane, wait_for
from tests.testbed.controllers import Controller, ours, peer

NAMESPACE = "shop"
SECRETS: dict[str, dict[str, Any]] = {
    "plain": {"stringData": {"password": "a"}},
    "typed": {"stringData": {"username": "u", "password": "b"}, "type": "kubernetes.io/basic-auth"},
    "labelled": {
        "stringData": {"k": "c"},
        "metadata": {"labels": {"app": "shop"}, "annotations": {"note": "x"}},
    },
    "immutable": {"stringData": {"k": "d"}, "immutable": True},
}


@pytest.fixture
def plane_of_its_own(network: bool) -> Iterator[ControlPlane]:
    """Nobody else's keys or SealedSecrets are in it."""
    if not network:
        pytest.skip("the peer's controller needs root to look as in a pod")
    with control_plane() as plane:
        yield plane


def kubeseal(certificate: bytes, plane: ControlPlane, name: str) -> dict[str, Any]:
    """Seal one of SECRETS with the real kubeseal."""
    body = SECRETS[name]
    metadata = {**body.get("metadata", {}), "name": name, "namespace": NAMESPACE}
    secret = {"apiVersion": "v1", "kind": "Secret", **body, "metadata": metadata}
    file = plane.folder / "cert.pem"
    file.write_bytes(certificate)
    done = subprocess.run(
        [binaries.path("kubeseal"), "--cert", file],
        input=json.dumps(secret),
        capture_output=True,
        text=True,
        check=True,
    )
    sealed: dict[str, Any] = json.loads(done.stdout)
    return sealed


def snapshot(plane: ControlPlane) -> dict[str, Any]:
    """Every Secret of the namespace, as it is."""
    return {one["metadata"]["name"]: one for one in plane.api.list("Secret", NAMESPACE)}


def all_synced(plane: ControlPlane) -> bool:
    found = plane.api.list("SealedSecret", NAMESPACE)
    return all(
        (one.get("status", {}).get("conditions") or [{}])[0].get("status") == "True"
        for one in found
    )


def seen_all(controller: Controller) -> bool:
    runs = controller.metric("sealed_secrets_controller_unseal_requests_total")
    return (runs or 0) >= len(SECRETS)


def test_there_and_back_again_nothing_is_rewritten(plane_of_its_own: ControlPlane) -> None:
    plane = plane_of_its_own
    plane.api.namespace(NAMESPACE)
    with peer(plane) as controller:
        certificate = controller.get("/v1/cert.pem")[1]
        for name in SECRETS:
            plane.api.create(kubeseal(certificate, plane, name))
        wait_for("the peer made all", lambda: len(snapshot(plane)) == len(SECRETS), 60)
        wait_for("the peer said so", lambda: all_synced(plane), 60)
    before = snapshot(plane)
    with ours(plane) as controller:
        wait_for("ours saw all", lambda: seen_all(controller))
        wait_for(
            "ours said so",
            lambda: all(
                any(
                    c["type"] == "Ready" and c["status"] == "True"
                    for c in s["status"]["conditions"]
                )
                for s in plane.api.list("SealedSecret", NAMESPACE)
            ),
        )
        assert controller.get("/v1/cert.pem")[1] == certificate
        assert snapshot(plane) == before
    with peer(plane) as controller:
        wait_for("the peer saw all", lambda: seen_all(controller), 60)
        wait_for("the peer is content", lambda: all_synced(plane), 60)
        assert controller.get("/v1/cert.pem")[1] == certificate
    assert {n: s["data"] for n, s in snapshot(plane).items()} == {
        n: s["data"] for n, s in before.items()
    }
