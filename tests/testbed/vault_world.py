"""A namespace with a vault of its own, and short words for what the tests do all the time."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sealer import encoding
from tests.testbed.azure.entra import App
from tests.testbed.azure.server import Azure
from tests.testbed.azure.store import Store
from tests.testbed.cluster import ControlPlane, Manifest, wait_for

API = "keyvault.sealer.dev/v1alpha1"
CLIENT = "22222222-2222-4222-8222-222222222222"
PASSWORD = "principal-password"

# Names below .test resolve to loopback, as a cluster's DNS would have it.
_DNS = """
import socket
_real = socket.getaddrinfo
def getaddrinfo(host, *rest, **more):
    name = host.decode() if isinstance(host, bytes) else host
    local = isinstance(name, str) and name.endswith(".test")
    return _real("127.0.0.1" if local else host, *rest, **more)
socket.getaddrinfo = getaddrinfo
"""


def environment(azure: Azure, folder: Path, **more: str) -> dict[str, str]:
    """What the controller's process is told of this Azure."""
    (folder / "sitecustomize.py").write_text(textwrap.dedent(_DNS))
    return {
        "PYTHONPATH": str(folder),
        "SSL_CERT_FILE": str(azure.authority.bundle),
        "AZURE_AUTHORITY_HOST": azure.login,
        "AZURE_POD_IDENTITY_AUTHORITY_HOST": azure.metadata,
        **more,
    }


def new_world(
    plane: ControlPlane, azure: Azure, namespace: str, *, name: str = "", client: str = ""
) -> World:
    """A vault, and a service principal whose password is in the namespace and that may read it."""
    store = azure.vault(name or "v" + namespace[-20:].replace(".", "-").strip("-"))
    world = World(plane, azure, store, namespace, client=client or CLIENT)
    azure.entra.register(App(world.client, store.tenant, secret=PASSWORD))
    store.grant(world.client)
    if plane.api.find("Secret", namespace, "principal") is None:
        world.principal()
    return world


@dataclass
class World:
    """One namespace and one vault."""

    plane: ControlPlane
    azure: Azure
    store: Store
    namespace: str
    client: str = CLIENT
    _serial: list[int] = field(default_factory=lambda: [0])

    def principal(self) -> None:
        """The Secret with the service principal's password."""
        self.plane.api.create(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "principal", "namespace": self.namespace},
                "stringData": {"password": PASSWORD},
            }
        )

    def vault(self, name: str = "shop", *, auth: Manifest | None = None, **spec: Any) -> Manifest:
        """Create a KeyVault."""
        return self.plane.api.create(self.vault_manifest(name, auth=auth, **spec))

    def vault_manifest(
        self, name: str = "shop", *, auth: Manifest | None = None, **spec: Any
    ) -> Manifest:
        principal = {
            "tenantId": self.store.tenant,
            "clientId": self.client,
            "secretRef": {"name": "principal", "key": "password"},
        }
        return {
            "apiVersion": API,
            "kind": "KeyVault",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {
                "url": self.azure.url(self.store.name),
                "auth": auth or {"servicePrincipal": principal},
                "poll": {"interval": "30s"},
                **spec,
            },
        }

    def secret(
        self,
        *data: Mapping[str, Any],
        name: str = "db",
        vault: Mapping[str, Any] | None = None,
        **spec: Any,
    ) -> Manifest:
        """Create a KeyVaultSecret."""
        return self.plane.api.create(self.manifest(*data, name=name, vault=vault, **spec))

    def manifest(
        self,
        *data: Mapping[str, Any],
        name: str = "db",
        vault: Mapping[str, Any] | None = None,
        **spec: Any,
    ) -> Manifest:
        return {
            "apiVersion": API,
            "kind": "KeyVaultSecret",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"vaultRef": vault or {"name": "shop"}, "data": list(data), **spec},
        }

    def change(self, spec: Mapping[str, Any], name: str = "db") -> None:
        """Change a KeyVaultSecret's spec."""
        self.plane.api.patch("KeyVaultSecret", self.namespace, name, {"spec": spec})

    def sync_now(self, name: str = "db") -> None:
        """Ask for a sync, as a person would."""
        self._serial[0] += 1
        notes = {"keyvault.sealer.dev/sync-now": f"{time.time()}-{self._serial[0]}"}
        change = {"metadata": {"annotations": notes}}
        self.plane.api.patch("KeyVaultSecret", self.namespace, name, change)

    def data(self, name: str = "db") -> dict[str, bytes] | None:
        """The Secret's values, None where there is no Secret."""
        secret = self.plane.api.find("Secret", self.namespace, name)
        if secret is None:
            return None
        return {key: encoding.decode(item) for key, item in (secret.get("data") or {}).items()}

    def wait_data(
        self, expected: Mapping[str, bytes], name: str = "db", seconds: float = 30
    ) -> None:
        try:
            wait_for(f"{name} has its values", lambda: self.data(name) == expected, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.status(name)} {self.data(name)}") from None

    def status(self, name: str = "db", kind: str = "KeyVaultSecret") -> Manifest:
        found = self.plane.api.get(kind, self.namespace, name)
        status: Manifest = found.get("status") or {}
        return status

    def condition(self, type_: str, name: str = "db", kind: str = "KeyVaultSecret") -> Manifest:
        found = (
            one for one in self.status(name, kind).get("conditions", ()) if one["type"] == type_
        )
        return next(found, {})

    def wait_reason(
        self,
        reason: str,
        status: str = "False",
        *,
        name: str = "db",
        kind: str = "KeyVaultSecret",
        seconds: float = 30,
    ) -> Manifest:
        """Wait for Ready's status and reason; return the condition."""

        def check() -> Manifest | None:
            ready = self.condition("Ready", name, kind)
            return ready if (ready.get("reason"), ready.get("status")) == (reason, status) else None

        try:
            found: Manifest = wait_for(f"{name}: {reason}", check, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.status(name, kind)}") from None
        return found

    def events(self, reason: str, name: str = "db") -> list[Manifest]:
        return [
            one
            for one in self.plane.api.list("Event", self.namespace)
            if one["reason"] == reason and one["involvedObject"]["name"] == name
        ]
