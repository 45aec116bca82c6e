"""A running controller, and short words for what the tests do all the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.keys.renewal import KEY_SELECTOR, key_secret
from sealer import Certificate, KeyPair, Scope, Secret, encoding, generate, seal
from tests.testbed.azure.server import Azure
from tests.testbed.cluster import ApiError, ControlPlane, Manifest, wait_for
from tests.testbed.controllers import NAMESPACE, Controller, ours
from tests.testbed.vault_world import environment


def new_pair(*, days_ago: float = 0, bits: int = 2048) -> KeyPair:
    """A sealing key made some days ago."""
    now = datetime.now(UTC) - timedelta(days=days_ago)
    return generate(now=now, validity=timedelta(days=3650), bits=bits)


@dataclass
class World:
    """One namespace of the control plane, with a certificate that its controller can open."""

    plane: ControlPlane
    namespace: str
    certificate: Certificate

    def sealed(
        self,
        name: str = "db",
        data: Mapping[str, bytes] | None = None,
        *,
        scope: Scope = Scope.STRICT,
        certificate: Certificate | None = None,
        type: str | None = None,
        immutable: bool | None = None,
        template: Mapping[str, Any] | None = None,
    ) -> Manifest:
        """A SealedSecret's manifest; ``template`` is the template's metadata."""
        secret = Secret(
            name=name,
            namespace=self.namespace,
            data={"password": b"s3cr3t"} if data is None else data,
            type=type,
            immutable=immutable,
            metadata=template or {},
        )
        return seal(
            secret, certificate or self.certificate, scope=scope, allow_empty=True
        ).to_dict()

    def apply(self, manifest: Manifest) -> Manifest:
        """Create it, or replace its spec and metadata."""
        name, api = manifest["metadata"]["name"], self.plane.api
        while True:
            old = api.find("SealedSecret", self.namespace, name)
            if old is None:
                return api.create(manifest)
            version = {"resourceVersion": old["metadata"]["resourceVersion"]}
            try:
                return api.replace({**manifest, "metadata": {**manifest["metadata"], **version}})
            except ApiError as error:
                # The controller wrote its status in between.
                if error.status not in (404, 409):
                    raise

    def secret(self, name: str = "db") -> Manifest | None:
        """The Secret, None where there is none."""
        return self.plane.api.find("Secret", self.namespace, name)

    def data(self, name: str = "db") -> dict[str, bytes]:
        """The Secret's values, empty where there is none."""
        secret = self.secret(name) or {}
        return {key: encoding.decode(item) for key, item in (secret.get("data") or {}).items()}

    def status(self, name: str = "db") -> Manifest:
        """The SealedSecret's status."""
        found: Manifest = self.plane.api.get("SealedSecret", self.namespace, name)
        status: Manifest = found.get("status") or {}
        return status

    def condition(self, kind: str, name: str = "db") -> Manifest:
        """One condition, empty where it is not there."""
        found = (one for one in self.status(name).get("conditions", ()) if one["type"] == kind)
        return next(found, {})

    def wait_data(
        self, expected: Mapping[str, bytes], name: str = "db", seconds: float = 20
    ) -> None:
        """Wait until the Secret has just these values."""
        wait_for(f"{name} has its values", lambda: self.data(name) == expected, seconds)

    def wait_synced(self, name: str = "db", seconds: float = 20) -> Manifest:
        """Wait until the status says Synced for this generation; return the Secret."""
        self.wait_condition("Synced", "True", name=name, seconds=seconds)
        secret = self.secret(name)
        assert secret is not None
        return secret

    def wait_condition(
        self, kind: str, status: str, text: str = "", *, name: str = "db", seconds: float = 20
    ) -> Manifest:
        """Wait for a condition of the current generation, its message holding ``text``."""

        def check() -> Manifest | None:
            found = self.plane.api.get("SealedSecret", self.namespace, name)
            generation = found["metadata"]["generation"]
            condition = self.condition(kind, name)
            fresh = found.get("status", {}).get("observedGeneration") == generation
            said = text in condition.get("message", "")
            return condition if fresh and condition.get("status") == status and said else None

        condition: Manifest = wait_for(f"{name}: {kind}={status} {text!r}", check, seconds)
        return condition

    def events(self, name: str = "db", reason: str = "") -> list[Manifest]:
        """The Events about an object."""
        return [
            one
            for one in self.plane.api.list("Event", self.namespace)
            if one["involvedObject"]["name"] == name and reason in ("", one["reason"])
        ]

    def wait_event(self, reason: str, name: str = "db") -> Manifest:
        """Wait for an Event and return it."""
        found: list[Manifest] = wait_for(f"event {reason}", lambda: self.events(name, reason))
        return found[0]


@pytest.fixture(scope="session")
def pair(plane: ControlPlane) -> KeyPair:
    """The sealing key of the default controllers: there before any of them starts."""
    pair = new_pair(days_ago=1)
    # Other folders' tests may have let a controller make keys here: this one is to be the newest.
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets?labelSelector={KEY_SELECTOR}"
    plane.api.request("DELETE", path)
    plane.api.create(key_secret(pair, prefix="sealed-secrets-key", namespace=NAMESPACE))
    return pair


@pytest.fixture(scope="module")
def controller(plane: ControlPlane, pair: KeyPair) -> Iterator[Controller]:
    """Our controller with its defaults, for the tests of one module."""
    with ours(plane) as running:
        yield running


@pytest.fixture
def world(plane: ControlPlane, pair: KeyPair, namespace: str) -> World:
    """A namespace to work in."""
    assert pair.certificate is not None
    return World(plane, namespace, pair.certificate)


@pytest.fixture
def start(plane: ControlPlane, pair: KeyPair) -> Callable[..., Any]:
    """Start a controller with flags of its own; use it as a context manager."""

    def run(*flags: str, **options: Any) -> Any:
        return ours(plane, *flags, **options)

    return run


StartVault = Callable[[], AbstractContextManager[Controller]]


@pytest.fixture(scope="module")
def start_vault(
    plane: ControlPlane, azure: Azure, tmp_path_factory: pytest.TempPathFactory
) -> StartVault:
    """Start a controller with its Key Vault half; use it as a context manager."""
    flags = ("--key-vault", f"--vault-suffixes={azure.suffix}")
    folder = tmp_path_factory.mktemp("dns")
    return lambda: ours(plane, *flags, environment=environment(azure, folder), name="vault")
