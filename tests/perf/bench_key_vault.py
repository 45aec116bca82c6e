"""First sync of many KeyVaultSecrets: rate and memory, on a real API server and the real SDK.

``python -m tests.perf.bench_key_vault [COUNT]``; the vault, API server and controller share the
machine's cores. Exits 1 when a bound that users were promised is broken.
"""

from __future__ import annotations

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.testbed.azure.entra import App
from tests.testbed.azure.server import Azure
from tests.testbed.cluster import control_plane, wait_for
from tests.testbed.controllers import ours
from tests.testbed.vault_world import CLIENT, PASSWORD, World, environment

OBJECTS = 250
READY = b"keyvaultsecret_ready{"


def main() -> None:
    """Make them, start the controller, wait for all Secrets."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with control_plane() as plane, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        azure = Azure(folder).start()
        store = azure.vault("bench")
        azure.entra.register(App(CLIENT, store.tenant, secret=PASSWORD))
        store.grant(CLIENT)
        for number in range(OBJECTS):
            store.set_secret(f"s-{number}", f"value-{number}")
        world = World(plane, azure, store, plane.api.namespace("bench"))
        world.principal()
        world.vault()

        def create(number: int) -> None:
            names = [f"s-{(number * 3 + step) % OBJECTS}" for step in range(3)]
            world.secret(
                *({"key": one, "from": {"secret": one}} for one in names), name=f"k-{number}"
            )

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(create, range(count)))
        flags = ("--key-vault", f"--vault-suffixes={azure.suffix}")
        # Ready conditions are the end: status is written after the Secret.
        started = time.monotonic()
        with ours(plane, *flags, environment=environment(azure, folder)) as controller:
            ready = time.monotonic()

            def done() -> bool:
                _, body = controller.get("/metrics", port=controller.metrics_port)
                lines = [line for line in body.splitlines() if line.startswith(READY)]
                return sum(line.endswith(b" 1.0") for line in lines) == count

            # Each look at the metrics costs the controller time of its own.
            wait_for("all are ready", done, 300, 0.5)
            ended = time.monotonic()
            lines = Path(f"/proc/{controller.process.pid}/status").read_text().splitlines()
            peak = next(line for line in lines if line.startswith("VmHWM"))
            rate, megabytes = count / (ended - ready), int(peak.split()[1]) / 1024
            print(f"{count} in {ended - started:.1f} s from the start of the process,")
            print(f"{ended - ready:.1f} s from readiness: {rate:.0f} a second (>= 150)")
            print(f"{megabytes:.0f} MB at its peak (<= 250)")
            print(f"calls: {dict(azure.calls)}, tokens: {len(azure.entra.tokens)}")
        azure.stop()
    sys.exit(0 if rate >= 150 and megabytes <= 250 else 1)


if __name__ == "__main__":
    main()
