"""A certificate kept as a secret: its value tells what it is, and only a 404 that it is gone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.keyvault.conftest import Run
from tests.keyvault.simulation import CLIENT, Simulation
from tests.unit.controller.keyvault.target.test_certificate import KEYS, Chain

PEM = "application/x-pem-file"
TLS: dict[str, Any] = {"tls": {"certificate": "web"}}


async def started(half: Simulation, *rights: str) -> None:
    """Enough others for one loss to be no mass loss."""
    half.store.rights[CLIENT] = set(rights)
    for number in range(6):
        half.store.set_secret(f"other-{number}", "x")
    half.store.set_secret("web", pem(), content_type=PEM)
    half.clock.now += 60
    await half.vault()
    others = ({"key": f"o{n}", "from": {"secret": f"other-{n}"}} for n in range(6))
    half.secret("others", *others)


def pem() -> str:
    chain = Chain(KEYS["ec"])
    return chain.pem(chain.all).decode()


@pytest.mark.parametrize("rights", [("secrets/get",), ("secrets/get", "secrets/list")])
@pytest.mark.parametrize("policy", ["Keep", "RemoveKey", "DeleteSecret"])
def test_a_renewal_without_a_content_type_arrives(
    run: Run, policy: str, rights: tuple[str, ...]
) -> None:
    async def test(half: Simulation) -> None:
        await started(half, *rights)
        half.secret("web", TLS, onVaultDelete=policy)
        await half.settle()
        first = half.data("web")
        assert first
        half.store.set_secret("web", pem())  # az keyvault secret set --file
        for _ in range(2):
            await half.tick()
        second = half.data("web")
        assert second
        assert second["tls.crt"] != first["tls.crt"]
        assert half.ready("web") == ("True", "Synced")

    run(test)


@pytest.mark.parametrize("policy", ["RemoveKey", "DeleteSecret"])
def test_what_is_no_certificate_any_more_is_not_gone(run: Run, policy: str) -> None:
    async def test(half: Simulation) -> None:
        await started(half, "secrets/get")
        half.secret("web", TLS, onVaultDelete=policy)
        await half.settle()
        first = half.data("web")
        assert first
        half.store.set_secret("web", "a password")
        for _ in range(5):
            await half.tick()
        assert half.data("web") == first
        assert half.ready("web") == ("False", "BadValue")
        message = half.status("web")["conditions"][0]["message"]
        assert message == "certificate web: is neither PEM nor a PFX in base64"

    run(test)


def test_a_key_that_its_secret_cannot_lose_does_not_hide_that_the_object_is_gone(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half, "secrets/get", "secrets/list")
        half.secret("web", TLS, onVaultDelete="RemoveKey")
        await half.settle()
        first = half.data("web")
        half.store.delete("web")
        for _ in range(4):
            await half.tick()
        assert half.data("web") == first
        assert half.ready("web")[1] == "ObjectNotFound"
        message = half.status("web")["conditions"][0]["message"]
        assert message.startswith("certificate web: there is no certificate web in the vault; and")
        assert "data[tls.crt]" in message

    run(test)
