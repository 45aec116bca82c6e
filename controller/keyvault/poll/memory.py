"""What a poller remembers: who wants what, and of each object all but its value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from controller.backoff import Backoff
from controller.keyvault.poll.fuse import Fuse
from controller.keyvault.target.desired import Lost, Result
from controller.keyvault.vault import DisabledError, Found, MissingError, Row, Stamp, VaultError
from sealer.keyvault.references import Ref

Select = Callable[[Iterable[Row]], Collection[Ref]]
"""What find entries pick out of a listing."""
Mark = tuple[object, ...]
"""What makes users be synced when it changes; its first word is found, disabled or missing."""
_BACKOFF = Backoff(5.0, 300.0)


@dataclass(slots=True)
class Wants:
    """What one KeyVaultSecret wants."""

    refs: frozenset[Ref]
    select: Select | None = None
    found: frozenset[Ref] = frozenset()
    deletes: bool = False
    """Whether what is gone from the vault is taken out of its Secret."""
    delivered: frozenset[Ref] = frozenset()
    """What it was given before, as its status tells: a restart knows nothing else."""
    accepted: frozenset[Ref] = frozenset()
    """What vanished on purpose, as somebody said."""

    @property
    def all(self) -> frozenset[Ref]:
        return self.refs | self.found


@dataclass(frozen=True, slots=True)
class Polled:
    """How a cycle ended: what a vault's status tells."""

    error: VaultError | None = None
    listing: VaultError | None = None
    """Why listing is not possible, where objects can be read one by one."""
    objects: int | None = None
    fuse: int = 0
    """How many objects vanished at once, where that stops deletions."""


@dataclass(slots=True)
class Known:
    """What is remembered of an object between cycles: never its value."""

    signature: Mark = ()
    stamp: Stamp | None = None
    checked: float = 0
    racy: bool = False
    seen: bool = False
    """Whether it was found since the start."""
    missing_in: set[int] = field(default_factory=set)
    """The cycles that looked for it in vain."""
    missing_from: float = 0
    missing_till: float = 0
    """When the first and the last of them did."""
    let_go: bool = False
    """Whether its loss was weighed, twice, and let pass."""
    absent_in: int = -1
    """The cycle of the last 404, whoever asked."""
    error: VaultError | None = None
    retry_at: float = 0
    tries: int = 0

    @property
    def is_missing(self) -> bool:
        """Whether it was not there when last looked for."""
        return self.signature[:1] == ("missing",)

    def forget_loss(self) -> None:
        """It is there, if only switched off."""
        self.missing_in, self.let_go = set(), False


