"""Answers that come late, in part, or from something that is no vault, through the real SDK."""

from __future__ import annotations

import time
from typing import Any

import pytest

from controller.keyvault.azure.client import Limits
from tests.keyvault.conftest import Run
from tests.keyvault.simulation import Simulation
from tests.testbed.azure.faults import Fault

SIGN_IN = "<html><body>Please sign in to the network</body></html>"
OTHER = '{"value": "x", "id": "https://shop.vault.test/secrets/s-2/0"}'
# Their limits are parts of a second, and hold for what is sound, too.
pytestmark = pytest.mark.alone

GET = {"interval": "1m", "mode": "Get"}


async def started(half: Simulation, **vault: Any) -> None:
    """Six secrets in a Secret each, under limits of parts of a second."""
    half.limits = Limits(connect=2, silent=0.4, whole=0.8)
    for number in range(6):
        half.store.set_secret(f"s-{number}", f"value-{number}")
    half.clock.now += 60
    await half.vault(**vault)
    for number in range(6):
        entry = {"key": "a", "from": {"secret": f"s-{number}"}}
        half.secret(f"k-{number}", entry, onVaultDelete="DeleteSecret")
    await half.settle()
    assert all(half.ready(f"k-{number}") == ("True", "Synced") for number in range(6))


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(drip=0.01), id="byte-by-byte"),
        pytest.param(Fault(status=200, delay=60), id="after-a-minute"),
        pytest.param(Fault(cut_after=200), id="cut-in-mid-body"),
        pytest.param(Fault(drip=0.001, cut_after=20), id="slow-then-cut"),
        pytest.param(Fault(status=200, text=SIGN_IN), id="sign-in-page"),
        pytest.param(Fault(status=200, text='["no", "object"]'), id="other-json"),
        pytest.param(Fault(status=200, text='{"value": [{"attributes": 7}]}'), id="other-rows"),
        pytest.param(Fault(status=404, text="<html>no such route</html>"), id="foreign-404"),
        pytest.param(Fault(status=502, text="<html>bad gateway</html>"), id="foreign-502"),
    ],
)
def test_a_listing_that_is_none_is_an_outage_and_touches_no_secret(run: Run, fault: Fault) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        writes = half.objects.writes
        half.azure.faults.add(fault)
        half.store.set_secret("s-1", "changed")
        for _ in range(3):
            began = time.monotonic()
            await half.tick(300)
            assert time.monotonic() - began < 5
        assert half.ready("shop", "KeyVault") == ("False", "Unreachable")
        assert half.ready("k-1") == ("True", "Unreachable")
        assert half.objects.writes == writes
        half.azure.faults.clear()
        for _ in range(3):
            await half.tick(300)
        assert half.ready("shop", "KeyVault") == ("True", "Ready")
        assert half.data("k-1") == {"a": "changed"}
        assert half.ready("k-1") == ("True", "Synced")

    run(test)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(name="s-1", drip=0.01), id="byte-by-byte"),
        pytest.param(Fault(name="s-1", cut_after=60), id="cut-in-mid-body"),
        pytest.param(Fault(name="s-1", status=200, text=SIGN_IN), id="sign-in-page"),
        pytest.param(Fault(name="s-1", status=200, text="{}"), id="no-value"),
        pytest.param(Fault(name="s-1", status=200, text='{"value": "x"}'), id="no-id"),
        pytest.param(Fault(name="s-1", status=200, text=OTHER), id="other-id"),
        pytest.param(Fault(name="s-1", status=404, text="<html>no route</html>"), id="foreign-404"),
        pytest.param(Fault(name="s-1", status=404, text='{"error": "x"}'), id="other-json-404"),
        pytest.param(Fault(name="s-1", status=404, code="VaultNotFound"), id="no-such-vault"),
    ],
)
def test_one_object_that_does_not_come_is_never_taken_for_a_deleted_one(
    run: Run, fault: Fault
) -> None:
    async def test(half: Simulation) -> None:
        await started(half, poll=GET)
        writes = half.objects.writes
        half.azure.faults.add(fault)
        for _ in range(4):
            began = time.monotonic()
            await half.tick(300)
            assert time.monotonic() - began < 5
        assert fault.hits > 2
        assert half.data("k-1") == {"a": "value-1"}
        assert half.ready("k-1") == ("True", "Unreachable")
        assert half.ready("k-2") == ("True", "Synced")
        assert half.objects.writes == writes
        half.azure.faults.clear()
        for _ in range(3):
            await half.tick(300)
        assert half.ready("k-1") == ("True", "Synced")

    run(test)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(status=403, code="Forbidden", inner="ForbiddenByFirewall"), id="rules"),
        pytest.param(Fault(status=403, code="Forbidden", inner="ForbiddenByConnection"), id="link"),
        pytest.param(Fault(status=403, text="<html>blocked</html>"), id="web-filter"),
    ],
)
def test_a_network_that_is_shut_is_no_missing_role(run: Run, fault: Fault) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        half.azure.faults.add(fault)
        await half.tick()
        assert half.ready("shop", "KeyVault") == ("False", "Firewall")
        assert half.data("k-1") == {"a": "value-1"}

    run(test)


def test_an_empty_value_is_a_value(run: Run) -> None:
    async def test(half: Simulation) -> None:
        await started(half)
        half.store.set_secret("s-1", "")
        await half.tick()
        assert half.data("k-1") == {"a": ""}
        assert half.ready("k-1") == ("True", "Synced")

    run(test)


def test_a_slow_token_endpoint_is_named(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.limits = Limits(connect=2, silent=0.4, whole=5)
        half.azure.faults.add(Fault(operation="token", delay=60))
        await half.vault()
        ready = half.status("shop", "KeyVault")["conditions"][0]
        assert half.ready("shop", "KeyVault") == ("False", "Unreachable")
        assert "token endpoint" in ready["message"]

    run(test)
