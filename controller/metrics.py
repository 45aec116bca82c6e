"""What the controller counts: the peer's metric names first, then ours.

Names and labels of the first group are those of bitnami-labs/sealed-secrets
``pkg/controller/metrics.go``. No label carries a value, a message or a key's bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from controller.keys.store import Keys

PREFIX = "sealed_secrets_controller"
INSTANCE_LABEL = "app.kubernetes.io/instance"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_HTTP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Every series of one controller, in a registry of its own."""

    def __init__(self, *, version: str, omit_secret_labels: bool = False) -> None:
        self.registry = CollectorRegistry()
        self._omit = omit_secret_labels
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        build = self._gauge("build_info", "Build information.", "revision")
        build.labels(version).set(0)
        self.unseal_requests = self._counter("unseal_requests", "Total number of unseal requests.")
        self.unseal_errors = self._counter(
            "unseal_errors", "Total number of unseal errors by reason.", "reason", "namespace"
        )
        self._condition = self._gauge(
            "condition_info",
            "Current SealedSecret condition status: -1 False, 0 Unknown, 1 True.",
            *(() if omit_secret_labels else ("namespace", "name")),
            "condition",
            "ss_app_kubernetes_io_instance",
        )
        self.http_requests = self._counter(
            "http_requests", "HTTP requests by path, code and method.", "path", "code", "method"
        )
        self.http_seconds = self._histogram(
            "http_request_duration_seconds", "HTTP request duration.", "path", "method"
        )
        self.drift = self._counter("drift", "Secrets found edited.", "namespace")
        self.queue_depth = self._gauge("queue_depth", "SealedSecrets that wait to be worked on.")
        self.retries_waiting = self._gauge(
            "retries_waiting", "SealedSecrets that wait to be tried again."
        )
        self.reconcile_seconds = self._histogram(
            "reconcile_duration_seconds", "Time to bring one SealedSecret in line.", "result"
        )
        self.decrypt_seconds = self._histogram(
            "decrypt_duration_seconds", "Time to decrypt and render one SealedSecret."
        )
        self.loop_lag = self._histogram(
            "event_loop_lag_seconds", "How late the event loop was, looked at ten times a second."
        )
        self.loop_computing = self._histogram(
            "event_loop_computing_seconds", "How long the event loop computed while it was late."
        )
        self.keys = self._gauge("keys", "Sealing keys that can be used.")
        self.keys_bad = self._gauge("keys_rejected", "Key Secrets that cannot be used.")
        self.key_created = self._gauge(
            "key_created_timestamp_seconds", "When a sealing key was made.", "fingerprint"
        )
        self.key_expiry = self._gauge(
            "key_expiry_timestamp_seconds", "When a certificate expires.", "fingerprint"
        )
        self.key_uses = self._gauge(
            "key_sealed_secrets", "SealedSecrets that a key opened last.", "fingerprint"
        )
        self.notifications = self._counter(
            "notifications", "Notifications by receiver and how they ended.", "receiver", "result"
        )
        self.events_dropped = self._counter(
            "events_dropped", "Events that were not recorded, since too many waited."
        )

    def show_keys(self, keys: Keys, bad: int) -> None:
        """Show the keys that are there now."""
        self.keys.set(len(keys.keys))
        self.keys_bad.set(bad)
        self.key_created.clear()
        self.key_expiry.clear()
        for key in keys.keys:
            certificate = key.pair.certificate
            if certificate is not None:
                created = self.key_created.labels(certificate.fingerprint)
                created.set(certificate.not_before.timestamp())
                expiry = self.key_expiry.labels(certificate.fingerprint)
                expiry.set(certificate.not_after.timestamp())

    def show_uses(self, keys: Keys, uses: Mapping[str, int]) -> None:
        """Show how many SealedSecrets each key opened; a key that is not ours is no series."""
        self.key_uses.clear()
        for key in keys.keys:
            fingerprint = key.pair.fingerprint
            self.key_uses.labels(fingerprint).set(uses.get(fingerprint, 0))

    def condition(self, key: tuple[str, str], instance: str, status: Mapping[str, Any]) -> None:
        """Show the conditions of a SealedSecret."""
        if self._omit:
            return
        values = {"True": 1, "False": -1}
        for one in status.get("conditions") or ():
            if one.get("type") in ("Synced", "Ready"):
                series = self._condition.labels(*key, one["type"], instance)
                series.set(values.get(one.get("status"), 0))

    def forget(self, key: tuple[str, str], instance: str) -> None:
        """A SealedSecret is gone, and so are its series."""
        if self._omit:
            return
        for condition in ("Synced", "Ready"):
            try:
                self._condition.remove(*key, condition, instance)
            except KeyError:
                continue

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        buckets = _HTTP_SECONDS if name.startswith("http") else _SECONDS
        return Histogram(f"{PREFIX}_{name}", text, labels, buckets=buckets, registry=self.registry)
