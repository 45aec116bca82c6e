"""The vaults of the cluster: each resource with its poller, one for each vault and identity."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from controller.api.cluster import Manifest
from controller.api.errors import ClusterError, UnavailableError
from controller.conditions import Outcome, rfc3339, rfc3339_of
from controller.events.recorder import Recorder
from controller.keyvault.cluster import Objects
from controller.keyvault.entry import Entry, Name, VaultKey
from controller.keyvault.identities import Identities, Identity
from controller.keyvault.poll.governor import Governor
from controller.keyvault.poll.memory import Polled
from controller.keyvault.poll.poller import Poller
from controller.keyvault.running import Running
from controller.keyvault.status import status
from controller.keyvault.status import vault as vault_status
from controller.keyvault.status.vault_report import VaultReports
from controller.keyvault.vault import Vault, VaultError
from controller.reasons import Reason
from sealer.errors import SealerError
from sealer.keyvault import address
from sealer.keyvault.address import AddressError
from sealer.keyvault.vaults import VaultResource

_LOG = logging.getLogger(__name__)
_RETRY_SECONDS = 15.0
_WORDS = {str(one): one for one in (Reason.INVALID_URL, Reason.UNKNOWN_CLOUD)}
"""Of an AddressError, which is the library's."""
MOST_POLLERS = 20


class OpenVault(Protocol):
    """Makes a ``Vault``; ``azure.AzureVault`` behind it."""

    def __call__(self, url: str, identity: Identity, api_version: str) -> Vault:
        """Open it; nothing is sent yet."""


