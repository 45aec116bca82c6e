"""Which sealing keys may seal: those that the controller remembers, and newcomers if it is let.

A key Secret that the controller did not make was put there by somebody, and each is told of, once.
What is remembered outlives a restart in a Secret beside the keys (``sealer.keys.record``), written
before a key of our own is stored.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from controller.api.cluster import Cluster, Manifest
from controller.api.errors import (
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    NotFoundError,
)
from controller.keys.store import KeyStore, SealingKey
from sealer.keys.record import RECORD_NAME, KeyRecord

_LOG = logging.getLogger(__name__)
_TRIES = 5


@dataclass
class KeyAdmission:
    """Call ``load`` before the store has keys, and ``admit`` whenever it got some."""

    cluster: Cluster
    store: KeyStore
    namespace: str
    newcomers_seal: bool
    tell: Callable[[SealingKey, bool], None]
    """Is told of each key from outside, and whether it may seal."""
    _unwritten: KeyRecord = field(default_factory=KeyRecord)

    async def load(self) -> None:
        """Let those seal that are remembered; ClusterError."""
        _, record = await self._look()
        self.store.let_seal(record)

    async def expect(self, fingerprint: str) -> None:
        """Remember a key that is about to be made."""
        await self._update(lambda record: record.having(fingerprint, seals=True))

    async def admit(self) -> None:
        """Decide about the keys that are not remembered yet, and remember that; ClusterError."""
        fresh: list[tuple[SealingKey, bool]] = []

        def add(record: KeyRecord) -> KeyRecord:
            fresh.clear()
            for key in self.store.keys.keys:
                if not record.knows(key.pair.fingerprint):
                    seals = self.newcomers_seal and not key.only_unseals
                    record = record.adopting(key.pair.fingerprint, seals=seals)
                    fresh.append((key, seals))
            return record

        await self._update(add)
        for key, seals in fresh:
            self.tell(key, seals)

    async def _update(self, change: Callable[[KeyRecord], KeyRecord]) -> None:
        for _ in range(_TRIES):
            manifest, record = await self._look()
            wanted = change(record)
            self._unwritten = wanted
            try:
                if manifest is None:
                    await self.cluster.create_secret(wanted.manifest(self.namespace))
                elif wanted != KeyRecord.of(manifest):
                    await self.cluster.replace_secret({**manifest, "data": wanted.data()})
                self._unwritten = KeyRecord()
                break
            except (AlreadyExistsError, ConflictError, NotFoundError):
                continue
            except ClusterError as error:
                # The keys are needed all the same; it is written with the next change.
                _LOG.warning("cannot remember the sealing keys", extra={"why": error.message})
                break
        self.store.let_seal(wanted)

    async def _look(self) -> tuple[Manifest | None, KeyRecord]:
        """The Secret, and what is remembered in it or only here."""
        try:
            manifest = await self.cluster.get_secret(self.namespace, RECORD_NAME)
        except NotFoundError:
            return None, self._unwritten
        stored = KeyRecord.of(manifest)
        return manifest, stored.joined(self._unwritten)
