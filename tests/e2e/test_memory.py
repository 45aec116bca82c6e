"""What one namespace writes does not fill the controller's memory: 512 MiB are enough, always."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import World
from tests.testbed.cluster import ControlPlane, wait_for
from tests.testbed.controllers import Controller

pytestmark = pytest.mark.alone

LIMIT = 512 * 2**20
OBJECTS = 150
ITEM = base64.b64encode(b"\x01\x00" + os.urandom(1_050_000)).decode()


def peak(controller: Controller) -> int:
    """The most memory that it ever had, in bytes."""
    status = Path(f"/proc/{controller.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


def test_a_start_before_large_objects_stays_within_the_limit(
    plane: ControlPlane, world: World, start: Callable[..., Any]
) -> None:
    hostile = plane.api.namespace(f"{world.namespace}-x")

    def write(number: int) -> None:
        plane.api.create(
            {
                "apiVersion": "bitnami.com/v1alpha1",
                "kind": "SealedSecret",
                "metadata": {"name": f"large-{number}", "namespace": hostile},
                "spec": {"encryptedData": {"k": ITEM}},
            }
        )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(OBJECTS)))
    try:
        with start(wait=False) as controller:
            world.apply(world.sealed())
            world.wait_synced(seconds=120)

            def tried() -> bool:
                errors = controller.metric(
                    "sealed_secrets_controller_unseal_errors_total",
                    reason="unseal",
                    namespace=hostile,
                )
                return (errors or 0) >= OBJECTS

            wait_for("all were tried", tried, 240)
            assert peak(controller) < LIMIT
    finally:
        path = f"/apis/bitnami.com/v1alpha1/namespaces/{hostile}/sealedsecrets"
        plane.api.request("DELETE", path)
