"""The controller in a cluster: its certificate, and its word on SealedSecrets.

Through the API server's service proxy, with a kubeconfig, as kubeseal does; or by URL, where the
controller is exposed. Only manifests travel, and nothing that is not sealed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sealer.cluster.answer import (
    TIMEOUT_SECONDS,
    Answer,
    ClusterError,
    NotDecryptableError,
    Transport,
)
from sealer.cluster.apiserver import ProxyTransport
from sealer.cluster.location import Location
from sealer.cluster.web import UrlTransport, is_url

_TRIES = 8


class NoCertificateError(ClusterError):
    """The controller answers, and has no certificate yet: a new key may cure it."""


class Controller:
    """Asks the controller; manifests go out as JSON or YAML bytes, one document each."""

    def __init__(
        self, transport: Transport, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._transport = transport
        self._sleep = sleep

    @classmethod
    def at(cls, location: Location) -> Controller:
        """Return the controller there; the first request is made when something is asked of it."""
        if not location.url:
            return cls(ProxyTransport(location))
        if not is_url(location.url):
            raise ClusterError(
                "--controller-url is not an address that begins with https:// or http://",
                hint="such as https://sealed-secrets.example.com",
            )
        return cls(UrlTransport(location.url))

    @property
    def place(self) -> str:
        """Which controller this is, as that is remembered."""
        return self._transport.place

    def key_list(self) -> bytes:
        """Return what it says of its keys; empty where it does not (Bitnami's does not)."""
        answer = self._ask("GET", "/v1/keys.json", None)
        return answer.body if answer.status == 200 else b""

    def certificate(self) -> bytes:
        """Return the PEM that seals for this cluster now."""
        answer = self._ask("GET", "/v1/cert.pem", None)
        if answer.status in (502, 503, 504):
            raise ClusterError(
                f"the controller does not answer (status {answer.status})",
                hint="is its pod running? kubectl get pods, in the controller's namespace",
            )
        if answer.status != 200:
            raise NoCertificateError(
                f"the controller has no certificate to give (status {answer.status})",
                hint="see the controller's log: does it have a sealing key?",
            )
        return answer.body

    def verify(self, manifest: bytes) -> None:
        """Return if the controller can open it, else raise NotDecryptableError."""
        answer = self._ask("POST", "/v1/verify", manifest)
        if answer.status == 409:
            raise NotDecryptableError("the controller cannot open it")
        if answer.status != 200:
            raise ClusterError(f"the controller could not check it (status {answer.status})")

    def rotate(self, manifest: bytes) -> bytes:
        """Return the SealedSecret as JSON, its items sealed for the newest key."""
        answer = self._ask("POST", "/v1/rotate", manifest)
        if answer.status != 200 or not answer.body:
            raise NotDecryptableError("the controller cannot re-encrypt it")
        return answer.body

    def rotate_list(self, manifests: list[dict[str, Any]]) -> list[dict[str, Any] | None] | None:
        """Re-encrypt many in one request; None in the place of each that does not open.

        Returns None as a whole where the controller takes no List (Bitnami's does not).
        """
        import json

        body = {"apiVersion": "v1", "kind": "List", "items": manifests}
        answer = self._ask("POST", "/v1/rotate", json.dumps(body).encode())
        try:
            items = json.loads(answer.body)["items"] if answer.status == 200 else None
        except (ValueError, KeyError, TypeError):
            return None
        return items if isinstance(items, list) and len(items) == len(manifests) else None

    def _ask(self, method: str, path: str, body: bytes | None) -> Answer:
        """Ask, and wait where the controller's limits say so."""
        for _ in range(_TRIES):
            answer = self._transport.request(method, path, body)
            # The API server's proxy says 503 without a time where there is no controller.
            busy = answer.status == 503 and answer.retry_after
            if answer.status != 429 and not busy:
                return answer
            self._sleep(min(answer.retry_after or 1, TIMEOUT_SECONDS))
        raise ClusterError("the controller's limits hold this off", hint="try again later")
