"""What Flux (kstatus) and Argo CD conclude of the Key Vault kinds, on live objects.

Argo CD's rule is the Lua of docs/key-vault-reasons.md, run by the interpreter that Argo CD has.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.chart.test_vault_rights import start, world
from tests.e2e.test_key_vault import single
from tests.e2e.test_kstatus import kstatus
from tests.testbed import binaries
from tests.testbed.fixtures import need
from tests.testbed.vault_world import World

__all__ = ["world"]
PAGE = Path(__file__).parents[2] / "docs" / "key-vault-reasons.md"
SAME = {"Current": "Healthy", "InProgress": "Progressing", "Failed": "Degraded"}


def rules() -> dict[str, str]:
    block = re.findall(r"```yaml\n# manifest: argocd-cm\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    prefix = "resource.customizations.health.keyvault.sealer.dev_"
    data: dict[str, str] = yaml.safe_load(block)["data"]
    return {key.removeprefix(prefix): text for key, text in data.items()}


def lua(value: Any) -> str:
    """A value as Lua writes it."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"[{lua(key)}]={lua(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ",".join(map(lua, value)) + "}"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    return '"' + "".join(f"\\{byte:03}" for byte in str(value).encode()) + '"'


def argo(resource: Mapping[str, Any], folder: Path) -> tuple[str, str]:
    """Health and message."""
    need("glua")
    script = folder / "health.lua"
    judge = f"local function health(obj)\n{rules()[resource['kind']]}\nend\n"
    tell = f"local it = health({lua(resource)})\nprint(it.status, it.message)"
    script.write_text(judge + tell)
    command = [str(binaries.path("glua")), str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    health, _, message = done.stdout.strip().partition("\t")
    return health, message


def check(world: World, folder: Path, kind: str, name: str, expected: str) -> str:
    found = world.plane.api.get(kind, world.namespace, name)
    health, message = argo(found, folder)
    assert (kstatus(found), health) == (expected, SAME[expected])
    return message


def test_there_is_a_rule_for_each_kind() -> None:
    assert set(rules()) == {"KeyVault", "ClusterKeyVault", "KeyVaultSecret"}


def test_flux_and_argo_cd_agree_on_what_is_done_failed_or_under_way(
    world: World, tmp_path: Path
) -> None:
    owned = {"kind": "Secret", "apiVersion": "v1"}
    world.plane.api.create(owned | {"metadata": {"name": "taken", "namespace": world.namespace}})
    world.vault()
    world.vault("elsewhere", url="https://vault.example.org")
    for name, vault in {"db": "shop", "taken": "shop", "alone": "nowhere"}.items():
        world.secret(single("password", "db-password"), name=name, vault={"name": vault})
    world.secret(single("password", "no-such"), name="lacking")
    for kind, name in (("KeyVault", "shop"), ("KeyVaultSecret", "db")):
        check(world, tmp_path, kind, name, "InProgress")

    with start(world, tmp_path):
        world.wait_reason("Synced", "True")
        check(world, tmp_path, "KeyVaultSecret", "db", "Current")
        check(world, tmp_path, "KeyVault", "shop", "Current")
        world.wait_reason("TargetNotOwned", name="taken")
        assert "not ours" in check(world, tmp_path, "KeyVaultSecret", "taken", "Failed")
        world.wait_reason("UnknownCloud", name="elsewhere", kind="KeyVault")
        told = check(world, tmp_path, "KeyVault", "elsewhere", "Failed")
        assert "vault.example.org" in told
        world.wait_reason("VaultNotFound", name="alone")
        check(world, tmp_path, "KeyVaultSecret", "alone", "InProgress")
        world.wait_reason("ObjectNotFound", name="lacking")
        assert "no-such" in check(world, tmp_path, "KeyVaultSecret", "lacking", "InProgress")
        # kubectl wait, as in a script.
        world.plane.kubectl(
            *("wait", "--for=condition=Ready", "--timeout=5s", "kvs/db", "-n", world.namespace)
        )

    # Nobody looks at it now: a change is never taken for done.
    world.change({"data": [single("other", "db-password")]})
    check(world, tmp_path, "KeyVaultSecret", "db", "InProgress")
