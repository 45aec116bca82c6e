"""Key Secrets of the controller's own namespace, as an immutable ring that is swapped whole.

One bad key Secret never stops the others: it is told of once, passed over, and read again when
it changes. A deleted or relabelled key Secret takes effect at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sealer import encoding
from sealer.errors import KeyFileError, SealerError
from sealer.keys.custody import filled_by_manifest
from sealer.keys.pair import KeyPair
from sealer.keys.record import KeyRecord, only_unseals
from sealer.keys.ring import KeyRing


@dataclass(frozen=True, slots=True)
class SealingKey:
    """One key with the time that orders it."""

    pair: KeyPair
    ordered: datetime
    created: datetime
    only_unseals: bool = False
    """Whether its Secret says so."""
    seals: bool = True
    """Whether it may be handed out to seal for."""
    adopted: bool = False
    """Whether it came from outside, and nobody said that it is known."""


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys at one moment, newest first; those that only unseal come last."""

    keys: tuple[SealingKey, ...] = ()

    @property
    def ring(self) -> KeyRing:
        """What unseals."""
        pairs = tuple(key.pair for key in self.keys)
        newest = self.newest
        announced = newest is not None and not newest.adopted
        return KeyRing(pairs, seals=newest is not None, announced=announced)

    @property
    def newest(self) -> SealingKey | None:
        """What seals; None before there is a key that may."""
        return self.keys[0] if self.keys and self.keys[0].seals else None


class KeyStore:
    """The keys by their Secret's name; ``on_change`` is told of every new ring."""

    def __init__(
        self,
        *,
        priority: str,
        on_change: Callable[[Keys], None],
        on_bad: Callable[[Mapping[str, Any], str], None],
    ) -> None:
        self._priority = priority
        self._on_change, self._on_bad = on_change, on_bad
        self._by_name: dict[str, SealingKey] = {}
        self._bad: dict[str, str] = {}
        self._record: KeyRecord | None = None
        self._keys = Keys()
        self._ring = KeyRing(())

    @property
    def keys(self) -> Keys:
        """The keys now."""
        return self._keys

    @property
    def ring(self) -> KeyRing:
        """The ring now; the same object until a key comes or goes."""
        return self._ring

    @property
    def names(self) -> Set[str]:
        """Of the key Secrets there are, usable or not."""
        return self._by_name.keys() | self._bad.keys()

    @property
    def bad(self) -> Mapping[str, str]:
        """What is wrong with each key Secret that cannot be used, by its name."""
        return self._bad

    def put(self, secret: Mapping[str, Any]) -> None:
        """Take a key Secret, new or changed."""
        if self._take(secret):
            self._swap()

    def replace(self, secrets: Iterable[Mapping[str, Any]]) -> None:
        """Take all key Secrets there are after a list; whatever is not in it went unseen.

        One change, however many they are.
        """
        names, changed = set[str](), False
        for secret in secrets:
            names.add(secret["metadata"]["name"])
            changed |= self._take(secret)
        for name in (self._by_name.keys() | self._bad.keys()) - names:
            self._bad.pop(name, None)
            changed |= self._by_name.pop(name, None) is not None
        if changed:
            self._swap()

    def remove(self, name: str) -> None:
        """A key Secret is gone, or is a key no more."""
        self._bad.pop(name, None)
        if self._by_name.pop(name, None) is not None:
            self._swap()

    def let_seal(self, record: KeyRecord) -> None:
        """Let no keys seal but those of the record from now on, whichever come."""
        self._record = record
        if any(self._admitted(key) != key for key in self._keys.keys):
            self._swap()

    def _admitted(self, key: SealingKey) -> SealingKey:
        """The key with what it may do."""
        if self._record is None:
            return key
        fingerprint = key.pair.fingerprint
        seals = fingerprint in self._record.sealing
        return replace(key, seals=seals, adopted=fingerprint in self._record.adopted)

    def _take(self, secret: Mapping[str, Any]) -> bool:
        """Read it, and tell whether the keys are others now."""
        name = secret["metadata"]["name"]
        try:
            key = read_key(secret, self._priority)
        except SealerError as error:
            told = self._bad.get(name)
            self._bad[name] = error.message
            if told != error.message:
                self._on_bad(secret, error.message)
            return self._by_name.pop(name, None) is not None
        self._bad.pop(name, None)
        if self._by_name.get(name) == key:
            return False
        self._by_name[name] = key
        return True

    def _swap(self) -> None:
        # Of two keys of one second the one that came later is the newer.
        latest_first = [self._admitted(key) for key in reversed(self._by_name.values())]
        order = sorted(latest_first, key=lambda key: (key.seals, key.ordered), reverse=True)
        self._keys = Keys(tuple(order))
        self._ring = self._keys.ring
        self._on_change(self._keys)


def read_key(secret: Mapping[str, Any], priority: str) -> SealingKey:
    """Read a key Secret; KeyFileError names the field, and never a byte of it."""
    if filled_by_manifest(secret):
        raise KeyFileError("a SealedSecret or a KeyVaultSecret fills it, whose author knows it")
    data = secret.get("data") or {}
    parts = {}
    for field in ("tls.key", "tls.crt"):
        try:
            parts[field] = encoding.decode(data[field])
        except KeyError:
            raise KeyFileError(f"{field} is missing") from None
        except ValueError as error:
            raise KeyFileError(f"{field}: {error}") from None
    pair = replace(
        KeyPair.from_pem(parts["tls.key"], parts["tls.crt"]), name=secret["metadata"]["name"]
    )
    assert pair.certificate is not None  # noqa: S101 from_pem was given one
    created = secret["metadata"].get("creationTimestamp")
    return SealingKey(
        pair=pair,
        ordered=key_times(secret, pair, priority),
        created=datetime.fromisoformat(created) if created else pair.certificate.not_before,
        only_unseals=only_unseals(secret),
    )


def key_times(secret: Mapping[str, Any], pair: KeyPair, priority: str) -> datetime:
    """Return the time that orders a key: its certificate's NotBefore, or its Secret's creation."""
    created = secret["metadata"].get("creationTimestamp")
    if priority == "SecretCreationTimestamp" and created:
        return datetime.fromisoformat(created)
    assert pair.certificate is not None  # noqa: S101 key Secrets hold both
    return pair.certificate.not_before
