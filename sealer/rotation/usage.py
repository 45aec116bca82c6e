"""Which key each SealedSecret needs, proven by opening it; values are opened and dropped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sealer.errors import SealerError
from sealer.keys.ring import KeyRing
from sealer.sealed import SealedSecret
from sealer.unsealing import open_item


class UnopenedError(SealerError):
    """An item that no key of the ring opens: it needs none of them."""


@dataclass(frozen=True, slots=True)
class Need:
    """One SealedSecret, and one key that some of its items need."""

    fingerprint: str
    """Of the key's certificate; empty where no key opens it."""
    key_name: str
    where: str
    """``file:line``, or ``cluster``."""
    title: str
    """``SealedSecret prod/db``."""
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A SealedSecret and where it is."""

    where: str
    title: str
    sealed: SealedSecret


def needs(found: Iterable[Found], ring: KeyRing) -> Iterator[Need | UnopenedError]:
    """Yield what each needs, and an error with its place for each item that no key opens.

    One bad item never hides what the others need.
    """
    for one in found:
        by_key: dict[tuple[str, str], list[str]] = {}
        try:
            bound = one.sealed.label()
        except SealerError as error:
            yield _located(one, error)
            continue
        for key, item in _items(one.sealed):
            try:
                _, pair = open_item(item, ring, bound, key=key, prefer=one.sealed.fingerprint)
            except SealerError as error:
                yield _located(one, SealerError(f"{key}: {error.message}", hint=error.hint))
                continue
            by_key.setdefault((pair.fingerprint, pair.name), []).append(key)
        for (fingerprint, name), keys in by_key.items():
            yield Need(fingerprint, name, one.where, one.title, tuple(sorted(keys)))


def _items(sealed: SealedSecret) -> list[tuple[str, str]]:
    if sealed.legacy_data and not sealed.encrypted_data:
        return [("data", sealed.legacy_data)]
    return list(sealed.encrypted_data.items())


def _located(one: Found, error: SealerError) -> UnopenedError:
    return UnopenedError(f"{one.where}: {one.title}: {error.message}", hint=error.hint)
