"""Trouble injected for real: the API server killed, etcd paused, watches cut, tokens expired.

Whatever happens, the controller recovers by itself and loses nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from controller.api.connection import connect
from controller.api.errors import GoneError
from sealer import KeyPair, Scope
from tests.e2e.conftest import World, new_pair
from tests.testbed.cluster import ControlPlane, control_plane, free_port, wait_for
from tests.testbed.controllers import ours

RUNS = "sealed_secrets_controller_unseal_requests_total"


@pytest.fixture
def fragile(network: bool) -> Iterator[ControlPlane]:
    """A control plane of the test's own, to be broken."""
    with control_plane() as plane:
        yield plane


def world_in(plane: ControlPlane, controller: Any, name: str = "shop") -> World:
    """A namespace on it, with the controller's own certificate."""
    from sealer import Certificate

    plane.api.namespace(name)
    return World(plane, name, Certificate.from_pem(controller.get("/v1/cert.pem")[1]))


def test_an_api_server_that_dies_and_comes_back(fragile: ControlPlane) -> None:
    with ours(fragile) as controller:
        world = world_in(fragile, controller)
        world.apply(world.sealed())
        world.wait_synced()
        fragile.apiserver.stop(signal.SIGKILL)
        assert controller.get("/healthz")[0] == 200
        assert controller.get("/v1/cert.pem")[0] == 200
        fragile.start_apiserver()
        world.plane.api.patch("Secret", "shop", "db", {"data": {"password": "eA=="}})
        world.apply(world.sealed(name="later"))
        world.wait_data({"password": b"s3cr3t"}, name="later", seconds=60)
        world.wait_data({"password": b"s3cr3t"}, seconds=60)
        world.wait_condition("Ready", "True", seconds=60)
        world.wait_condition("Ready", "True", name="later", seconds=60)
        assert controller.get("/healthz")[0] == 200


def test_history_that_the_api_server_has_lost_is_listed_anew(fragile: ControlPlane) -> None:
    """410 Gone: what a watch meets when it was away for longer than etcd remembers."""

    async def meet(old: str) -> None:
        cluster = await connect(kubeconfig=str(fragile.kubeconfig))
        try:
            async with asyncio.timeout(30):
                with pytest.raises(GoneError):
                    async for _ in cluster._watch("/api/v1/secrets", {}, "application/json", old):
                        pass
        finally:
            await cluster.close()

    with (
        behind(fragile) as (cutter, kubeconfig),
        ours(fragile, kubeconfig=kubeconfig) as controller,
    ):
        world = world_in(fragile, controller)
        world.apply(world.sealed())
        old = world.wait_synced()["metadata"]["resourceVersion"]
        cutter.refuse = True
        cutter.cut()
        world.apply(world.sealed(name="unseen"))
        fragile.api.delete("Secret", "shop", "db")
        version = fragile.api.request("GET", "/api/v1/secrets")["metadata"]["resourceVersion"]
        fragile.apiserver.stop(signal.SIGKILL)
        fragile.forget_before(version)
        fragile.start_apiserver()
        asyncio.run(meet(old))
        cutter.refuse = False
        world.wait_data({"password": b"s3cr3t"}, seconds=60)
        world.wait_data({"password": b"s3cr3t"}, name="unseen", seconds=60)


def test_an_etcd_that_stands_still_for_a_while(fragile: ControlPlane) -> None:
    with ours(fragile) as controller:
        world = world_in(fragile, controller)
        manifests = [world.sealed(name=f"s{number}") for number in range(20)]
        for manifest in manifests[:10]:
            world.apply(manifest)
        fragile.etcd.send(signal.SIGSTOP)
        threading.Timer(8, lambda: fragile.etcd.send(signal.SIGCONT)).start()
        for manifest in manifests[10:]:
            wait_for("created", lambda manifest=manifest: _created(world, manifest), 60)
        for number in range(20):
            world.wait_data({"password": b"s3cr3t"}, name=f"s{number}", seconds=60)
            world.wait_condition("Ready", "True", name=f"s{number}", seconds=60)


def _created(world: World, manifest: Any) -> bool:
    try:
        world.apply(manifest)
    except Exception:  # noqa: BLE001 the API server is in trouble, as it should be
        return False
    return True


