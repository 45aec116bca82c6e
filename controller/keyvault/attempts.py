"""The Key Vault line: a KeyVaultSecret is admitted, its objects collected, its Secret written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from controller.api.cluster import Manifest
from controller.drift.writer import last_writer
from controller.keyvault.access.admission import Admission, Admitted
from controller.keyvault.access.selection import bounded, find, history, is_gone, listing, selection
from controller.keyvault.access.selection import leftovers as leftovers_of
from controller.keyvault.lines import Lines
from controller.keyvault.status.memory import Attempt, Record, before_of, lines_of, vault_of
from controller.keyvault.target import ownership
from controller.keyvault.target.desired import Desired, Result, desired, readings
from controller.keyvault.target.readings import convert
from controller.keyvault.target.targets import Targets
from controller.keyvault.vault import VaultError
from sealer.keyvault.references import FindEntry, Ref
from sealer.keyvault.resource import KeyVaultSecret


@dataclass(frozen=True, slots=True)
class Collected:
    """What the vault gave."""

    results: Mapping[Ref, Result]
    found: Mapping[int, tuple[Ref, ...]]
    """By an entry's index: what find found, or the versions before the newest."""


@dataclass(frozen=True, slots=True)
class Line:
    """Runs on the event loop; ``clock`` counts seconds, as that of repairs does."""

    admission: Admission
    targets: Targets
    clock: Callable[[], float]

    async def run(self, record: Record, secret: KeyVaultSecret, attempt: Attempt) -> None:
        """Do it once; how far it came is in ``attempt``. WaitingError and the tree's errors."""
        admitted = await self.admission.admit(record, secret)
        attempt.vault = vault_of(admitted.vault)
        lines = lines_of(record.status, admitted.vault)
        collected = await self._collect(record, secret, admitted, lines)
        live = await self._live(record, secret, collected)
        made = await self._decide(secret, collected, lines, live)
        attempt.states = made.states
        if made.blocked:
            return
        record.deleted = made.delete
        attempt.changed = await self._write(record, secret, made, live)
        if record.force and attempt.changed:
            writer = last_writer(live, ours=ownership.manager(secret.name))
            record.repairs.made(self.clock(), writer)
        attempt.written = True

    async def _collect(
        self, record: Record, secret: KeyVaultSecret, admitted: Admitted, lines: Lines
    ) -> Collected:
        """Ask the vault for what is wanted; WaitingError where nothing can go on without it."""
        vault, poller, labels = admitted.vault, admitted.poller, admitted.labels
        select = selection(secret, vault, labels)
        leftovers = leftovers_of(secret, vault, labels, lines)
        explicit = {entry.ref for entry in secret.entries if not isinstance(entry, FindEntry)}
        self.admission.drop((secret.namespace, secret.name), but=poller)
        if secret.refresh == "Periodic":
            poller.want(
                secret.key,
                explicit | leftovers,
                select,
                deletes=secret.on_vault_delete != "Keep",
                delivered={ref for ref, line in lines.items() if line.keys},
            )
        asked = bool(secret.sync_now) and secret.sync_now != record.synced_now
        anew = asked and not record.tries
        is_new = record.status.get("observedGeneration") != secret.generation
        rows = await listing(poller, fresh=is_new, anew=anew) if select is not None else {}
        found = find(secret, rows, vault, labels)
        present = {ref for refs in found.values() for ref in refs}
        gone = {ref for ref in leftovers - present if is_gone(rows, ref)}
        fresh = asked or record.attempted != secret.generation
        record.attempted = secret.generation
        wanted, lane = bounded(explicit | present | gone), secret.namespace
        results = await poller.fetch(wanted, fresh=fresh, anew=anew, lane=lane)
        past = await history(secret, poller, results)
        found |= past
        versions = {ref for refs in past.values() for ref in refs}
        results |= await poller.fetch(versions, fresh=fresh, lane=lane)
        is_answered = not any(isinstance(one, VaultError) for one in results.values())
        if asked and secret.refresh == "Periodic" and is_answered:
            record.synced_now = secret.sync_now
        if secret.sync_now and record.answered != secret.sync_now:
            record.answered = secret.sync_now
            poller.accept(secret.key)
        return Collected(poller.released(secret.key, results), found)

    async def _live(
        self, record: Record, secret: KeyVaultSecret, collected: Collected
    ) -> Manifest | None:
        """The Secret that is there, where it is needed to decide."""
        results = collected.results.values()
        # One that never wrote its Secret is taken to have none: the write finds out if that is so.
        is_first = secret.target.creation != "Merge" and not record.status.get("target")
        nothing = bool(results) and all(isinstance(one, VaultError) for one in results)
        return None if is_first or nothing else await self.targets.find(secret)

    async def _decide(
        self, secret: KeyVaultSecret, collected: Collected, lines: Lines, live: Manifest | None
    ) -> Desired:
        results, found = collected.results, collected.found
        read = await convert(
            self.targets.workers, secret.namespace, readings(secret, results, found)
        )
        return desired(secret, results, found, before_of(lines, live, secret.name), read)

    async def _write(
        self, record: Record, secret: KeyVaultSecret, made: Desired, live: Manifest | None
    ) -> bool:
        """Write the Secret; return whether anything changed in the cluster."""
        if made.delete:
            record.written = None
            if live is not None:
                await self.targets.delete(secret, live)
            return live is not None
        written = await self.targets.write(secret, made, live)
        record.written = ownership.ours(written, secret.name)
        left = str(record.status.get("target") or secret.target.name)
        if left != secret.target.name:
            await self.targets.leave(secret, left)
        before = (live or {}).get("metadata", {}).get("resourceVersion")
        return bool(written["metadata"]["resourceVersion"] != before)
