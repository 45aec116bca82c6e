"""PURE: what a KeyVaultSecret asks for and what the vault gave, into the Secret's data.

All or nothing: one entry that cannot be had leaves the Secret as it is, or else a new user would
stand beside an old password. What is gone from the vault follows ``onVaultDelete``, and only where
two polls agree that it is gone; what may be missing (optional, or found) stops nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from controller.keyvault.lines import DISABLED, ERROR, MISSING, PINNED, SYNCED
from controller.keyvault.target import values
from controller.keyvault.target.reading import Reading
from controller.keyvault.target.values import BadValueError
from controller.keyvault.vault import Found, VaultError
from controller.reasons import Reason
from sealer.keyvault import names
from sealer.keyvault.references import (
    CERTIFICATE,
    KEY,
    Entry,
    ExpandEntry,
    FindEntry,
    KeyEntry,
    Ref,
    TlsEntry,
    past_key,
)
from sealer.keyvault.resource import KeyVaultSecret
from sealer.manifest.names import is_secret_key

_MAX_FIELDS = 1000
"""So many names are matched in some milliseconds, which the event loop has to spare."""
_HELD = (
    "nor most of what it had: nothing is deleted because of it, "
    "unless a new sync-now annotation says that it is meant"
)
WAITING = "Waiting"
"""There is another version than the Secret holds, and it could not be written."""


@dataclass(frozen=True, slots=True)
class Lost:
    """An object that is not to be had; ``confirmed`` when two polls found it gone."""

    error: VaultError
    confirmed: bool = False
    disabled: bool = False
    held: bool = False
    """Whether too much vanished with it: the fuse stops deletions."""


Result = Found | Lost | VaultError
Values = Mapping[str, bytes]
Convert = Callable[[Reading], Values]
"""Returns what a value reads as; raises BadValueError."""


@dataclass(frozen=True, slots=True)
class ObjectState:
    """A line of ``status.objects``."""

    ref: Ref
    state: str
    keys: tuple[str, ...] = ()
    found: Found | None = None
    version: str = ""
    """The version that is there, or that was last: it tells what is gone from what never was."""
    message: str = ""
    reason: Reason | None = None
    """Why, where the state is not good."""
    is_past: bool = False
    """Whether it is a version before the newest: its end is no news."""
    blocking: bool = False
    """Whether the Secret is not written because of it."""


@dataclass(frozen=True, slots=True)
class Desired:
    """What to write, and what to tell."""

    data: Mapping[str, bytes] = field(repr=False)
    states: tuple[ObjectState, ...]
    delete: bool = False
    """DeleteSecret: an object is gone for good, or all that may be missing is."""
    gone: bool = False
    """RemoveKey: an object is gone for good, and what templates make of it goes along."""

    @property
    def blocked(self) -> tuple[ObjectState, ...]:
        """What keeps the Secret from being written."""
        return tuple(state for state in self.states if state.blocking)


@dataclass(frozen=True, slots=True)
class Before:
    """What the Secret has from us already."""

    data: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Our keys of the Secret in the cluster."""
    keys: Mapping[Ref, tuple[str, ...]] = field(default_factory=dict)
    """From which object each came, as the status tells."""
    versions: Mapping[Ref, str] = field(default_factory=dict)
    """The last version of each, empty for what never was."""
    removed: frozenset[Ref] = frozenset()
    """Objects whose keys were taken out since they are gone."""


def desired(
    secret: KeyVaultSecret,
    results: Mapping[Ref, Result],
    found_refs: Mapping[int, tuple[Ref, ...]],
    before: Before,
    convert: Convert,
) -> Desired:
    """Return the raw data, without the template's.

    ``results`` has an item for each ref; ``found_refs`` names, by an entry's index, what find
    found or which versions came before, newest first. ``convert`` reads values: see ``readings``.
    """
    work = _Work(secret, results, before, convert)
    for index, entry in enumerate(secret.entries):
        if isinstance(entry, FindEntry):
            for ref in found_refs.get(index, ()):
                work.take(entry, ref)
        else:
            work.take(entry, entry.ref)
            if isinstance(entry, KeyEntry) and entry.history:
                work.take_history(entry, found_refs.get(index, ()))
    work.take_leftovers()
    work.take_emptiness()
    return Desired(work.data, tuple(work.states), work.delete, work.gone)


def readings(
    secret: KeyVaultSecret, results: Mapping[Ref, Result], found_refs: Mapping[int, tuple[Ref, ...]]
) -> tuple[Reading, ...]:
    """What ``desired`` will want read: values that strangers wrote, in formats that cost time."""
    wanted: dict[Reading, None] = {}
    for index, entry in enumerate(secret.entries):
        if isinstance(entry, FindEntry):
            continue
        for ref in (entry.ref, *found_refs.get(index, ())):
            found = results.get(ref)
            reading = reading_of(entry, found) if isinstance(found, Found) else None
            if reading is not None:
                wanted[reading] = None
    return tuple(wanted)


