"""Which objects of a vault a KeyVaultSecret may have, wants, and wanted before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from controller.conditions import Outcome
from controller.keyvault.access.tenancy import may_have
from controller.keyvault.lines import Lines
from controller.keyvault.poll.listing import Rows
from controller.keyvault.poll.memory import Select
from controller.keyvault.poll.poller import Poller
from controller.keyvault.poll.reader import MAX_OBJECTS
from controller.keyvault.status.outcomes import WaitingError, waiting
from controller.keyvault.target.desired import Result
from controller.keyvault.vault import Found, Row, VaultError
from controller.reasons import Reason
from sealer.keyvault.names import name_selector, selector
from sealer.keyvault.references import SECRET, FindEntry, KeyEntry, Ref
from sealer.keyvault.resource import KeyVaultSecret
from sealer.keyvault.vaults import VaultResource


def check_allowed(secret: KeyVaultSecret, vault: VaultResource, labels: Mapping[str, str]) -> None:
    refused = sorted(
        {
            str(entry.ref)
            for entry in secret.entries
            if not isinstance(entry, FindEntry)
            and not may_have(vault, secret.namespace, labels, entry.ref.name)
        }
    )
    if refused:
        raise WaitingError(
            Outcome(
                Reason.NOT_ALLOWED,
                f"{vault.title} does not allow namespace {secret.namespace} to have "
                f"{', '.join(refused)} (its spec.allow grants namespaces and objects)",
            )
        )


def selection(
    secret: KeyVaultSecret, vault: VaultResource, labels: Mapping[str, str]
) -> Select | None:
    """What the find entries select of a listing."""
    tests = [selector(entry) for entry in secret.entries if isinstance(entry, FindEntry)]
    if not tests:
        return None

    def select(rows: Iterable[Row]) -> set[Ref]:
        found = {
            Ref("secret", row.name)
            for row in rows
            if row.stamp.enabled
            and not row.managed
            and may_have(vault, secret.namespace, labels, row.name)
            and any(test(row.name, dict(row.stamp.tags)) for test in tests)
        }
        # What is refused for being too much is not polled for either.
        return found if len(found) <= MAX_OBJECTS else set()

    return select


async def listing(poller: Poller, *, fresh: bool, anew: bool) -> Rows:
    """What the vault has, as listed in this poll, just now or ``anew``; WaitingError."""
    try:
        return await poller.listed(fresh=fresh, anew=anew)
    except VaultError as error:
        raise waiting(error) from None


def find(
    secret: KeyVaultSecret, rows: Rows, vault: VaultResource, labels: Mapping[str, str]
) -> dict[int, tuple[Ref, ...]]:
    """What each find entry finds in a listing, by the entry's index."""
    found: dict[int, tuple[Ref, ...]] = {}
    for index, entry in enumerate(secret.entries):
        if not isinstance(entry, FindEntry):
            continue
        test = selector(entry)
        found[index] = tuple(
            sorted(
                Ref("secret", row.name)
                for row in rows.values()
                if row.stamp.enabled
                and not row.managed
                and may_have(vault, secret.namespace, labels, row.name)
                and test(row.name, dict(row.stamp.tags))
            )
        )
    return found


async def history(
    secret: KeyVaultSecret, poller: Poller, results: Mapping[Ref, Result]
) -> dict[int, tuple[Ref, ...]]:
    """The versions before the newest, by the entry's index; WaitingError."""
    past: dict[int, tuple[Ref, ...]] = {}
    for index, entry in enumerate(secret.entries):
        current = None if isinstance(entry, FindEntry) else results.get(entry.ref)
        if isinstance(entry, KeyEntry) and entry.history and isinstance(current, Found):
            try:
                past[index] = await poller.history(secret.key, entry.ref, current, entry.history)
            except VaultError as error:
                raise waiting(error) from None
    return past


def leftovers(
    secret: KeyVaultSecret, vault: VaultResource, labels: Mapping[str, str], lines: Lines
) -> set[Ref]:
    """Objects that find delivered before, and would find still if they were there.

    What no find asks for any more, or may have no more, is not kept for being gone from the vault.
    """
    tests = [name_selector(entry) for entry in secret.entries if isinstance(entry, FindEntry)]
    explicit = {entry.ref for entry in secret.entries if not isinstance(entry, FindEntry)}
    return {
        ref
        for ref in lines
        if ref not in explicit
        and (ref.type, ref.version) == (SECRET, "")
        and may_have(vault, secret.namespace, labels, ref.name)
        and any(test(ref.name) for test in tests)
    }


def bounded(refs: Collection[Ref]) -> Collection[Ref]:
    """The objects, where they are not more than one KeyVaultSecret may want; WaitingError."""
    if len(refs) > MAX_OBJECTS:
        raise WaitingError(
            Outcome(Reason.INVALID_SPEC, f"it wants {len(refs)} objects, more than {MAX_OBJECTS}")
        )
    return refs


def is_gone(rows: Rows, ref: Ref) -> bool:
    """Whether a listing does not have it, or has it switched off."""
    row = rows.get(ref.listed_name)
    return row is None or not row.stamp.enabled
