"""The series of the Key Vault half come and go with what they are about."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from controller.keyvault.desired import ObjectState
from controller.keyvault.metrics import KeyVaultMetrics
from controller.keyvault.vault import Found, Stamp
from sealer.keyvault.references import Ref

KEY = ("shop", "db")
LABELS = {"namespace": "shop", "name": "db"}


def state(type_: str, name: str, expires: float | None) -> ObjectState:
    stamp = Stamp(enabled=True, created=0, updated=0, expires=expires)
    return ObjectState(Ref(type_, name), "Synced", found=Found("1", b"", stamp))


def test_of_objects_with_one_name_the_first_end_is_shown() -> None:
    registry = CollectorRegistry()
    metrics = KeyVaultMetrics(registry)

    def ends(name: str) -> float | None:
        sample = "keyvaultsecret_expiry_timestamp_seconds"
        return registry.get_sample_value(sample, {**LABELS, "object": name})

    states = (state("secret", "a", 100), state("key", "a", 300), state("secret", "b", None))
    for order in (states, states[::-1]):
        metrics.show(KEY, ready=True, states=order)
        assert (ends("a"), ends("b")) == (100, None)
    metrics.show(KEY, ready=False, states=None)
    assert ends("a") == 100
    assert registry.get_sample_value("keyvaultsecret_ready", LABELS) == 0
    metrics.forget(KEY)
    assert ends("a") is None
    assert registry.get_sample_value("keyvaultsecret_ready", LABELS) is None


def test_token_requests_are_there_before_the_first() -> None:
    registry = CollectorRegistry()
    KeyVaultMetrics(registry)
    for result in ("ok", "failed"):
        labels = {"result": result}
        assert registry.get_sample_value("keyvault_token_requests_total", labels) == 0
