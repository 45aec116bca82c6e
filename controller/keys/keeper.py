"""The life of sealing keys in the cluster: found, watched, made anew in time, told of.

Pure rules are in ``renewal``, the parsed keys in ``store``, which of them may seal in
``admission``; here are the two tasks between.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Set
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from controller.api.cluster import Cluster, Manifest, WatchEvent
from controller.api.errors import AlreadyExistsError, ClusterError, NotFoundError
from controller.events.recorder import Recorder
from controller.keys.admission import KeyAdmission
from controller.keys.renewal import (
    KEY_SELECTOR,
    is_renewal,
    key_secret,
    next_renewal,
    successor_name,
)
from controller.keys.store import KeyStore, SealingKey
from controller.reasons import Reason
from controller.settings import Settings
from controller.watching import Name, Watch
from sealer.keys.certificate import EXPIRY_WARNING
from sealer.keys.custody import ACTIVE, KEY_LABEL, filled_by_manifest
from sealer.keys.pair import KeyPair, generate

_LOG = logging.getLogger(__name__)
_RETRY_SECONDS = 5.0
_LOOK_SECONDS = 3600.0
_MAX_NAMES = 20
SEAL, UNSEAL = "seal", "unseal"
"""What keys may do that somebody else made: --adopted-keys."""
_TELL_AGAIN = timedelta(days=1)


@dataclass
class KeyKeeper:
    """Feeds the key store from the cluster and makes new keys; run ``watch`` and ``renew``."""

    cluster: Cluster
    store: KeyStore
    settings: Settings
    recorder: Recorder
    executor: Executor
    now: Callable[[], datetime]
    loaded: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once all key Secrets were read."""
    _asked: asyncio.Event = field(default_factory=asyncio.Event)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _told: datetime | None = None
    _cutoff_passed: bool = False
    _listed: list[Mapping[str, Any]] = field(default_factory=list)
    """What a list that is not at its end has brought."""

    def __post_init__(self) -> None:
        self._admission = KeyAdmission(
            self.cluster,
            self.store,
            self.settings.namespace,
            newcomers_seal=self.settings.adopted_keys == SEAL,
            tell=self._adopted,
        )

    def ask(self) -> None:
        """Make a new key now (SIGUSR1)."""
        self._asked.set()
        self._wake.set()

    async def watch(self) -> None:
        """Follow the key Secrets of the own namespace, without an end."""
        await self.watching().run()

    def watching(self) -> Watch:
        """The watch that feeds ``on_seen``, ``on_gone`` and ``on_listed``."""
        return Watch("key Secrets", self._events, self)

    async def _events(self) -> AsyncIterator[WatchEvent]:
        self._listed = []
        await self._admission.load()
        namespace = self.settings.namespace
        watch = self.cluster.watch_secrets(namespace, selector=KEY_SELECTOR, metadata_only=False)
        async for event in watch:
            yield event

    async def on_seen(self, body: Manifest, *, listed: bool) -> None:
        """A key Secret is there; those of a list are taken together, at its end."""
        if listed:
            self._listed.append(body)
            return
        await self._put(body)
        self._wake.set()

    async def on_gone(self, body: Manifest) -> None:
        """A key Secret was deleted, or is none any more."""
        self.store.remove(body["metadata"]["name"])
        self._wake.set()

    async def on_listed(self, present: Set[Name]) -> None:
        """All key Secrets were seen; whatever else the store has is gone."""
        legacy, before = await self._legacy(), self.store.keys.newest
        listed, self._listed = [*self._listed, *([legacy] if legacy else [])], []
        self.store.replace(listed)
        await self._admission.admit()
        if self.loaded.is_set():
            self._tell_of_renewal(before, listed)
        self.loaded.set()
        self._wake.set()

    async def _legacy(self) -> Mapping[str, Any] | None:
        """Read the one key Secret without a label that versions before 0.9 made, if it is there."""
        try:
            secret = await self.cluster.get_secret(
                self.settings.namespace, self.settings.key_prefix
            )
        except NotFoundError:
            return None
        metadata = secret["metadata"]
        if KEY_LABEL in (metadata.get("labels") or {}):
            return None
        if metadata.get("ownerReferences") or filled_by_manifest(secret):
            # Nothing but its name says that it is a key; the controllers that made such a key gave
            # it no owner.
            _LOG.warning("no sealing key: something made it", extra={"object": metadata["name"]})
            return None
        return secret

    async def renew(self) -> None:
        """Make a key when one is due, without an end."""
        await self.loaded.wait()
        while True:
            self._warn_of_expiry()
            wait = self._due()
            if self._asked.is_set() or (wait is not None and wait <= 0):
                try:
                    await self._make()
                    self._cutoff_passed = True
                    self._asked.clear()
                    continue
                except ClusterError as error:
                    _LOG.error("cannot store a new sealing key", extra={"why": error.message})
                    wait = _RETRY_SECONDS
            self._wake.clear()
            try:
                async with asyncio.timeout(min(wait or _LOOK_SECONDS, _LOOK_SECONDS)):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _due(self) -> float | None:
        if not self.settings.generate_key:
            return None
        newest = self.store.keys.newest
        cutoff = None if self._cutoff_passed else self.settings.key_cutoff_time
        due = next_renewal(
            newest.ordered if newest else None,
            self.settings.key_renew_period,
            cutoff,
            now=self.now(),
        )
        return None if due is None else due.total_seconds()

    async def _make(self) -> None:
        """Make the key that follows on the newest, unless another controller was faster."""
        newest, known = self.store.keys.newest, frozenset(self.store.names)
        before = newest.pair.fingerprint if newest else ""
        pair = await asyncio.get_running_loop().run_in_executor(self.executor, self._generate)
        await self._admission.expect(pair.fingerprint)
        for attempt in range(_MAX_NAMES):
            name = successor_name(self.settings.key_prefix, before, attempt)
            # One that came while ours was made is the one that follows.
            if name in known:
                continue
            try:
                made = await self._create(pair, name)
            except AlreadyExistsError:
                if await self._is_another(name):
                    return
                continue
            self.store.put(made)
            self._tell_of(made, pair.fingerprint)
            return
        raise ClusterError(f"{_MAX_NAMES} names for a new key Secret are taken by other Secrets")

    async def _create(self, pair: KeyPair, name: str) -> Mapping[str, Any]:
        settings = self.settings
        manifest = key_secret(
            pair,
            name=name,
            prefix=settings.key_prefix,
            namespace=settings.namespace,
            labels=settings.privatekey_labels,
            annotations=settings.privatekey_annotations,
        )
        return await self.cluster.create_secret(manifest)

    async def _is_another(self, name: str) -> bool:
        """Take the key that another controller made; False where that Secret is no usable key."""
        secret = await self.cluster.get_secret(self.settings.namespace, name)
        if (secret["metadata"].get("labels") or {}).get(KEY_LABEL) != ACTIVE:
            return False
        self.store.put(secret)
        await self._admission.admit()
        return name not in self.store.bad

    async def _put(self, secret: Mapping[str, Any]) -> None:
        """Take a key that the watch brought."""
        before = self.store.keys.newest
        self.store.put(secret)
        await self._admission.admit()
        self._tell_of_renewal(before, (secret,))

    def _tell_of_renewal(
        self, before: SealingKey | None, came: Iterable[Mapping[str, Any]]
    ) -> None:
        """Tell of a key that ``seal rotate`` or somebody else made: who makes one tells of it."""
        newest = self.store.keys.newest
        if newest is None or not is_renewal(before, newest):
            return
        fingerprint = before.pair.fingerprint if before else ""
        prefix = self.settings.key_prefix
        ours = {successor_name(prefix, fingerprint, attempt) for attempt in range(_MAX_NAMES)}
        for secret in came:
            if secret["metadata"]["name"] == newest.pair.name and newest.pair.name not in ours:
                self._tell_of(secret, newest.pair.fingerprint)

    def _tell_of(self, secret: Mapping[str, Any], fingerprint: str) -> None:
        self.recorder.record(
            {**secret, "apiVersion": "v1", "kind": "Secret"},
            Reason.KEY_RENEWED,
            f"New sealing key; its certificate has the fingerprint {fingerprint}",
        )
        extra = {"object": secret["metadata"]["name"], "fingerprint": fingerprint}
        _LOG.info("new sealing key", extra=extra)

    def _generate(self) -> KeyPair:
        settings = self.settings
        return generate(
            now=self.now(),
            validity=settings.key_ttl,
            common_name=settings.my_cn,
            bits=settings.key_size,
        )

    def _adopted(self, key: SealingKey, seals: bool) -> None:
        can = "it may become the newest" if seals else "it only unseals"
        message = f"A sealing key that this controller did not make is used, and {can}"
        fingerprint = key.pair.fingerprint
        self.recorder.record(
            self._involved(key.pair.name),
            Reason.KEY_ADOPTED,
            f"{message}; its certificate has the fingerprint {fingerprint}",
        )
        _LOG.warning(message, extra={"object": key.pair.name, "fingerprint": fingerprint})

    def _warn_of_expiry(self) -> None:
        newest, now = self.store.keys.newest, self.now()
        certificate = newest.pair.certificate if newest else None
        if certificate is None or certificate.not_after - now > EXPIRY_WARNING:
            return
        if self._told is not None and now - self._told < _TELL_AGAIN:
            return
        self._told = now
        message = f"The sealing certificate expires on {certificate.not_after:%Y-%m-%d}"
        self.recorder.record(self._involved(newest.pair.name), Reason.CERTIFICATE_EXPIRING, message)  # type: ignore[union-attr]
        _LOG.warning(message, extra={"fingerprint": certificate.fingerprint})

    def _involved(self, name: str) -> Mapping[str, Any]:
        metadata = {"name": name, "namespace": self.settings.namespace}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
