"""What one namespace writes costs that namespace: another one's SealedSecret does not wait."""

from __future__ import annotations

import base64
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from sealer import Scope, Secret, seal
from tests.e2e.conftest import World
from tests.testbed.cluster import ApiError, ControlPlane, Manifest, wait_for

pytestmark = pytest.mark.alone

ITEMS = 1400
SECONDS = 2.0
PROBES = 20


def junk(namespace: str, name: str) -> Manifest:
    """As many items as an object holds, of the right size and without a key: new each time."""
    items = {
        f"k{number:04}": base64.b64encode(b"\x01\x00" + os.urandom(274)).decode()
        for number in range(ITEMS)
    }
    return manifest(namespace, name, items)


def dear(world: World, namespace: str, name: str) -> Manifest:
    """As many items as an object holds, and each opens: the most work that one can ask for."""
    secret = Secret(name=name, namespace=namespace, data={"k": os.urandom(4)})
    sealed = seal(secret, world.certificate, scope=Scope.NAMESPACE_WIDE).to_dict()
    (item,) = sealed["spec"]["encryptedData"].values()
    sealed["spec"]["encryptedData"] = {f"k{number:04}": item for number in range(ITEMS)}
    return sealed


def manifest(namespace: str, name: str, items: dict[str, str]) -> Manifest:
    return {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"encryptedData": items},
    }


class Attack:
    """One namespace that writes such objects again and again, as fast as the API server lets it."""

    def __init__(self, plane: ControlPlane, made: Callable[[str], Manifest]) -> None:
        self.plane, self.made = plane, made
        self.written = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(n,)) for n in range(2)]

    def __enter__(self) -> Attack:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _write(self, number: int) -> None:
        while not self._stop.is_set():
            for name in (f"a{number}-{one}" for one in range(10)):
                self._put(self.made(name))
                self.written += 1
                if self._stop.wait(0.05):
                    return

    def _put(self, body: Manifest) -> None:
        try:
            self.plane.api.create(body)
        except ApiError as error:
            if error.status != 409:
                raise
            metadata, change = body["metadata"], {"spec": body["spec"]}
            self.plane.api.patch("SealedSecret", metadata["namespace"], metadata["name"], change)


def waits(world: World, attack: Attack) -> list[float]:
    """Seconds from a new SealedSecret to its Secret, in another namespace, while it goes on."""
    wait_for("the attack is on", lambda: attack.written >= 20, 60)
    seconds = []
    for number in range(PROBES):
        name = f"probe-{number}"
        started = time.monotonic()
        world.apply(world.sealed(name=name))
        wait_for(name, partial(world.secret, name), 60, 0.02)
        seconds.append(time.monotonic() - started)
    return sorted(seconds)


def test_junk_of_one_namespace_holds_up_no_other(
    plane: ControlPlane, world: World, start: Callable[..., Any]
) -> None:
    hostile = plane.api.namespace(f"{world.namespace}-x")
    with start(), Attack(plane, lambda name: junk(hostile, name)) as attack:
        seconds = waits(world, attack)
    assert seconds[-1] <= SECONDS, seconds


def test_honest_work_of_one_namespace_holds_up_no_other(
    plane: ControlPlane, world: World, start: Callable[..., Any]
) -> None:
    hostile = plane.api.namespace(f"{world.namespace}-x")
    with start(), Attack(plane, lambda name: dear(world, hostile, name)) as attack:
        seconds = waits(world, attack)
    assert seconds[-1] <= SECONDS, seconds
