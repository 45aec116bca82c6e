"""What a poller remembers: who wants what, and of each object all but its value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace

from controller.keyvault.desired import Lost, Result
from controller.keyvault.vault import DisabledError, MissingError, Row, Stamp, VaultError
from sealer.keyvault.references import Ref

Select = Callable[[Iterable[Row]], Collection[Ref]]
"""What find entries pick out of a listing."""


@dataclass(slots=True)
class Wants:
    """What one KeyVaultSecret wants."""

    refs: frozenset[Ref]
    select: Select | None = None
    found: frozenset[Ref] = frozenset()

    @property
    def all(self) -> frozenset[Ref]:
        return self.refs | self.found


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a cycle ended: what a vault's status tells."""

    error: VaultError | None = None
    listing: VaultError | None = None
    """Why listing is not possible, where objects can be read one by one."""
    objects: int | None = None
    fuse: int = 0
    """How many objects vanished at once, where that stopped deletions."""


@dataclass(slots=True)
class Known:
    """What is remembered of an object between cycles: never its value."""

    signature: tuple[object, ...] = ()
    stamp: Stamp | None = None
    checked: float = 0
    racy: bool = False
    missing_in: set[int] = field(default_factory=set)
    error: VaultError | None = None
    retry_at: float = 0
    tries: int = 0

    @property
    def mark(self) -> tuple[object, ...]:
        """What makes users be synced when it changes."""
        return (*self.signature, self.error.reason if self.error else "")


def disabled(ref: Ref) -> DisabledError:
    """The error of an object that is switched off."""
    return DisabledError(f"the {ref} is disabled in the vault")


def missing(ref: Ref) -> MissingError:
    """The error of an object that is not there."""
    return MissingError(f"there is no {ref} in the vault")


def as_unfused(result: Result) -> Result:
    """What a person has looked at and confirmed: a fused loss counts as confirmed."""
    return replace(result, confirmed=True) if isinstance(result, Lost) else result