class Memory:
    """Of each object what is known, between cycles; ``clock`` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.poll_apart = 0.0
        """So many seconds at least are between two polls."""
        self._known: dict[Ref, Known] = {}
        self._turned: set[Ref] = set()
        """What is another than users were told, whoever found out."""
        self._fuse = Fuse()
        self._cycle = self._weighed = 0
        self._began = 0.0

    def begin_cycle(self, wanted: Collection[Ref]) -> None:
        """Start a cycle; what nobody wants any more is forgotten."""
        self._cycle += 1
        self._began = self._clock()
        self._known = {ref: known for ref, known in self._known.items() if ref in wanted}
        self._turned &= self._known.keys()

    def end_cycle(self) -> None:
        """Users are told."""
        self._turned.clear()

    @property
    def cycle(self) -> int:
        """Which cycle it is, from 1."""
        return self._cycle

    @property
    def held(self) -> frozenset[Ref]:
        """What the fuse holds: nothing is deleted because of these."""
        return self._fuse.held

    def find(self, ref: Ref) -> Known | None:
        """What is known of an object."""
        return self._known.get(ref)

    def end_back_offs(self) -> None:
        """What failed because of the vault waits no longer: it may be back."""
        for known in self._known.values():
            known.retry_at = 0

    def note(self, ref: Ref, result: Result, *, racy: bool = False) -> Result:
        """Remember how asking went; ``racy`` where it may have changed as it was read."""
        known = self._known.setdefault(ref, Known())
        known.checked = self._clock()
        if isinstance(result, VaultError):
            # Trouble says nothing about the object: what was known of it stays.
            known.error, known.tries = result, known.tries + 1
            known.retry_at = self._clock() + _BACKOFF.after(known.tries)
            return result
        if known.error is not None:
            self._turned.add(ref)
        known.error, known.tries = None, 0
        if isinstance(result, Found):
            known.forget_loss()
            known.stamp, known.racy, known.seen, known.absent_in = result.stamp, racy, True, -1
            self._sign(ref, ("found", result.version, result.stamp))
        elif result.disabled:
            known.forget_loss()
            known.stamp = None
            self._sign(ref, ("disabled",))
        else:
            known.stamp = None
            self._sign(ref, self._missing_signature(ref))
        return result

    def note_missing(self, ref: Ref, error: MissingError) -> Result:
        """Remember a 404, whoever asked."""
        self._known.setdefault(ref, Known()).absent_in = self._cycle
        return self.note(ref, self.lost(ref, error))

    def count_missing(self, ref: Ref) -> None:
        """This cycle itself looked for it in vain."""
        known = self._known.get(ref)
        if known is None:
            return  # nobody wants it any more
        if not known.missing_in:
            known.missing_from = self._clock()
        known.missing_till = self._clock()
        known.missing_in.add(self._cycle)

    def lost(self, ref: Ref, error: MissingError) -> Lost:
        """What a 404 means by now."""
        return Lost(error, confirmed=self.is_confirmed(ref), held=ref in self._fuse.held)

    def is_confirmed(self, ref: Ref) -> bool:
        """Whether two cycles a poll apart found it gone, both of them weighed by the fuse."""
        known = self._known.get(ref)
        if known is None or known.missing_till - known.missing_from < self.poll_apart:
            return False
        return sum(in_ <= self._weighed for in_ in known.missing_in) >= 2

    def weigh(self, users: Iterable[Wants]) -> None:
        """See whether too much is gone at once, before anybody hears that it is gone."""
        self._weighed = self._cycle
        missing = {ref for ref, known in self._known.items() if known.is_missing}
        told: set[Ref] = set()
        at_stake: set[Ref] = set()
        for wants in users:
            wants.accepted &= missing
            told |= wants.delivered
            if wants.deletes:
                at_stake |= wants.all - wants.accepted
        # A loss counts until it was let pass: they may come over several polls. A version that
        # this poll did not look at says nothing of today.
        had = {
            ref
            for ref, known in self._known.items()
            if (known.seen or ref in told)
            and not known.let_go
            and (not ref.is_pinned or known.checked >= self._began)
        }
        self._fuse.weigh(had, missing, at_stake)
        for ref in missing:
            known = self._known[ref]
            known.let_go |= self.is_confirmed(ref) and ref not in self._fuse.held
            self._sign(ref, self._missing_signature(ref))

    def changed(self) -> set[Ref]:
        """Return what is not as users were told, or in trouble.

        Trouble that goes on is told again: a Secret grows stale while nothing changes.
        """
        return self._turned | {ref for ref, known in self._known.items() if known.error is not None}

    def turned(self, ref: Ref) -> bool:
        """Whether an object known before is another now."""
        known = self._known.get(ref)
        return ref in self._turned and known is not None and known.error is None

    def trouble(self, refs: Iterable[Ref]) -> VaultError | None:
        """Return an error that stands, of any of these."""
        known = (self._known[ref] for ref in refs if ref in self._known)
        return next((one.error for one in known if one.error is not None), None)

    def has_good(self, refs: Iterable[Ref]) -> bool:
        """Whether any of these is known to be there."""
        known = (self._known[ref] for ref in refs if ref in self._known)
        return any(one.error is None and one.signature[:1] == ("found",) for one in known)

    def _sign(self, ref: Ref, mark: Mark) -> None:
        known = self._known[ref]
        if known.signature and known.signature != mark:
            self._turned.add(ref)
        known.signature = mark

    def _missing_signature(self, ref: Ref) -> Mark:
        return ("missing", self.is_confirmed(ref), ref in self._fuse.held)


def delivered_to(users: Iterable[Wants]) -> set[Ref]:
    """What any of these was given before."""
    return {ref for wants in users for ref in wants.delivered}


def disabled(ref: Ref) -> DisabledError:
    """The error of an object that is switched off."""
    return DisabledError(f"the {ref} is disabled in the vault")


def missing(ref: Ref) -> MissingError:
    """The error of an object that is not there."""
    return MissingError(f"there is no {ref} in the vault")
