"""Who does not switch Key Vault on does not pay for it: a real controller with and without."""

from __future__ import annotations

import json
from pathlib import Path

from tests.testbed.cluster import ControlPlane
from tests.testbed.controllers import ours

# Written when the process ends: all that it ever imported.
_WITNESS = """
import atexit, json, sys
atexit.register(lambda: open({path!r}, "w").write(json.dumps(sorted(sys.modules))))
"""
AZURE = {"azure", "msal", "isodate", "msal_extensions"}


def run(plane: ControlPlane, namespace: str, folder: Path, *flags: str) -> tuple[list[str], float]:
    """Its modules and resident bytes."""
    folder.mkdir()
    file = folder / "modules.json"
    (folder / "sitecustomize.py").write_text(_WITNESS.format(path=str(file)))
    flags = (*flags, "--all-namespaces=false")
    environment = {"PYTHONPATH": str(folder)}
    with ours(plane, *flags, namespace=namespace, environment=environment) as controller:
        resident = controller.metric("process_resident_memory_bytes")
        text = controller.get("/metrics", port=controller.metrics_port)[1].decode()
    assert resident is not None
    assert ("keyvault" in text) == ("--key-vault" in flags)
    return json.loads(file.read_text()), resident


def test_without_the_flag_nothing_is_loaded_and_no_memory_taken(
    plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    off, without = run(plane, namespace, tmp_path / "off")
    on, with_it = run(plane, namespace, tmp_path / "on", "--key-vault")

    def ours_or_azure(modules: list[str]) -> set[str]:
        return {one for one in modules if one.split(".")[0] in AZURE or "keyvault" in one}

    assert ours_or_azure(off) == set()
    assert {"azure.identity.aio", "msal", "controller.keyvault.wiring"} <= ours_or_azure(on)
    # What is not imported is not in memory; it was 78 MiB without and 85 with it.
    assert with_it - without > 4 * 2**20
