"""The whole Key Vault half in one process under a clock of its own.

Azure's SDK, https and the test's Azure are real; the cluster is a dictionary that obeys
``Objects``, and time passes only when the test says so: every long sleep is parked until the
next ``tick``.
"""

from __future__ import annotations

import asyncio
import copy
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from prometheus_client import CollectorRegistry

from controller.api.cluster import Manifest, WatchEvent
from controller.api.errors import ClusterError, ConflictError, InvalidError, NotFoundError
from controller.events.recorder import Recorder
from controller.keyvault.azure.client import AzureVault, Limits, session
from controller.keyvault.cluster import TOKEN_AUDIENCE
from controller.keyvault.identities import Identities, Identity
from controller.keyvault.metrics import KeyVaultMetrics
from controller.keyvault.status.memory import Key
from controller.keyvault.sync import Syncer
from controller.keyvault.target.targets import Targets
from controller.keyvault.vault import Vault
from controller.keyvault.vaults import Vaults
from controller.workqueue import WorkQueue
from sealer import encoding
from tests.testbed.azure.entra import App, Federation
from tests.testbed.azure.server import Azure, Loopback

API = "keyvault.sealer.dev/v1alpha1"
CLIENT = "33333333-3333-4333-8333-333333333333"
PASSWORD = "principal-password"
WORKERS = 8
START = 1_800_000_000.0


@dataclass
class Clock:
    """Seconds since 1970; long sleeps end when ``release`` is called."""

    now: float = START
    ahead: float = 0
    """So much does the controller's clock go before the vault's."""
    parked: list[tuple[float, asyncio.Future[None]]] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def date(self) -> datetime:
        return datetime.fromtimestamp(self.now + self.ahead, UTC)

    async def sleep(self, seconds: float) -> None:
        if seconds < 5:
            self.now += seconds
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        self.parked.append((self.now + seconds, future))
        await future

    def release(self) -> int:
        """End the sleeps whose time has come."""
        due = [future for at, future in self.parked if at <= self.now]
        self.parked = [(at, future) for at, future in self.parked if at > self.now]
        for future in due:
            if not future.done():
                future.set_result(None)
        return len(due)


@dataclass
class Issuer:
    """Signs service accounts' tokens, as the API server does."""

    url: str = "https://kubernetes.default.svc"
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False
    )

    def token(self, subject: str) -> tuple[str, str]:
        """A token for Entra that lives an hour, with its end."""
        end = datetime.now(UTC) + timedelta(hours=1)
        claims = {"iss": self.url, "sub": subject, "aud": [TOKEN_AUDIENCE], "exp": end}
        token = jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": "one"})
        return token, end.isoformat()

    def keys(self, issuer: str) -> Any:
        """The key set that the discovery document leads to."""
        public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "kid": "one", "use": "sig", "alg": "ES256"}]}


