"""Which keys of which SealedSecrets changed between two states of some files; never a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sealer.changes.summary import Summary, sealed_in, summarize
from sealer.errors import SealerError


@dataclass(frozen=True, slots=True)
class Change:
    """One SealedSecret that is not what it was."""

    path: str
    title: str
    state: str
    """``added``, ``removed``, ``changed``, ``re-encrypted``, ``not sealed`` or ``unreadable``."""
    lines: tuple[tuple[str, str, str], ...] = ()
    """What, how (``added``, ``removed``, ``changed``), and details such as sizes."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A file before and after; None where it is not there."""

    path: str
    before: str | None
    after: str | None


def compare(pairs: Iterable[Pair], salt: bytes) -> Iterator[Change]:
    """Yield what changed, file by file. ``salt`` must be random: it keys digests of clear text."""
    for pair in pairs:
        try:
            old, _ = _read(pair.before, pair.path, salt)
            new, raw = _read(pair.after, pair.path, salt)
        except SealerError as error:
            yield Change(pair.path, error.message, "unreadable")
            continue
        yield from (Change(pair.path, title, "not sealed") for title in raw)
        for place in {**old, **new}:
            yield from _one(pair.path, old.get(place), new.get(place))


def _read(
    text: str | None, path: str, salt: bytes
) -> tuple[dict[tuple[str, str], Summary], list[str]]:
    found = sealed_in(text or "", path)
    raw = [one for one in found if isinstance(one, str)]
    sealed = [summarize(one, salt) for one in found if not isinstance(one, str)]
    return {(one.namespace, one.name): one for one in sealed}, raw


def _one(path: str, old: Summary | None, new: Summary | None) -> Iterator[Change]:
    if old == new:
        return
    known = new or old
    assert known is not None  # noqa: S101 they differ
    title = f"SealedSecret {known.title}"
    if old is None or new is None:
        state = "added" if new else "removed"
        lines = tuple((key, state, _size(item.size)) for key, item in known.items.items())
        yield Change(path, title, state, lines)
        return
    keys, facts = list(_keys(old, new)), list(_facts(old, new))
    same_sizes = all(
        key in new.items and new.items[key].size == item.size and new.items[key] != item
        for key, item in old.items.items()
    )
    all_new = same_sizes and old.items.keys() == new.items.keys() and not facts and len(keys) > 1
    yield Change(path, title, "re-encrypted" if all_new else "changed", (*keys, *facts))


def _keys(old: Summary, new: Summary) -> Iterator[tuple[str, str, str]]:
    for key in {**old.items, **new.items}:
        before, after = old.items.get(key), new.items.get(key)
        if before is None and after is not None:
            yield key, "added", _size(after.size)
        elif after is None and before is not None:
            yield key, "removed", _size(before.size)
        elif before and after and before != after:
            sizes = _size(after.size)
            if before.size != after.size:
                sizes = f"{_size(before.size)} → {sizes}"
            yield key, "changed", sizes


def _facts(old: Summary, new: Summary) -> Iterator[tuple[str, str, str]]:
    before: Mapping[str, str] = {"scope": old.scope, **old.facts}
    after: Mapping[str, str] = {"scope": new.scope, **new.facts}
    for what in {**before, **after}:
        if before.get(what) == after.get(what):
            continue
        state = "added" if what not in before else "removed" if what not in after else "changed"
        yield what, state, " → ".join(filter(None, (before.get(what), after.get(what))))


def _size(size: int | None) -> str:
    return "damaged" if size is None else f"{size} bytes"
