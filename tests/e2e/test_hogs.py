"""Templates and certificates that compute for ever cost their own namespace, and no other."""

from __future__ import annotations

import base64
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sealer import KeyPair
from tests.e2e.conftest import StartVault, World
from tests.testbed.azure.server import Azure
from tests.testbed.cluster import ControlPlane, wait_for
from tests.testbed.controllers import Controller
from tests.testbed.pfx import costly_pfx
from tests.testbed.vault_world import new_world

pytestmark = pytest.mark.alone

SLOW = '{{ range until 50000 }}{{ $x := contains "' + "x" * 60 + 'y" $.a }}{{ end }}'
BIG = "x" * 200_000


@contextmanager
def probed(controller: Controller) -> Iterator[list[float]]:
    """Ask /healthz all the time; the list has the seconds of each answer, inf for none."""
    seconds: list[float] = []
    ended = threading.Event()

    def probe() -> None:
        while not ended.wait(0.1):
            started = time.monotonic()
            answered = controller.get("/healthz")[0] == 200
            seconds.append(time.monotonic() - started if answered else float("inf"))

    thread = threading.Thread(target=probe)
    thread.start()
    try:
        yield seconds
    finally:
        ended.set()
        thread.join()


def workers_of(controller: Controller) -> list[int]:
    """The controller's worker processes, and the forks in which they do jobs."""
    found = [controller.process.pid]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [int(one) for one in task.read_text().split()]
    return found[1:]


def is_gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.fixture
def neighbour(plane: ControlPlane, pair: KeyPair, world: World) -> World:
    """Another namespace."""
    assert pair.certificate is not None
    return World(plane, plane.api.namespace(f"{world.namespace}-too"), pair.certificate)


def hogs(world: World, *, objects: int, keys: int) -> list[str]:
    """Make SealedSecrets with slow templates; return their names."""
    names = [f"hog-{number}" for number in range(objects)]
    for name in names:
        manifest = world.sealed(name, {"a": BIG.encode()})
        manifest["spec"]["template"]["data"] = {f"t{number}": SLOW for number in range(keys)}
        world.apply(manifest)
    return names


def test_hog_templates_of_one_namespace_delay_no_other(
    world: World, neighbour: World, start: Callable[..., Any]
) -> None:
    with start() as controller, probed(controller) as seconds:
        names = hogs(world, objects=4, keys=24)
        wait_for("a hog is in work", lambda: len(workers_of(controller)) >= 2)
        manifest = neighbour.sealed("db")
        manifest["spec"]["template"]["data"] = {"url": "db://{{ .password }}"}
        started = time.monotonic()
        neighbour.apply(manifest)
        neighbour.wait_data({"password": b"s3cr3t", "url": b"db://s3cr3t"}, seconds=60)
        waited = time.monotonic() - started
        for name in names:
            world.wait_condition("Stalled", "True", "takes longer than 1 s", name=name, seconds=90)
    assert waited < 10
    assert max(seconds) < 5
    assert controller.process.text().count("internal error") == 0


def test_hogs_of_a_vault_delay_nobody(
    plane: ControlPlane, azure: Azure, world: World, neighbour: World, start_vault: StartVault
) -> None:
    bad, good = (new_world(plane, azure, one.namespace) for one in (world, neighbour))
    bad.store.set_secret("one", "1")
    good.store.set_secret("one", "1")
    for name, count in (("much", 90_000_000), ("most", 0x7FFFFFFF), ("some", 1_000_000)):
        bad.store.set_certificate(name, costly_pfx(count))
    with start_vault() as controller, probed(controller) as seconds:
        for one in (bad, good):
            one.vault()
        # Templates of a KeyVaultSecret see nothing of each other: each makes its own long text.
        own = '{{ $a := repeat 200000 "x" }}' + SLOW.replace("$.a", "$a")
        slow = {f"t{number}": own for number in range(6)}
        bad.secret({"key": "k", "from": {"secret": "one"}}, name="slow", template={"data": slow})
        for name in ("much", "most", "some"):
            bad.secret({"tls": {"certificate": name}}, name=name)
        pfx = base64.b64encode(costly_pfx(0x7FFFFFFF)).decode()
        place = {"name": "sign-in", "namespace": bad.namespace}
        plane.api.create(
            {"apiVersion": "v1", "kind": "Secret", "metadata": place, "data": {"pfx": pfx}}
        )
        reference = {"name": "sign-in", "key": "pfx"}
        principal = {"clientId": bad.client, "certificateRef": reference}
        bad.vault("sign-in", auth={"servicePrincipal": principal})
        started = time.monotonic()
        good.secret({"key": "k", "from": {"secret": "one"}}, template={"data": {"t": "{{ .k }}!"}})
        good.wait_data({"k": b"1", "t": b"1!"}, seconds=60)
        waited = time.monotonic() - started
        stalled = bad.wait_reason("TemplateFailed", name="slow", seconds=90)
        assert "takes longer than 1 s" in stalled["message"]
        for name in ("much", "most"):
            refused = bad.wait_reason("BadValue", name=name, seconds=60)
            assert "asks for more than 1000000 rounds" in refused["message"]
        bad.wait_reason("BadValue", name="some", seconds=60)
        wait_for(
            "the sign-in is denied",
            lambda: "rounds of key" in str(bad.status("sign-in", "KeyVault")),
        )
        shown = controller.get("/metrics", port=controller.metrics_port)[1].decode()
    assert waited < 15
    assert max(seconds) < 5
    lag = "sealed_secrets_controller_event_loop_lag_seconds_bucket"
    looks = {
        line.split('"')[1]: float(line.split()[-1])
        for line in shown.splitlines()
        if line.startswith(lag)
    }
    assert looks["+Inf"] > 10
    assert looks["2.5"] == looks["+Inf"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_the_controller(
    world: World, start: Callable[..., Any], number: signal.Signals
) -> None:
    with start() as controller:
        hogs(world, objects=1, keys=24)
        workers: list[int] = []

        def is_working() -> bool:
            workers[:] = workers_of(controller)
            return len(workers) > 1  # the worker, and the fork that does the job

        wait_for("a hog is in work", is_working)
        if number == signal.SIGKILL:
            os.kill(controller.process.pid, number)
        else:
            controller.process.stop(number)
        wait_for("the workers are gone", lambda: all(is_gone(pid) for pid in workers), 10)
