"""PURE: stops deletions where most of a vault's objects vanish at once.

A restored backup, a vault made anew under the old name, an address that resolves to another: each
answers 404 for everything, honestly. What was there is known from the last cycle, and after a
restart from what the KeyVaultSecrets' statuses say was delivered.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sealer.keyvault.references import Ref

LEAST = 2
"""A vault of one object would blow it each time that this one is deleted on purpose."""


@dataclass
class Fuse:
    """``weigh`` once a cycle; ``held`` are the objects because of which nothing is deleted."""

    held: frozenset[Ref] = frozenset()

    def weigh(
        self, had: Collection[Ref], missing: Collection[Ref], at_stake: Collection[Ref]
    ) -> None:
        """Take what was there before, what is missing now, and what a deletion hangs on.

        Objects are let go when they are back, or when nobody's keys hang on them any more.
        """
        lost = frozenset(had) & frozenset(missing)
        if len(lost) < LEAST or len(lost) * 2 <= len(frozenset(had)):
            lost = frozenset()
        self.held = (self.held | lost) & frozenset(missing) & frozenset(at_stake)