def reading_of(entry: KeyEntry | TlsEntry | ExpandEntry, found: Found) -> Reading | None:
    """What an entry wants read of a value; None where that is next to nothing."""
    if isinstance(entry, TlsEntry):
        return Reading("tls", entry.chain, found.value)
    if isinstance(entry, ExpandEntry):
        return Reading("expand", entry.format, found.value)
    if entry.ref.type == CERTIFICATE:
        return Reading("certificate", entry.form, found.value)
    if entry.ref.type == KEY:
        return Reading("key", entry.form, found.value)
    if entry.property:
        return Reading("property", entry.property, found.value, entry.decode)
    return None


@dataclass
class _Work:
    secret: KeyVaultSecret
    results: Mapping[Ref, Result]
    before: Before
    convert: Convert
    data: dict[str, bytes] = field(default_factory=dict, repr=False)
    states: list[ObjectState] = field(default_factory=list)
    sources: dict[str, Ref] = field(default_factory=dict)
    delete: bool = False
    gone: bool = False
    absent: dict[Ref, VaultError] = field(default_factory=dict)
    """What was delivered, may be missing, and is gone for good."""

    def take(self, entry: Entry, ref: Ref) -> None:
        result = self.results[ref]
        if isinstance(result, Found):
            try:
                made = self._made(entry, ref, result)
            except BadValueError as error:
                cure = f" ({error.hint})" if error.hint else ""
                self._fail(ref, error.message + cure, Reason.BAD_VALUE)
                return
            self._put(ref, made)
            self._state(ref, PINNED if ref.is_pinned else SYNCED, keys=tuple(made), found=result)
        elif isinstance(result, Lost):
            self._lost(entry, ref, result)
        else:
            self._fail(ref, result.message, result.reason)

    def _made(self, entry: Entry, ref: Ref, found: Found) -> Mapping[str, bytes]:
        if isinstance(entry, FindEntry):
            return _checked({names.key_for(entry, ref.name): found.value}, ref)
        made = self._converted(entry, found)
        return _checked(_named(entry, made), ref) if isinstance(entry, ExpandEntry) else made

    def _converted(self, entry: KeyEntry | TlsEntry | ExpandEntry, found: Found) -> Values:
        reading = reading_of(entry, found)
        if reading is not None:
            made = self.convert(reading)
        elif isinstance(entry, KeyEntry):
            made = {"": values.decode(found.value, entry.decode)}
        return {entry.key: made[""]} if isinstance(entry, KeyEntry) else made

    def take_history(self, entry: KeyEntry, past: tuple[Ref, ...]) -> None:
        """Versions before the newest; one that cannot be used is left out and stops nothing."""
        if not isinstance(self.results[entry.ref], Found):
            self._keep_history(entry)
            return
        for back, ref in enumerate(past, 1):
            result = self.results[ref]
            if isinstance(result, Found):
                key = past_key(entry.key, back)
                try:
                    self._put(ref, {key: self._converted(entry, result)[entry.key]})
                except BadValueError as error:
                    self._state(ref, ERROR, message=error.message, is_past=True)
                else:
                    self._state(ref, SYNCED, keys=(key,), found=result, is_past=True)
            elif isinstance(result, Lost):
                state = DISABLED if result.disabled else MISSING
                self._state(ref, state, message=result.error.message, is_past=True)
            else:
                self._fail(ref, result.message, result.reason)

    def _keep_history(self, entry: KeyEntry) -> None:
        """The object is not to be had: its history shares the fate of its newest version."""
        if self.sources.get(entry.key) != entry.ref:
            return
        pattern = tuple(past_key(entry.key, back + 1) for back in range(entry.history))
        for ref, keys in self.before.keys.items():
            kept = {key: self.before.data[key] for key in keys if key in pattern}
            if kept and ref.is_pinned and ref.name == entry.ref.name:
                self._put(ref, kept)
                self._state(ref, MISSING, keys=tuple(kept), is_past=True)

    def take_leftovers(self) -> None:
        """What find delivered once and finds no more."""
        present = {state.ref for state in self.states}
        explicit = {entry.ref for entry in self.secret.entries if not isinstance(entry, FindEntry)}
        finds = any(isinstance(entry, FindEntry) for entry in self.secret.entries)
        for ref in self.before.versions if finds else ():
            if ref in present or ref in explicit:
                continue
            result = self.results.get(ref)
            # An object that is there and does not match any more was not deleted: it is stale.
            if isinstance(result, Lost):
                self._lost(None, ref, result)

    def take_emptiness(self) -> None:
        """DeleteSecret, and nothing is left of what may be missing: the Secret goes."""
        if self.secret.on_vault_delete != "DeleteSecret" or self.data or not self.absent:
            return
        self.delete = True
        for ref, error in self.absent.items():
            self._state(ref, MISSING, message=error.message, reason=error.reason)

    def _lost(self, entry: Entry | None, ref: Ref, lost: Lost) -> None:
        """``entry`` None: find delivered it once."""
        if entry is None or isinstance(entry, FindEntry) or entry.optional:
            self._lack(entry, ref, lost)
        else:
            self._miss(ref, lost)

    def _miss(self, ref: Ref, lost: Lost) -> None:
        """What must be there is not: nothing is written until the policy has its two polls."""
        state = DISABLED if lost.disabled else MISSING
        keys, was_removed = self.before.keys.get(ref, ()), ref in self.before.removed
        deletes = self.secret.on_vault_delete == "DeleteSecret"
        acts = self._acts_on(lost) and (bool(keys) or was_removed)
        if was_removed and not (deletes and self.before.data):
            is_certain = True  # it was certain then, and there is nothing left to be careful of
        else:
            is_certain = lost.confirmed and not lost.held
        if not (acts and is_certain):
            is_held = acts and lost.held and not was_removed
            self._state(ref, state, keys=keys, blocking=True, **_told(lost, is_held=is_held))
            return
        self.delete = self.delete or deletes
        self.gone = True
        self._state(ref, state, **_told(lost))

    def _lack(self, entry: Entry | None, ref: Ref, lost: Lost) -> None:
        """What may be missing is: its key goes or stays, and it stops nothing once that is sure."""
        state = DISABLED if lost.disabled else MISSING
        keys = self.before.keys.get(ref, ())
        acts = self._acts_on(lost) and bool(keys)
        if ref in self.before.removed or (acts and lost.confirmed and not lost.held):
            if not lost.disabled:
                self.absent[ref] = lost.error
            if entry is not None or acts:
                self._state(ref, state, message=lost.error.message)
        elif keys and self._has(keys):
            # Two entries of one object tell of the same keys.
            kept = [key for key in keys if self.sources.get(key) != ref]
            self._put(ref, {key: self.before.data[key] for key in kept})
            told = _told(lost, is_held=True) if acts and lost.held else _message(lost)
            self._state(ref, state, keys=keys, **told)
        elif keys and self._is_doubtful(lost, acts=acts):
            told = _told(lost, is_held=acts and lost.held)
            self._state(ref, state, keys=keys, blocking=True, **told)
        else:
            self._state(ref, state, **_message(lost))

    def _acts_on(self, lost: Lost) -> bool:
        """Whether the policy is to take out what is gone."""
        return self.secret.on_vault_delete != "Keep" and not lost.disabled

    def _has(self, keys: tuple[str, ...]) -> bool:
        """Whether the Secret has these as the vault gave them, and not as a template made them."""
        texts = self.secret.template.data
        fed = {*self.secret.omit, *(key for key, text in texts.items() if text is None)}
        return all(key in self.before.data and key not in fed for key in keys)

    def _is_doubtful(self, lost: Lost, *, acts: bool) -> bool:
        """Whether another poll may tell otherwise of what cannot be kept as it was."""
        if acts and lost.held:
            return True
        polled = self.secret.refresh == "Periodic"
        return polled and not lost.disabled and not lost.confirmed

    def _put(self, ref: Ref, made: Mapping[str, bytes]) -> None:
        for key, value in made.items():
            other = self.sources.get(key)
            if other is not None:
                message = f"the key {key} would come from {other} and from {ref}"
                self._fail(ref, f"{message} (rename one of them)", Reason.KEY_CONFLICT)
                continue
            self.sources[key] = ref
            self.data[key] = value

    def _fail(self, ref: Ref, message: str, reason: str) -> None:
        # Nothing is written, so its keys stay, and what is known of them.
        keys = self.before.keys.get(ref, ())
        self._state(ref, ERROR, keys=keys, message=message, reason=reason, blocking=True)

    def _state(self, ref: Ref, state: str, found: Found | None = None, **more: Any) -> None:
        known = [index for index, one in enumerate(self.states) if one.ref == ref]
        version = found.version if found else self.before.versions.get(ref, "")
        line = ObjectState(ref, state, found=found, version=version, **more)
        if not known:
            self.states.append(line)
            return
        # Two entries of one object share a line; what is worse is told.
        other = self.states[known[0]]
        worse = line if line.blocking or (line.reason and not other.blocking) else other
        keys = tuple(dict.fromkeys((*other.keys, *line.keys)))
        self.states[known[0]] = replace(worse, keys=keys)


def _told(lost: Lost, *, is_held: bool = False) -> dict[str, Any]:
    if is_held:
        return {"message": f"{lost.error.message}, {_HELD}", "reason": Reason.FUSE}
    return {"message": lost.error.message, "reason": lost.error.reason}


def _message(lost: Lost) -> dict[str, Any]:
    """Of what may come and go: no reason to be anything but good."""
    return {"message": lost.error.message}


def _named(entry: ExpandEntry, made: Values) -> Values:
    """The fields under the keys that ``rename`` and ``case`` make of their names."""
    if not (entry.rename or entry.case):
        return made
    if len(made) > _MAX_FIELDS:
        raise BadValueError(f"has more than {_MAX_FIELDS} fields to rename")
    named = {names.key_for(entry, field): value for field, value in made.items()}
    if len(named) < len(made):
        raise BadValueError("gives one key of two of its fields", hint="rename one of them")
    return named


def _checked(made: Values, ref: Ref) -> Values:
    for key in made:
        if not is_secret_key(key):
            raise BadValueError(
                "gives a key that no Secret can have: letters, digits, '-', '_' and '.' only",
                hint="give it another by rename or case",
            )
    return made
