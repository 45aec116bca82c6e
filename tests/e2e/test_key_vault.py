"""Key Vault objects become Secrets: our controller, a real API server, the real Azure SDK."""

from __future__ import annotations

import json
import textwrap
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sealer import encoding
from tests.testbed.azure.entra import App, Federation
from tests.testbed.azure.server import Azure
from tests.testbed.azure.store import Store
from tests.testbed.cluster import ControlPlane, Manifest, wait_for
from tests.testbed.controllers import Controller, ours

API = "keyvault.sealer.dev/v1alpha1"
CLIENT = "22222222-2222-4222-8222-222222222222"
PASSWORD = "principal-password"
CANARY = "canary-7f3a"

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


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory, plane: ControlPlane) -> Iterator[Azure]:
    """Key Vault and Entra; after the plane, which may have moved us into another network."""
    azure = Azure(tmp_path_factory.mktemp("azure")).start()
    azure.entra.issuer_keys = lambda issuer: plane.api.request("GET", "/openid/v1/jwks")
    yield azure
    azure.stop()


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


@pytest.fixture(scope="module")
def controller(
    plane: ControlPlane, azure: Azure, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Controller]:
    """Our controller with its Key Vault half, and the rights that the chart gives it."""
    folder = tmp_path_factory.mktemp("dns")
    flags = ("--key-vault", f"--vault-suffixes={azure.suffix}")
    with ours(plane, *flags, environment=environment(azure, folder), name="vault") as running:
        yield running
        log = running.process.text()
        assert CANARY not in log
        assert PASSWORD not in log


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
        principal = {
            "tenantId": self.store.tenant,
            "clientId": self.client,
            "secretRef": {"name": "principal", "key": "password"},
        }
        return self.plane.api.create(
            {
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
        )

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


@pytest.fixture
def world(plane: ControlPlane, azure: Azure, namespace: str, controller: Controller) -> World:
    """A namespace with a vault of its own, and a service principal that may read it."""
    store = azure.vault("v" + namespace[-20:].replace(".", "-").strip("-"))
    azure.entra.register(App(CLIENT, store.tenant, secret=PASSWORD))
    store.grant(CLIENT)
    azure.faults.clear()
    world = World(plane, azure, store, namespace)
    world.principal()
    return world


def single(key: str, secret: str, **more: Any) -> Manifest:
    return {"key": key, "from": {"secret": secret, **more}}


def test_a_secret_of_the_vault_becomes_a_key_and_follows_its_changes(world: World) -> None:
    world.store.set_secret("db-password", f"{CANARY}-1")
    world.vault()
    world.secret(single("DB_PASSWORD", "db-password"))
    world.wait_data({"DB_PASSWORD": f"{CANARY}-1".encode()})
    ready = world.wait_reason("Synced", "True")
    assert ready["observedGeneration"] == 1
    vault = world.wait_reason("Ready", "True", name="shop", kind="KeyVault")
    assert vault["message"] == "The vault answers."
    world.store.set_secret("db-password", f"{CANARY}-2\nsecond line\n")
    world.wait_data({"DB_PASSWORD": f"{CANARY}-2\nsecond line\n".encode()}, seconds=45)
    told = json.dumps([world.status(), world.plane.api.list("Event", world.namespace)])
    assert CANARY not in told
    lines = world.status()["objects"]
    assert [line["state"] for line in lines] == ["Synced"]
    assert lines[0]["keys"] == ["DB_PASSWORD"]
    owner = world.plane.api.get("Secret", world.namespace, "db")["metadata"]["ownerReferences"]
    assert [one["kind"] for one in owner] == ["KeyVaultSecret"]


def test_workload_identity_uses_a_token_that_the_cluster_signed(world: World) -> None:
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": "shop",
            "namespace": world.namespace,
            "annotations": {"azure.workload.identity/client-id": "wi-client"},
        },
    }
    world.plane.api.create(account)
    issuer = world.plane.api.request("GET", "/.well-known/openid-configuration")["issuer"]
    subject = f"system:serviceaccount:{world.namespace}:shop"
    app = world.azure.entra.register(App("wi-client", world.store.tenant))
    world.store.grant("wi-client")
    world.store.set_secret("db-password", "by federation")
    world.vault(auth={"workloadIdentity": {"serviceAccountName": "shop"}})
    world.secret(single("password", "db-password"))
    refused = world.wait_reason("TokenRequestDenied", name="shop", kind="KeyVault")
    assert 'label it keyvault.sealer.dev/use: "true"' in refused["message"]
    labels = {"metadata": {"labels": {"keyvault.sealer.dev/use": "true"}}}
    world.plane.api.patch("ServiceAccount", world.namespace, "shop", labels)
    refused = world.wait_reason("FederationRejected", name="shop", kind="KeyVault")
    assert subject in refused["message"]
    assert issuer in refused["message"]
    assert "api://AzureADTokenExchange" in refused["message"]
    app.federations.append(Federation(issuer, subject))
    world.wait_data({"password": b"by federation"}, seconds=45)
    assert ("wi-client", "ok") in world.azure.entra.tokens


def test_a_deleted_secret_is_made_again_at_once_and_an_edit_is_undone(world: World) -> None:
    world.store.set_secret("db-password", "one")
    world.vault()
    world.secret(single("password", "db-password"))
    world.wait_data({"password": b"one"})
    world.plane.api.delete("Secret", world.namespace, "db")
    world.wait_data({"password": b"one"}, seconds=5)
    edit = {"data": {"password": encoding.encode(b"edited"), "foreign": encoding.encode(b"stays")}}
    world.plane.api.patch("Secret", world.namespace, "db", edit)
    world.wait_data({"password": b"one", "foreign": b"stays"}, seconds=5)
