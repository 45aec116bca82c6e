"""How fast the controller is beside the peer's, on one API server in one run: ``make bench``.

Both get the same SealedSecrets of three values, in namespaces of their own, one controller after
the other; the peer runs with its client's rate limit off, and once at its defaults. Only ratios
are to be quoted. Exits 1 when a bound that users were promised is broken.
"""

from __future__ import annotations

import argparse
import base64
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from controller.keys.renewal import key_secret
from sealer import Scope, Secret, generate, seal
from sealer.keys.pair import KeyPair
from tests.testbed import binaries
from tests.testbed.cluster import ControlPlane, control_plane, wait_for
from tests.testbed.controllers import NAMESPACE, Controller, ours, peer

VALUES = {"username": b"app", "password": b"correct horse battery staple", "url": b"postgres://db"}
PEER_UNLIMITED = ("--kubeclient-qps=-1", "--kubeclient-burst=-1")
_RUNS = "sealed_secrets_controller_unseal_requests_total"
Runner = Callable[[], AbstractContextManager[Controller]]


def sealed_manifest(pair: KeyPair, namespace: str) -> dict[str, Any]:
    """One SealedSecret that opens under any name of its namespace."""
    assert pair.certificate is not None
    secret = Secret(name="bench", namespace=namespace, data=VALUES)
    return seal(secret, pair.certificate, scope=Scope.NAMESPACE_WIDE).to_dict()


def create_many(plane: ControlPlane, manifest: dict[str, Any], count: int) -> None:
    """Create copies of a SealedSecret under many names, as fast as the API server takes them."""

    def one(number: int) -> None:
        metadata = {**manifest["metadata"], "name": f"bench-{number}"}
        plane.api.create({**manifest, "metadata": metadata})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(count)))


def synced(plane: ControlPlane, namespace: str) -> int:
    """Count the SealedSecrets whose first condition says so."""
    return sum(
        1
        for one in plane.api.list("SealedSecret", namespace)
        if (one.get("status", {}).get("conditions") or [{}])[0].get("status") == "True"
    )


def burst(plane: ControlPlane, run: Runner, pair: KeyPair, namespace: str, count: int) -> float:
    """Return SealedSecrets a second, from the first create to the last Synced."""
    plane.api.namespace(namespace)
    manifest = sealed_manifest(pair, namespace)
    with run() as controller:
        warm_up(plane, pair, f"{namespace}-warm")
        before = controller.metric(_RUNS) or 0
        started = time.perf_counter()
        create_many(plane, manifest, count)
        # Seldom: a thousand series take 20 ms of the controller's time to write, and a list of all
        # objects would be a load for the API server.
        wait_for("all tried", lambda: (controller.metric(_RUNS) or 0) - before >= count, 900, 0.4)
        wait_for("all synced", lambda: synced(plane, namespace) == count, 60, 0.1)
        return count / (time.perf_counter() - started)