@dataclass
class MemoryObjects:
    """``Objects`` in memory: Secrets with managed fields, statuses, a count of writes."""

    secrets: dict[Key, Manifest] = field(default_factory=dict, repr=False)
    accounts: dict[Key, Manifest] = field(default_factory=dict)
    issuer: Issuer = field(default_factory=Issuer)
    failure: ClusterError | None = None
    """What reading a service account or a Secret ends with, for an API server that is away."""
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    statuses: dict[tuple[str, str, str], Manifest] = field(default_factory=dict)
    writes: int = 0
    status_writes: int = 0
    _version: int = 0

    async def watch(self, kind: str, namespace: str) -> AsyncIterator[WatchEvent]:
        yield WatchEvent("LISTED", {})

    async def find_secret(self, namespace: str, name: str) -> Manifest | None:
        if self.failure is not None:
            raise self.failure
        return copy.deepcopy(self.secrets.get((namespace, name)))

    async def service_account(self, namespace: str, name: str) -> Manifest:
        if self.failure is not None:
            raise self.failure
        if (namespace, name) not in self.accounts:
            raise NotFoundError("there is none")
        return copy.deepcopy(self.accounts[namespace, name])

    async def token(self, namespace: str, account: str) -> tuple[str, str]:
        return self.issuer.token(f"system:serviceaccount:{namespace}:{account}")

    async def namespace_labels(self, name: str) -> dict[str, str]:
        return self.labels.get(name, {})

    async def apply_secret(self, manifest: Manifest, *, manager: str, force: bool) -> Manifest:
        metadata = manifest["metadata"]
        key = (metadata["namespace"], metadata["name"])
        old = self.secrets.get(key)
        wanted = metadata.get("resourceVersion")
        if wanted and old is not None and old["metadata"]["resourceVersion"] != wanted:
            raise ConflictError("the object has been modified")
        new: Manifest = copy.deepcopy(old) if old else {"metadata": {"uid": f"uid-{key[1]}"}}
        before = copy.deepcopy(new)
        there = new["metadata"]
        entries = {one["manager"]: one["fieldsV1"] for one in there.get("managedFields") or ()}
        mine = _owned(entries.pop(manager, {}))
        theirs = set().union(*map(_owned, entries.values()))
        data = {k: v for k, v in (new.get("data") or {}).items() if k not in mine - theirs}
        new["data"] = {**data, **(manifest.get("data") or {})}
        new.update(apiVersion="v1", kind="Secret", type=manifest.get("type", new.get("type")))
        _check_type(new)
        there |= {
            name: metadata[name]
            for name in ("name", "namespace", "ownerReferences", "annotations")
            if name in metadata
        }
        entries[manager] = _fields_of(manifest)
        there["managedFields"] = [
            {"manager": who, "fieldsV1": fields} for who, fields in entries.items()
        ]
        if new != before:
            self._store(key, new)
        return copy.deepcopy(self.secrets[key])

    async def patch_secret(
        self, namespace: str, name: str, patch: Manifest, *, manager: str
    ) -> Manifest:
        secret = copy.deepcopy(self.secrets[namespace, name])
        for key, value in (patch.get("data") or {}).items():
            if value is None:
                secret["data"].pop(key, None)
                for one in secret["metadata"]["managedFields"]:
                    one["fieldsV1"].get("f:data", {}).pop(f"f:{key}", None)
        _check_type(secret)
        self._store((namespace, name), secret)
        return copy.deepcopy(secret)

    async def delete_secret(self, namespace: str, name: str, uid: str) -> None:
        del self.secrets[namespace, name]
        self.writes += 1

    async def patch_status(
        self, kind: str, namespace: str, name: str, status: Mapping[str, Any]
    ) -> None:
        self.statuses[kind, namespace, name] = dict(status)
        self.status_writes += 1

    async def create_event(self, manifest: Mapping[str, Any]) -> None:
        """Not counted here: the recorder's listeners hear of it."""

    def _store(self, key: Key, secret: Manifest) -> None:
        self._version += 1
        self.writes += 1
        secret["metadata"]["resourceVersion"] = str(self._version)
        self.secrets[key] = secret


def _check_type(secret: Manifest) -> None:
    if secret.get("type") == "kubernetes.io/tls" and "tls.crt" not in secret["data"]:
        raise InvalidError('Secret "web" is invalid: data[tls.crt]: Required value')


def _owned(fields: Manifest) -> set[str]:
    return {key[2:] for key in fields.get("f:data", {})}


def _fields_of(manifest: Manifest) -> Manifest:
    metadata = manifest["metadata"]
    owners = metadata.get("ownerReferences") or ()
    fields: Manifest = {
        "f:data": {f"f:{name}": {} for name in manifest.get("data") or {}},
        "f:metadata": {
            "f:annotations": {f"f:{name}": {} for name in metadata.get("annotations") or {}},
            "f:ownerReferences": {f'k:{{"uid":"{one["uid"]}"}}': {} for one in owners},
        },
    }
    if "type" in manifest:
        fields["f:type"] = {}
    return fields