@dataclass
class Vaults:
    """``see`` what the cluster says of vaults; ``on_dirty`` and its like tie to the syncer."""

    objects: Objects
    identities: Identities
    open_vault: OpenVault
    recorder: Recorder
    now: Callable[[], datetime]
    clock: Callable[[], float]
    on_dirty: Callable[[Iterable[str]], None]
    on_vault: Callable[[VaultKey, bool], None]
    """Hears of vaults that came, went or changed (True: all who use it), or answer again."""
    on_polled: Callable[[VaultKey], Awaitable[None]]
    """Hears of each poll that came to an end."""
    suffixes: tuple[str, ...] = ()
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    on_poll: Callable[[str, float], None] = lambda vault, seconds: None
    on_told: Callable[[VaultKey, bool | None, int], None] = lambda vault, ready, vanished: None
    """Hears whether a vault is ready (None: it is gone), and how many objects vanished at once."""
    entries: dict[VaultKey, Entry] = field(default_factory=dict)
    _running: dict[Name, Running] = field(default_factory=dict)
    _governors: WeakValueDictionary[str, Governor] = field(default_factory=WeakValueDictionary)
    _credentials: dict[tuple[str, str], set[VaultKey]] = field(default_factory=dict)
    """Secret -> the vaults whose credential it holds."""
    _reports: VaultReports = field(init=False)

    def __post_init__(self) -> None:
        self._reports = VaultReports(self.objects, self.recorder, self.now, self.on_told)

    async def see(self, key: VaultKey, body: Manifest) -> None:
        """A vault resource is new or changed."""
        entry = self.entries.get(key)
        if entry is None:
            entry = self.entries[key] = Entry(body, status=body.get("status") or {})
        elif entry.body["metadata"].get("generation") == body["metadata"].get("generation"):
            entry.body = body
            return
        entry.body = body
        await self.renew(key)

    async def gone(self, key: VaultKey) -> None:
        """A vault resource was deleted."""
        entry = self.entries.pop(key, None)
        if entry is not None:
            if entry.retry is not None:
                entry.retry.cancel()
            async with entry.lock:
                self._note_resource(key, entry, None)
                await self._leave(key, entry)
            self.on_told(key, None, 0)
            self.on_vault(key, True)

    def on_secret(self, namespace: str, name: str) -> None:
        """A Secret was seen, changed or deleted: a vault's credential is read anew at once."""
        for key in self._credentials.get((namespace, name), ()):
            entry = self.entries.get(key)
            if entry is None:
                continue  # it is just being taken away
            if entry.retry is not None:
                entry.retry.cancel()
                entry.retry = None
            self._later(key, entry, 0)

    def poller(self, key: VaultKey) -> Poller | None:
        """Return the vault's poller, None while there is none."""
        entry = self.entries.get(key)
        running = self._running.get(entry.poller) if entry and entry.poller else None
        return running.poller if running else None

    def pollers(self) -> list[Poller]:
        """Every poller that runs."""
        return [running.poller for running in self._running.values()]

    async def renew(self, key: VaultKey, *, changed: bool = True) -> bool:
        """Read the resource and its identity again, and poll under it.

        Return whether it may be asked now. Without ``changed`` nothing is told or done where the
        identity is still the same.
        """
        entry = self.entries.get(key)
        if entry is None:
            return False
        async with entry.lock:
            return self.entries.get(key) is entry and await self._renew(key, entry, changed)

    async def _renew(self, key: VaultKey, entry: Entry, changed: bool) -> bool:
        try:
            resource = VaultResource.from_dict(entry.body)
            self._note_resource(key, entry, resource)
            place = address.parse(resource.url, self.suffixes)
            identity = await self.identities.of(resource, place)
            if self.entries.get(key) is not entry:
                return False
        except AddressError as error:
            await self._fail(key, entry, status.told(error, _WORDS[error.reason]))
            return False
        except VaultError as error:
            await self._fail(key, entry, status.told(error, error.reason))
            self._later(key, entry)
            return False
        except ClusterError as error:
            # Who asks is not known just now: nobody asks, and nothing is forgotten.
            if changed or entry.poller is None or not isinstance(error, UnavailableError):
                await self._fail(key, entry, status.told(error, Reason.UNREACHABLE))
            self._later(key, entry)
            return False
        except SealerError as error:
            self._note_resource(key, entry, None)
            await self._fail(key, entry, status.told(error, Reason.INVALID_SPEC))
            return False
        # Values never cross identities: who asks is part of the name. A namespaced vault's
        # identity names its namespace; a cluster vault's poller is its own.
        scope = resource.namespace or f"/{resource.name}"
        name = (place.url, resource.api_version, identity.key, scope)
        if self._is_crowded(name, resource):
            told = (
                f"a namespace may ask {MOST_POLLERS} vaults and identities, and others ask already"
            )
            await self._fail(key, entry, Outcome(Reason.INVALID_SPEC, told))
            self._later(key, entry)
            return False
        if changed or entry.poller != name:
            await self._join(key, entry, resource, name, identity)
            self.on_vault(key, True)
        elif entry.untold:
            await self._tell_again(key, self._running[name])
        return True

    def _note_resource(self, key: VaultKey, entry: Entry, resource: VaultResource | None) -> None:
        """Keep the index of the Secrets that hold credentials."""
        old = entry.resource.credential if entry.resource else None
        if old is not None:
            self._credentials[old].discard(key)
            if not self._credentials[old]:
                del self._credentials[old]
        entry.resource = resource
        if resource is not None and resource.credential is not None:
            self._credentials.setdefault(resource.credential, set()).add(key)

    async def close(self) -> None:
        """Stop polling."""
        for running in self._running.values():
            await running.end()
        self._running.clear()

    def _later(self, key: VaultKey, entry: Entry, seconds: float = _RETRY_SECONDS) -> None:
        if entry.retry is not None and not entry.retry.done():
            return

        async def again() -> None:
            await self.sleep(seconds)
            entry.retry = None
            if self.entries.get(key) is entry:
                await self.renew(key, changed=False)

        entry.retry = asyncio.create_task(again())

    async def _join(
        self,
        key: VaultKey,
        entry: Entry,
        resource: VaultResource,
        name: Name,
        identity: Identity,
    ) -> None:
        if entry.poller != name:
            await self._leave(key, entry)
        running = self._running.get(name)
        if running is None:
            vault = self.open_vault(name[0], identity, resource.api_version)
            poller = Poller(
                vault,
                interval=resource.interval,
                mode=resource.mode,
                clock=self.clock,
                wall=lambda: self.now().timestamp(),
                sleep=self.sleep,
                jitter=self.jitter,
                governor=self._governor(name[0]).of(f"/{name[3]}"),
            )
            running = self._running[name] = Running(poller, vault)
        running.vaults.add(key)
        entry.poller = name
        self._tune(running)
        if running.task is None or running.task.done():
            running.task = asyncio.create_task(self._run(name, running))
        else:
            await self._tell_again(key, running)

    def _is_crowded(self, name: Name, resource: VaultResource) -> bool:
        """Whether its namespace has as many pollers as it may: each holds values and asks."""
        if name in self._running or not resource.namespace:
            return False
        return sum(one[3] == resource.namespace for one in self._running) >= MOST_POLLERS

    def _governor(self, url: str) -> Governor:
        """The vault's, whoever asks it: another identity does not get another share of it."""
        return self._governors.setdefault(url, Governor(self.clock, self.sleep))

    def _tune(self, running: Running) -> None:
        entries = [self.entries[key] for key in running.vaults if key in self.entries]
        running.tune(one.resource for one in entries if one.resource is not None)

    async def _leave(self, key: VaultKey, entry: Entry) -> None:
        name, entry.poller = entry.poller, None
        running = self._running.get(name) if name else None
        if running is None or name is None:
            return
        running.vaults.discard(key)
        if running.vaults:
            self._tune(running)
            return
        del self._running[name]
        await running.end()

    async def _run(self, name: Name, running: Running) -> None:
        """Poll until nobody polls under this name any more."""
        delay = 0.0
        while self._running.get(name) is running:
            await running.rest(delay, self.sleep)
            try:
                if delay and not await self._may_ask(running):
                    delay = _RETRY_SECONDS
                    continue
                outcome, dirty = await running.poller.cycle()
                await self._on_cycle(name, running, outcome, dirty)
                delay = running.poller.delay(outcome)
            except Exception as error:  # noqa: BLE001 polling must go on
                delay = _RETRY_SECONDS
                await self._on_fault(running, error)

    async def _on_fault(self, running: Running, error: Exception) -> None:
        """A defect of ours: it is told, for a vault must not look well while nobody asks it."""
        why = type(error).__name__
        _LOG.error("polling anew", extra={"why": why})
        told = VaultError(
            f"the controller fails at what this vault answers: {why}",
            hint="it goes on trying; please report it",
            reason=Reason.INTERNAL_ERROR,
        )
        running.poller.outcome = Polled(error=told)
        with suppress(Exception):
            for key in tuple(running.vaults):
                await self._tell_again(key, running)

    async def _may_ask(self, running: Running) -> bool:
        # A service account may have lost its label, a Secret may hold another credential.
        said = [await self.renew(key, changed=False) for key in tuple(running.vaults)]
        return bool(running.vaults) and all(said)

    async def _on_cycle(
        self, name: Name, running: Running, outcome: Polled, dirty: set[str]
    ) -> None:
        running.polled = self.now()
        self.on_poll(urlsplit(name[0]).hostname or "", running.poller.seconds)
        for key in tuple(running.vaults):
            await self._tell(key, running, outcome)
        self.on_dirty(dirty)
        for key in tuple(running.vaults):
            await self.on_polled(key)
        if outcome.error is not None and outcome.error.reason in (
            Reason.TOKEN_REQUEST_DENIED,
            Reason.FEDERATION_REJECTED,
        ):
            # The credential may have been changed: read it again.
            for key in running.vaults & self.entries.keys():
                self._later(key, self.entries[key])

    async def _tell_again(self, key: VaultKey, running: Running) -> None:
        if running.poller.outcome is not None:
            await self._tell(key, running, running.poller.outcome)

    async def _tell(self, key: VaultKey, running: Running, outcome: Polled) -> None:
        entry = self.entries.get(key)
        if entry is None:
            return
        said = vault_status.said_of(outcome)
        extra: dict[str, Any] = {
            "objects": outcome.objects,
            "lastPollTime": rfc3339(running.polled) if running.polled else None,
            "tenantId": running.vault.tenant or None,
        }
        pause = running.poller.governor.paused_until - self.clock()
        if pause > 0:
            until = self.now().timestamp() + pause
            extra["throttledUntil"] = rfc3339_of(until)
        was_ok = entry.outcome.ok
        await self._write(key, entry, said, outcome, extra)
        if said.ok and not was_ok:
            self.on_vault(key, False)

    async def _fail(self, key: VaultKey, entry: Entry, said: Outcome) -> None:
        await self._leave(key, entry)
        await self._write(key, entry, said, None, {})
        self.on_vault(key, True)

    async def _write(
        self, key: VaultKey, entry: Entry, said: Outcome, outcome: Polled | None, extra: Manifest
    ) -> None:
        if not await self._reports.tell(key, entry, said, outcome, extra):
            self._later(key, entry)
