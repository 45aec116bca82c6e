"""Who does not ask for Key Vault does not pay for it."""

from __future__ import annotations

import subprocess
import sys


def test_without_the_flag_nothing_of_azure_is_imported() -> None:
    program = """
import asyncio, sys
from controller.api.kubernetes import KubernetesCluster
from controller.app import App
from controller.settings import parse
async def main():
    App(parse(["--namespace=x"], {}), KubernetesCluster(None))
asyncio.run(main())
print(*sorted(n for n in sys.modules if n.split(".")[0] == "azure" or "keyvault" in n))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