class Simulation:
    """Make it on the event loop; ``tick`` lets time pass."""

    def __init__(self, azure: Azure, clock: Clock) -> None:
        self.azure, self.clock = azure, clock
        self.limits = Limits()
        """Of real time; set them before the first vault."""
        self.objects = MemoryObjects()
        self.session = session(Loopback())
        self.recorder = Recorder(self.objects.create_event, clock.date, lambda: None)
        self.events: list[tuple[str, str]] = []
        self.recorder.listeners.append(
            lambda told: self.events.append((told.involved["metadata"]["name"], told.word))
        )
        self._vault_bodies: dict[str, Manifest] = {}
        self._bodies: dict[str, Manifest] = {}
        self._begin()
        self.store = azure.vault("shop")
        azure.entra.register(App(CLIENT, self.store.tenant, secret=PASSWORD))
        azure.entra.issuer_keys = self.objects.issuer.keys
        self.store.grant(CLIENT)

    def _begin(self) -> None:
        self.registry = CollectorRegistry()
        metrics = KeyVaultMetrics(self.registry)
        self.vaults = Vaults(
            objects=self.objects,
            identities=Identities(self.objects, self.azure.login),
            open_vault=self._open,
            recorder=self.recorder,
            now=self.clock.date,
            clock=self.clock,
            on_dirty=lambda users: self.syncer.on_dirty(users),
            on_vault=lambda vault, everybody: self.syncer.on_vault(vault, everybody),
            on_polled=lambda vault: self.syncer.on_polled(vault),
            suffixes=(self.azure.suffix,),
            sleep=self.clock.sleep,
            jitter=lambda: 0.5,
            on_told=metrics.show_vault,
        )
        self.syncer = Syncer(
            objects=self.objects,
            targets=Targets(self.objects),
            vaults=self.vaults,
            recorder=self.recorder,
            metrics=metrics,
            queue=WorkQueue[Key](
                clock=self.clock, lane=lambda key: self.syncer.lane(key), width=WORKERS
            ),
            now=self.clock.date,
        )
        self._work = asyncio.create_task(self.syncer.work())

    async def restart(self) -> None:
        """Another process takes over: it knows what the cluster says and nothing else."""
        await self._end()
        self.clock.parked.clear()
        self._begin()
        for kind, bodies in (("KeyVault", self._vault_bodies), ("KeyVaultSecret", self._bodies)):
            for name, body in bodies.items():
                body["status"] = self.status(name, kind)
        for name, body in self._vault_bodies.items():
            await self.vaults.see(("KeyVault", "shop", name), body)
        await self.settle()
        for body in self._bodies.values():
            self.syncer.on_secret_resource(body)
        await self.settle()

    def vault_metric(self, name: str) -> float | None:
        """A metric of the KeyVault ``shop/shop``."""
        labels = {"kind": "KeyVault", "namespace": "shop", "name": "shop"}
        return self.registry.get_sample_value(name, labels)

    def _open(self, url: str, identity: Identity, api_version: str) -> Vault:
        return AzureVault(
            url,
            identity,
            api_version=api_version,
            session=self.session,
            limits=self.limits,
            clock=self.clock,
        )

    def principal(self, password: str) -> None:
        """Put a client secret into the Secret ``shop/principal``."""
        data = {"password": encoding.encode(password.encode())}
        self.objects.secrets["shop", "principal"] = {"metadata": {"uid": "p"}, "data": data}

    def account(self, client: str, *, use: str = "true") -> None:
        """Make or change the service account ``shop/shop``."""
        metadata = {
            "uid": "account",
            "labels": {"keyvault.sealer.dev/use": use},
            "annotations": {"azure.workload.identity/client-id": client},
        }
        self.objects.accounts["shop", "shop"] = {"metadata": metadata}
        subject = "system:serviceaccount:shop:shop"
        known = [Federation(self.objects.issuer.url, subject)]
        self.azure.entra.register(App(client, self.store.tenant, federations=known))
        self.store.grant(client)

    async def vault(self, name: str = "shop", *, interval: str = "1m", **spec: Any) -> None:
        """Make a KeyVault in namespace ``shop`` and wait for its first cycle."""
        self.principal(PASSWORD)
        principal = {
            "clientId": CLIENT,
            "tenantId": self.store.tenant,
            "secretRef": {"name": "principal", "key": "password"},
        }
        body = {
            "apiVersion": API,
            "kind": "KeyVault",
            "metadata": {"name": name, "namespace": "shop", "generation": 1, "uid": name},
            "spec": {
                "url": self.azure.url("shop"),
                "auth": {"servicePrincipal": principal},
                "poll": {"interval": interval},
                **spec,
            },
        }
        self._vault_bodies[name] = body
        await self.vaults.see(("KeyVault", "shop", name), body)
        await self.settle()

    def secret(self, name: str, *data: Mapping[str, Any], generation: int = 1, **spec: Any) -> None:
        """Make or change a KeyVaultSecret in namespace ``shop``."""
        notes = spec.pop("annotations", {})
        metadata = {
            "name": name,
            "namespace": "shop",
            "generation": generation,
            "uid": spec.pop("uid", f"kvs-{name}"),
            "annotations": notes,
        }
        body = {
            "apiVersion": API,
            "kind": "KeyVaultSecret",
            "metadata": metadata,
            "spec": {"vaultRef": {"name": "shop"}, "data": list(data), **spec},
        }
        self._bodies[name] = body
        self.syncer.on_secret_resource(body)

    async def settle(self, seconds: float = 60) -> None:
        """Wait in real time until every poller sleeps and no KeyVaultSecret is in work."""
        deadline = time.monotonic() + seconds
        calm = 0
        while calm < 3:
            assert time.monotonic() < deadline, "the simulation does not settle"
            await asyncio.sleep(0.005)
            self.syncer.queue.forget(("", ""))
            self.syncer.queue.later(("", ""), 1e9)  # wakes it: time may have passed
            pollers = len({entry.poller for entry in self.vaults.entries.values() if entry.poller})
            asleep = len([1 for _, future in self.clock.parked if not future.done()]) >= pollers
            calm = calm + 1 if asleep and self.syncer.queue.idle else 0

    async def until(self, check: Callable[[], bool], seconds: float = 10) -> None:
        """Wait in real time until something is so."""
        deadline = time.monotonic() + seconds
        while not check():
            assert time.monotonic() < deadline, "it does not come"
            await asyncio.sleep(0.005)

    async def tick(self, seconds: float = 66.0) -> None:
        """Let time pass, and what is due happen."""
        self.clock.now += seconds
        self.clock.release()
        await self.settle()

    def data(self, name: str) -> dict[str, str] | None:
        """A Secret's values as text."""
        secret = self.objects.secrets.get(("shop", name))
        if secret is None:
            return None
        items = secret.get("data") or {}
        return {key: encoding.decode(item).decode() for key, item in items.items()}

    def status(self, name: str, kind: str = "KeyVaultSecret") -> Manifest:
        """A status as last written."""
        return self.objects.statuses.get((kind, "shop", name), {})

    def ready(self, name: str, kind: str = "KeyVaultSecret") -> tuple[str, str]:
        """Status and reason of Ready."""
        for one in self.status(name, kind).get("conditions", ()):
            if one["type"] == "Ready":
                return one["status"], one["reason"]
        return "", ""

    async def close(self) -> None:
        """End it."""
        await self._end()
        await self.session.close()
        await asyncio.sleep(0.05)  # aiohttp closes TLS connections in the background

    async def _end(self) -> None:
        self.syncer.queue.close(discard=True)
        self._work.cancel()
        for entry in self.vaults.entries.values():
            if entry.retry is not None:
                entry.retry.cancel()
        await asyncio.gather(self._work, return_exceptions=True)
        await self.vaults.close()
        await self.syncer.targets.workers.close()
