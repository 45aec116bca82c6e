"""What reaches a chat channel when two hundred SealedSecrets break at once, and when they heal."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from controller.keys.renewal import key_secret
from tests.e2e.conftest import World, new_pair
from tests.testbed import sources
from tests.testbed.cluster import ControlPlane, wait_for
from tests.testbed.controllers import NAMESPACE
from tests.testbed.flux_argo import flux_types
from tests.testbed.receivers import receivers

COUNT = 200
CANARY = b"canary-9b1d"
FLUX = "kustomize.toolkit.fluxcd.io"
REVISION = "main@sha1:0123456789abcdef"
LABELS = {f"{FLUX}/name": "apps", f"{FLUX}/namespace": "flux-system"}


def configuration(folder: Path, port: int) -> str:
    """One receiver of each kind, their URLs in files as the chart mounts them."""
    entries = []
    for kind in ("flux", "slack", "teams", "webhook"):
        url = folder / f"{kind}.url"
        url.write_text(f"http://127.0.0.1:{port}/{kind}/secret-token")
        entries.append({"name": kind, "kind": kind, "urlFile": str(url), "window": "3s"})
    key = folder / "hmac"
    key.write_text("k3y")
    entries[-1]["hmacKeyFile"] = str(key)
    path = folder / "notify.json"
    path.write_text(json.dumps({"receivers": entries}))
    return str(path)


def make_kustomization(plane: ControlPlane, namespace: str) -> None:
    """Flux's Kustomization, of its own kind, as its controller leaves it."""
    crds = sources.folder("kustomize-controller") / "config/crd/bases"
    plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(crds))
    plane.wait_established("-f", str(crds))
    if plane.api.find("Namespace", "", "flux-system") is None:
        plane.api.namespace("flux-system")
    spec = {"interval": "10m", "prune": True, "path": "./apps"}
    spec["sourceRef"] = {"kind": "GitRepository", "name": "flux-system"}
    body = {
        "apiVersion": f"{FLUX}/v1",
        "kind": "Kustomization",
        "metadata": {"name": "apps", "namespace": "flux-system"},
        "spec": spec,
    }
    plane.kubectl("apply", "--server-side", "-f", "-", text=json.dumps(body))
    path = f"/apis/{FLUX}/v1/namespaces/flux-system/kustomizations/apps/status"
    entries = [
        {"id": f"{namespace}_s{number}_bitnami.com_SealedSecret", "v": "v1alpha1"}
        for number in range(COUNT)
    ]
    status = {"lastAppliedRevision": REVISION, "inventory": {"entries": entries}}
    change = {"status": status}
    plane.api.request("PATCH", path, change, "application/merge-patch+json")


