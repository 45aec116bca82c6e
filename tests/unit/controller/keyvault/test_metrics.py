"""The series of the Key Vault half come and go with what they are about."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from controller.keyvault.metrics import KeyVaultMetrics
from controller.keyvault.status import expiry
from controller.keyvault.vault import Stamp
from sealer.keyvault.references import Ref

KEY = ("shop", "db")
LABELS = {"namespace": "shop", "name": "db"}


def test_of_objects_with_one_name_the_first_end_is_shown() -> None:
    registry = CollectorRegistry()
    metrics = KeyVaultMetrics(registry)

    def ends(name: str) -> float | None:
        sample = "keyvaultsecret_expiry_timestamp_seconds"
        return registry.get_sample_value(sample, {**LABELS, "object": name})

    known = {
        Ref("secret", "a"): Stamp(expires=100),
        Ref("key", "a"): Stamp(expires=300),
        Ref("secret", "b"): Stamp(),
    }
    for order in (known, dict(reversed(known.items()))):
        metrics.show(KEY, ready=True, ends=expiry.ends(order))
        assert (ends("a"), ends("b")) == (100, None)
    metrics.show(KEY, ready=False, ends={"b": 5})
    assert (ends("a"), ends("b")) == (None, 5)
    assert registry.get_sample_value("keyvaultsecret_ready", LABELS) == 0
    metrics.forget(KEY)
    assert ends("b") is None
    assert registry.get_sample_value("keyvaultsecret_ready", LABELS) is None


def test_token_requests_are_there_before_the_first() -> None:
    registry = CollectorRegistry()
    KeyVaultMetrics(registry)
    for result in ("ok", "failed"):
        labels = {"result": result}
        assert registry.get_sample_value("keyvault_token_requests_total", labels) == 0
