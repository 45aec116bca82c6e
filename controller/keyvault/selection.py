"""Which objects of a vault a KeyVaultSecret may have, wants, and wanted before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from controller.keyvault.memory import Select
from controller.keyvault.outcomes import VAULT_REASONS, WaitingError
from controller.keyvault.poll import Poller
from controller.keyvault.status import Lines, Told, told
from controller.keyvault.tenancy import may_have
from controller.keyvault.vault import Row, VaultError
from sealer.keyvault.names import selector
from sealer.keyvault.references import FindEntry, Ref
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
            Told(
                "NotAllowed",
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
        return {
            Ref("secret", row.name)
            for row in rows
            if row.stamp.enabled
            and not row.managed
            and may_have(vault, secret.namespace, labels, row.name)
            and any(test(row.name, dict(row.stamp.tags)) for test in tests)
        }

    return select


async def find(
    secret: KeyVaultSecret, poller: Poller, vault: VaultResource, labels: Mapping[str, str]
) -> dict[int, tuple[Ref, ...]]:
    found: dict[int, tuple[Ref, ...]] = {}
    for index, entry in enumerate(secret.entries):
        if not isinstance(entry, FindEntry):
            continue
        try:
            rows = await poller.listed()
        except VaultError as error:
            reason = error.reason if error.reason in VAULT_REASONS else "VaultNotReady"
            raise WaitingError(told(error, reason)) from None
        test = selector(entry)
        found[index] = tuple(
            sorted(
                Ref("secret", row.name)
                for row in rows
                if row.stamp.enabled
                and not row.managed
                and may_have(vault, secret.namespace, labels, row.name)
                and test(row.name, dict(row.stamp.tags))
            )
        )
    return found


def leftovers(secret: KeyVaultSecret, lines: Lines) -> set[Ref]:
    """Objects that find delivered before."""
    if not any(isinstance(entry, FindEntry) for entry in secret.entries):
        return set()
    explicit = {entry.ref for entry in secret.entries if not isinstance(entry, FindEntry)}
    return {ref for ref in lines if ref not in explicit}


def is_gone(poller: Poller, ref: Ref) -> bool:
    """Whether the last listing does not have it, or has it switched off."""
    row = (poller.rows or {}).get(ref.listed_name)
    return row is None or not row.stamp.enabled