def test_two_hundred_broken_at_once_are_one_message_and_so_is_their_recovery(
    world: World, start: Callable[..., Any], tmp_path: Path
) -> None:
    plane, lost = world.plane, new_pair(days_ago=300)
    make_kustomization(plane, world.namespace)
    manifest = world.sealed(data={"secret-key-name": CANARY}, certificate=lost.certificate)
    with receivers() as (port, endpoints):
        flags = ("--notify-config", configuration(tmp_path, port))
        with start(*flags) as controller:
            endpoints["slack"].faults = [503, 500]
            for number in range(COUNT):
                name = f"s{number}"
                sealed = world.sealed(name=name, data={"k": CANARY}, certificate=lost.certificate)
                sealed["metadata"]["labels"] = LABELS
                world.apply(sealed)
            for kind in endpoints:
                wait_for(f"{kind} is told", lambda kind=kind: count(endpoints[kind]) >= COUNT, 60)
            told = {kind: len(one.received) for kind, one in endpoints.items()}
            # As many as windows of three seconds went by while they were made; never one each.
            assert all(1 <= number <= 6 for number in told.values()), told
            made = plane.api.create(
                key_secret(lost, prefix="sealed-secrets-key", namespace=NAMESPACE)
            )
            try:
                wait_for("healed", lambda: count(endpoints["webhook"]) >= 2 * COUNT, 60)
                for kind in endpoints:
                    wait_for(kind, lambda kind=kind: count(endpoints[kind]) >= 2 * COUNT, 60)
                recovered = {
                    kind: len(one.received) - told[kind] for kind, one in endpoints.items()
                }
                assert all(1 <= number <= 4 for number in recovered.values()), recovered
            finally:
                plane.api.delete("Secret", NAMESPACE, made["metadata"]["name"])
        log = controller.log
        check_contents(endpoints)
        before = {kind: len(one.received) for kind, one in endpoints.items()}
        with start(*flags) as again:
            wait_for(
                "all looked at",
                lambda: (
                    (again.metric("sealed_secrets_controller_unseal_requests_total") or 0) >= COUNT
                ),
            )
        kept = {kind: len(one.received) for kind, one in endpoints.items()}
        # The key is gone again, and what it opened fails anew: told, and nothing else is repeated.
        assert all(kept[kind] - before[kind] <= 2 for kind in kept), (before, kept)
        everything = (
            log
            + again.log
            + "".join(body.decode() for one in endpoints.values() for body in one.bodies)
        )
    assert manifest["kind"] == "SealedSecret"
    for form in (CANARY.decode(), base64.b64encode(CANARY).decode(), CANARY.hex()):
        assert form not in everything
    assert "secret-token" not in log + again.log
    assert "secret-key-name" not in everything


def count(endpoint: Any) -> int:
    """How many objects the messages are about, by their headlines."""
    total = 0
    for payload in endpoint.received:
        if endpoint.kind == "flux":
            head = payload["message"]
        elif endpoint.kind == "slack":
            head = payload["text"].split(" ", 1)[1]
        elif endpoint.kind == "teams":
            head = payload["attachments"][0]["content"]["body"][0]["inlines"][0]["text"]
        else:
            head = payload["summary"]
        total += int(head.split()[0])
    return total


def check_contents(endpoints: dict[str, Any]) -> None:
    """No payload was refused; Flux is told in its Kustomization's name, with its revision."""
    assert {kind: one.refused for kind, one in endpoints.items() if one.refused} == {}
    flux_types(body.decode() for body in endpoints["flux"].bodies)
    for event in endpoints["flux"].received:
        assert event["involvedObject"]["name"] == "apps"
        assert event["metadata"] == {f"{FLUX}/revision": REVISION}
    webhook = endpoints["webhook"]
    for body, headers in zip(webhook.bodies, webhook.headers, strict=True):
        expected = hmac.new(b"k3y", body, hashlib.sha256).hexdigest()
        assert headers["X-Signature"] == f"sha256={expected}"
    severities = [payload["severity"] for payload in webhook.received]
    assert "error" in severities
    assert "info" in severities


def test_a_receiver_whose_url_is_sealed_comes_up_in_the_commit_that_brings_it(
    world: World, start: Callable[..., Any], tmp_path: Path
) -> None:
    # The pod starts without the Secret; the test is the kubelet that mounts it when it is there.
    with receivers() as (port, endpoints):
        url = tmp_path / "url"
        entry = {"name": "chat", "kind": "slack", "urlFile": str(url), "window": "1s"}
        config = tmp_path / "notify.json"
        config.write_text(json.dumps({"receivers": [entry]}))
        with start("--notify-config", str(config)) as controller:
            world.apply(world.sealed("broken", certificate=new_pair().certificate))
            world.wait_condition("Synced", "False", name="broken")
            wait_for("it waits", lambda: "waits for its receiver" in controller.log)
            assert not endpoints["slack"].bodies
            address = f"http://127.0.0.1:{port}/slack/secret-token".encode()
            world.apply(world.sealed("chat", data={"url": address}))
            world.wait_data({"url": address}, "chat")
            url.write_bytes(world.data("chat")["url"])
            wait_for("it is told", lambda: endpoints["slack"].bodies, 30)
            assert "secret-token" not in controller.log