def steady(plane: ControlPlane, run: Runner, pair: KeyPair, namespace: str, count: int) -> float:
    """Return SealedSecrets a second once the client's burst is used up: the rate at its limit."""
    plane.api.namespace(namespace)
    with run() as controller:
        create_many(plane, sealed_manifest(pair, namespace), count)
        wait_for("the burst", lambda: (controller.metric(_RUNS) or 0) >= count // 2, 900, 0.2)
        done, started = controller.metric(_RUNS) or 0, time.perf_counter()
        wait_for("the rest", lambda: (controller.metric(_RUNS) or 0) >= count, 900, 0.2)
        return (count - done) / (time.perf_counter() - started)


def warm_up(plane: ControlPlane, pair: KeyPair, namespace: str) -> None:
    """Let the API server fill its caches: its first watch of a new CRD takes seconds."""
    plane.api.namespace(namespace)
    create_many(plane, sealed_manifest(pair, namespace), 8)
    wait_for("warm", lambda: synced(plane, namespace) == 8, 60)
    remove(plane, namespace)


def restart(
    plane: ControlPlane, run: Runner, namespace: str, count: int
) -> tuple[float, float, int]:
    """Return seconds until all is verified again, RSS in MB, and how many Secrets were written."""
    before = versions(plane, namespace)
    started = time.perf_counter()
    with run() as controller:
        wait_for("all verified", lambda: (controller.metric(_RUNS) or 0) >= count, 600, 0.05)
        seconds = time.perf_counter() - started
        memory = rss(controller)
    after = versions(plane, namespace)
    return seconds, memory, sum(after[key] != before[key] for key in before)


def versions(plane: ControlPlane, namespace: str) -> dict[str, str]:
    """The resourceVersion of every Secret."""
    return {
        one["metadata"]["name"]: one["metadata"]["resourceVersion"]
        for one in plane.api.list("Secret", namespace)
    }


def rss(controller: Controller) -> float:
    """Resident memory in MB."""
    for line in Path(f"/proc/{controller.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def latency(plane: ControlPlane, run: Runner, pair: KeyPair, namespace: str) -> float:
    """Return the median seconds from one create to its Secret, on an idle controller."""
    plane.api.namespace(namespace)
    manifest = sealed_manifest(pair, namespace)
    seconds = []
    with run():
        for number in range(30):
            name = f"one-{number}"
            started = time.perf_counter()
            plane.api.create({**manifest, "metadata": {**manifest["metadata"], "name": name}})
            wait_for(name, lambda name=name: plane.api.find("Secret", namespace, name), 30, 0.002)
            seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def row(what: str, mine: str, theirs: str, ratio: str, *, good: bool = True) -> bool:
    """Print a row of the table."""
    print(
        f"{what:<44} {mine:>12} {theirs:>12} {ratio:>20} {'' if good else '  BROKEN'}", flush=True
    )
    return good


def main() -> None:
    """Run all of it."""
    options = argparse.ArgumentParser()
    options.add_argument("--count", type=int, default=1000)
    options.add_argument("--many", type=int, default=0, help="a second, larger burst (10000)")
    options.add_argument("--foreign", type=int, default=5000, help="unrelated Secrets of 100 kB")
    options.add_argument("--peer-default", type=int, default=60)
    chosen = options.parse_args()
    for name in binaries.TOOLS:
        binaries.path(name)
    pair = generate(now=datetime.now(UTC), validity=timedelta(days=3650), bits=4096)
    with control_plane() as plane:
        plane.api.create(key_secret(pair, prefix="sealed-secrets-key", namespace=NAMESPACE))
        sys.exit(0 if all(list(rows(plane, pair, chosen))) else 1)


def rows(plane: ControlPlane, pair: KeyPair, chosen: argparse.Namespace) -> Iterator[bool]:
    """Measure and print row by row."""

    def mine() -> AbstractContextManager[Controller]:
        return ours(plane, "--key-size=4096")

    def theirs(*flags: str) -> Runner:
        return lambda: peer(plane, "--key-size=4096", *flags)

    count = chosen.count
    row("", "sealer", "peer", "ratio")
    a = burst(plane, mine, pair, "bench-ours", count)
    seconds, memory, written = restart(plane, mine, "bench-ours", count)
    remove(plane, "bench-ours")
    b = burst(plane, theirs(*PEER_UNLIMITED), pair, "bench-peer", count)
    peer_seconds, peer_memory, _ = restart(plane, theirs(*PEER_UNLIMITED), "bench-peer", count)
    remove(plane, "bench-peer")
    yield row(
        f"{count} new, a second",
        f"{a:.0f}",
        f"{b:.0f}",
        f"{a / b:.1f} x (>= 3.5)",
        good=a / b >= 3.5,
    )
    ratio = peer_seconds / seconds
    yield row(
        f"restart with {count}, s",
        f"{seconds:.1f}",
        f"{peer_seconds:.1f}",
        f"1/{ratio:.1f} (<= 1/4)",
        good=ratio >= 4,
    )
    yield row("Secrets written at restart", f"{written}", "", "0", good=written == 0)
    yield row(
        f"memory with {count}, MB",
        f"{memory:.0f}",
        f"{peer_memory:.0f}",
        "<= 160",
        good=memory <= 160,
    )
    grown = foreign_secrets(plane, mine, chosen.foreign)
    yield row(
        f"{chosen.foreign} unrelated Secrets of 100 kB, MB",
        f"+{grown:.0f}",
        "",
        "<= 20",
        good=grown <= 20,
    )
    c = steady(plane, theirs(), pair, "bench-default", chosen.peer_default)
    remove(plane, "bench-default")
    yield row(
        "against the peer's defaults, a second",
        f"{a:.0f}",
        f"{c:.2f}",
        f"{a / c:.0f} x (>= 75)",
        good=a / c >= 75,
    )
    x, y = (
        latency(plane, mine, pair, "bench-one"),
        latency(plane, theirs(*PEER_UNLIMITED), pair, "bench-two"),
    )
    yield row(
        "one on an idle controller, ms (median)",
        f"{x * 1e3:.0f}",
        f"{y * 1e3:.0f}",
        f"{x / y:.2f} x (< 50 ms)",
        good=x < 0.05,
    )
    if chosen.many:
        d = burst(plane, mine, pair, "bench-many", chosen.many)
        yield row(
            f"{chosen.many} new, a second",
            f"{d:.0f}",
            "",
            f"{d / a:.2f} of {count}'s",
            good=d / a >= 0.7,
        )


def foreign_secrets(plane: ControlPlane, run: Runner, count: int) -> float:
    """Return by how many MB the controller grows while many large Secrets appear."""
    namespace = plane.api.namespace("bench-foreign")
    data = {"blob": base64.b64encode(os.urandom(100_000)).decode()}

    def one(number: int) -> None:
        metadata = {"name": f"foreign-{number}", "namespace": namespace}
        plane.api.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})

    with run() as controller:
        before = rss(controller)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(one, range(count)))
        grown = rss(controller) - before
    with run() as controller:
        grown = max(grown, rss(controller) - before)
    remove(plane, namespace)
    return grown


def remove(plane: ControlPlane, namespace: str) -> None:
    """Delete a namespace's SealedSecrets and Secrets, so that the next one has the same load."""
    for kind, plural in (("SealedSecret", "sealedsecrets"), ("Secret", "secrets")):
        group = "/apis/bitnami.com/v1alpha1" if kind == "SealedSecret" else "/api/v1"
        plane.api.request("DELETE", f"{group}/namespaces/{namespace}/{plural}")


if __name__ == "__main__":
    main()
