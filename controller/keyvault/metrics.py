"""What the Key Vault half counts. No label carries a message, a value or a version."""

from __future__ import annotations

from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from controller.keyvault.desired import ObjectState


class KeyVaultMetrics:
    """Its series, in the controller's registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "keyvault_requests",
            "Requests to vaults by operation and HTTP code; 0 for no answer.",
            ("vault", "operation", "code"),
            registry=registry,
        )
        self.tokens = Counter(
            "keyvault_token_requests", "Token requests to Entra.", ("result",), registry=registry
        )
        self.poll_seconds = Histogram(
            "keyvault_poll_seconds", "Time of one poll of a vault.", ("vault",), registry=registry
        )
        self.ready = Gauge(
            "keyvaultsecret_ready",
            "Whether a KeyVaultSecret is in step: 1 yes, 0 no.",
            ("namespace", "name"),
            registry=registry,
        )
        self.expiry = Gauge(
            "keyvaultsecret_expiry_timestamp_seconds",
            "When an object in a vault expires.",
            ("namespace", "name", "object"),
            registry=registry,
        )
        self._objects: dict[tuple[str, str], set[str]] = {}

    def show(
        self, key: tuple[str, str], *, ready: bool, states: tuple[ObjectState, ...] | None
    ) -> None:
        """Show how a KeyVaultSecret is."""
        self.ready.labels(*key).set(1 if ready else 0)
        if states is None:
            return
        expiring = {
            state.ref.name: state.found.stamp.expires
            for state in states
            if state.found and state.found.stamp.expires is not None
        }
        for name in self._objects.get(key, set()) - expiring.keys():
            self._remove(self.expiry, *key, name)
        for name, date in expiring.items():
            self.expiry.labels(*key, name).set(date or 0)
        self._objects[key] = set(expiring)

    def forget(self, key: tuple[str, str]) -> None:
        """A KeyVaultSecret is gone, and so are its series."""
        self._remove(self.ready, *key)
        for name in self._objects.pop(key, set()):
            self._remove(self.expiry, *key, name)

    @staticmethod
    def _remove(gauge: Gauge, *labels: str) -> None:
        with suppress(KeyError):
            gauge.remove(*labels)
