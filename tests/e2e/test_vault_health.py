"""What Flux (kstatus) and Argo CD conclude of the Key Vault kinds, on live objects.

Argo CD's rule is the Lua of docs/key-vault-reasons.md, run by the interpreter that Argo CD has.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from tests.chart.test_vault_rights import start, world
from tests.e2e.test_key_vault import single
from tests.testbed.flux_argo import argo_cd, kstatus
from tests.testbed.vault_world import World

__all__ = ["world"]
PAGE = Path(__file__).parents[2] / "docs" / "key-vault-reasons.md"
SAME = {"Current": "Healthy", "InProgress": "Progressing", "Failed": "Degraded"}


def rules() -> dict[str, str]:
    block = re.findall(r"```yaml\n# manifest: argocd-cm\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    prefix = "resource.customizations.health.keyvault.sealer.dev_"
    data: dict[str, str] = yaml.safe_load(block)["data"]
    return {key.removeprefix(prefix): text for key, text in data.items()}


def check(world: World, kind: str, name: str, expected: str) -> str:
    found = world.plane.api.get(kind, world.namespace, name)
    health, message = argo_cd(rules()[kind], found)
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
        check(world, kind, name, "InProgress")

    with start(world, tmp_path):
        world.wait_reason("Synced", "True")
        check(world, "KeyVaultSecret", "db", "Current")
        check(world, "KeyVault", "shop", "Current")
        world.wait_reason("TargetNotOwned", name="taken")
        assert "not ours" in check(world, "KeyVaultSecret", "taken", "Failed")
        world.wait_reason("UnknownCloud", name="elsewhere", kind="KeyVault")
        told = check(world, "KeyVault", "elsewhere", "Failed")
        assert "vault.example.org" in told
        world.wait_reason("VaultNotFound", name="alone")
        check(world, "KeyVaultSecret", "alone", "InProgress")
        world.wait_reason("ObjectNotFound", name="lacking")
        assert "no-such" in check(world, "KeyVaultSecret", "lacking", "InProgress")
        # kubectl wait, as in a script.
        world.plane.kubectl(
            *("wait", "--for=condition=Ready", "--timeout=5s", "kvs/db", "-n", world.namespace)
        )

    # Nobody looks at it now: a change is never taken for done.
    world.change({"data": [single("other", "db-password")]})
    check(world, "KeyVaultSecret", "db", "InProgress")