class Cutter:
    """A TCP proxy before the API server that can cut all connections, or refuse new ones."""

    def __init__(self, target: int) -> None:
        self.target, self.port = target, free_port()
        self.refuse = False
        self._pairs: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            if self.refuse:
                client.close()
                continue
            upstream = socket.create_connection(("127.0.0.1", self.target))
            self._pairs += [client, upstream]
            for one, other in ((client, upstream), (upstream, client)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            end.close()

    def cut(self) -> None:
        """End every connection, in the middle of whatever it was."""
        for end in self._pairs:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self._pairs.clear()

    def close(self) -> None:
        """End it all."""
        self.cut()
        self._server.close()


@contextmanager
def behind(plane: ControlPlane) -> Iterator[tuple[Cutter, Any]]:
    """A cutter and a kubeconfig that leads through it."""
    cutter = Cutter(plane.port)
    config = json.loads(plane.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{cutter.port}"
    path = plane.folder / f"cut-{cutter.port}.kubeconfig"
    path.write_text(json.dumps(config))
    try:
        yield cutter, path
    finally:
        cutter.close()


def test_watches_that_are_cut_miss_nothing(plane: ControlPlane, world: World) -> None:
    with behind(plane) as (cutter, kubeconfig), ours(plane, kubeconfig=kubeconfig):
        world.apply(world.sealed())
        world.wait_synced()
        cutter.refuse = True
        cutter.cut()
        world.plane.api.delete("Secret", world.namespace, "db")
        world.apply(world.sealed(name="unseen"))
        cutter.refuse = False
        world.wait_data({"password": b"s3cr3t"}, seconds=30)
        world.wait_data({"password": b"s3cr3t"}, name="unseen", seconds=30)
        for round_ in range(5):
            world.apply(world.sealed(data={"password": str(round_).encode()}))
            cutter.cut()
        world.wait_data({"password": b"4"}, seconds=30)
        world.wait_condition("Ready", "True", seconds=30)


def test_a_token_that_expires_is_read_again(
    plane: ControlPlane, world: World, pair: KeyPair
) -> None:
    """As the kubelet does it: the file is there, and what is in it changes."""
    account = f"controller-{os.urandom(3).hex()}"
    identity = {"name": account, "namespace": world.namespace}
    plane.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": identity})
    plane.api.create(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": account},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "cluster-admin",
            },
            "subjects": [{"kind": "ServiceAccount", **identity}],
        }
    )
    token = plane.folder / f"{account}.token"
    token.write_text(plane.service_account_token(world.namespace, account))
    config = json.loads(plane.kubeconfig.read_text())
    config["users"][0]["user"] = {"tokenFile": str(token)}
    kubeconfig = plane.folder / f"{account}.kubeconfig"
    kubeconfig.write_text(json.dumps(config))
    with ours(plane, kubeconfig=kubeconfig):
        world.apply(world.sealed())
        world.wait_synced()
        # A token dies with its account; the new account's token is another.
        plane.api.delete("ServiceAccount", world.namespace, account)
        plane.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": identity})
        token.write_text(plane.service_account_token(world.namespace, account))
        world.apply(world.sealed(name="after"))
        world.wait_data({"password": b"s3cr3t"}, name="after", seconds=90)


def test_fifty_bad_among_a_thousand_good_hold_up_nobody(
    world: World, start: Callable[..., Any]
) -> None:
    good = world.sealed(scope=Scope.NAMESPACE_WIDE)
    bad = world.sealed(scope=Scope.NAMESPACE_WIDE, certificate=new_pair().certificate)

    def create(number: int) -> None:
        manifest = good if number % 21 else bad
        metadata = {**manifest["metadata"], "name": f"s{number}"}
        world.plane.api.create({**manifest, "metadata": metadata})

    def told() -> tuple[int, int]:
        found = world.plane.api.list("SealedSecret", world.namespace)
        words = [(one.get("status", {}).get("conditions") or [{}])[-1] for one in found]
        synced = sum(one.get("type") == "Ready" and one["status"] == "True" for one in words)
        return synced, sum(one.get("type") == "Stalled" for one in words)

    with start():
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(create, range(1050)))
        wait_for("all told", lambda: told() == (1000, 50), 120, 0.5)
        names = {one["metadata"]["name"] for one in world.plane.api.list("Secret", world.namespace)}
        assert names == {f"s{number}" for number in range(1050) if number % 21}


def test_a_restart_writes_nothing(world: World, start: Callable[..., Any]) -> None:
    names = [f"s{number}" for number in range(40)]
    with start():
        for name in names:
            world.apply(world.sealed(name=name))
        broken = world.sealed(name="broken")
        broken["spec"]["encryptedData"]["password"] = "AgAA"
        world.apply(broken)
        for name in names:
            world.wait_synced(name)
        world.wait_condition("Stalled", "True", name="broken")
        world.wait_event("ErrUnsealFailed", "broken")
    before = _versions(world)
    with start() as controller:
        wait_for("all looked at", lambda: (controller.metric(RUNS) or 0) >= len(names) + 1)
        assert "level=WARN" not in controller.log
    assert _versions(world) == before


def _versions(world: World) -> dict[str, str]:
    return {
        f"{kind}/{one['metadata']['name']}": one["metadata"]["resourceVersion"]
        for kind in ("Secret", "SealedSecret", "Event")
        for one in world.plane.api.list(kind, world.namespace)
    }
