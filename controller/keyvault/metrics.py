"""What the Key Vault half counts. No label carries a message, a value or a version."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


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
        for result in ("ok", "failed"):
            # From the start, so that even the first failure is an increase.
            self.tokens.labels(result)
        self.vault_ready = Gauge(
            "keyvault_ready",
            "Whether a vault answers its resource's identity: 1 yes, 0 no.",
            ("kind", "namespace", "name"),
            registry=registry,
        )
        self.vanished = Gauge(
            "keyvault_vanished_objects",
            "Objects that vanished at once, so that nothing is deleted because of it.",
            ("kind", "namespace", "name"),
            registry=registry,
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

    def show(self, key: tuple[str, str], *, ready: bool, ends: Mapping[str, float]) -> None:
        """Show how a KeyVaultSecret is, and when objects expire, in seconds since 1970."""
        self.ready.labels(*key).set(1 if ready else 0)
        for name in self._objects.get(key, set()) - ends.keys():
            self._remove(self.expiry, *key, name)
        for name, date in ends.items():
            self.expiry.labels(*key, name).set(date)
        self._objects[key] = set(ends)

    def forget(self, key: tuple[str, str]) -> None:
        """A KeyVaultSecret is gone, and so are its series."""
        self._remove(self.ready, *key)
        for name in self._objects.pop(key, set()):
            self._remove(self.expiry, *key, name)

    def show_vault(self, key: tuple[str, str, str], ready: bool | None, vanished: int) -> None:
        """Show how a vault is, by kind, namespace and name; None: its resource is gone."""
        if ready is None:
            self._remove(self.vault_ready, *key)
            self._remove(self.vanished, *key)
        else:
            self.vault_ready.labels(*key).set(1 if ready else 0)
            self.vanished.labels(*key).set(vanished)

    @staticmethod
    def _remove(gauge: Gauge, *labels: str) -> None:
        with suppress(KeyError):
            gauge.remove(*labels)
