"""Ciphertext for a new key: a SealedSecret's items opened and sealed again, nothing else touched.

No plaintext leaves this module. The recipient is the caller's certificate and never one that a
manifest names: that would be a decryption oracle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sealer.keys.certificate import Certificate
from sealer.keys.pair import KeyPair
from sealer.keys.ring import KeyRing
from sealer.sealed import SealedSecret
from sealer.sealing import seal_value
from sealer.unsealing import open_item, open_items


def reseal(sealed: SealedSecret, ring: KeyRing, certificate: Certificate) -> dict[str, str]:
    """Return the items that change, by key: those not yet sealed for the certificate's key.

    Keys that share one ciphertext (a YAML alias) share the new one. Raises ManyErrors with one
    UnsealError an item that no key opens; then nothing is to be changed.
    """
    opened = open_items(sealed, ring).items()
    return {key: item for key, item in resealed(sealed, opened, certificate) if item is not None}


def resealed(
    sealed: SealedSecret,
    opened: Iterable[tuple[str, tuple[bytes, KeyPair]]],
    certificate: Certificate,
) -> Iterator[tuple[str, str | None]]:
    """Seal what was opened, an item at a time; None for what is sealed for this key already."""
    bound = sealed.label()
    fresh: dict[str, str] = {}
    for key, (plaintext, pair) in opened:
        item = sealed.encrypted_data[key]
        if pair.fits(certificate):
            yield key, None
            continue
        if item not in fresh:
            fresh[item] = seal_value(plaintext, certificate, bound)
        yield key, fresh[item]


def reseal_legacy(sealed: SealedSecret, ring: KeyRing, certificate: Certificate) -> str | None:
    """Return the new ``spec.data`` of a SealedSecret from before 2018, None if it may stay."""
    if not sealed.legacy_data:
        return None
    bound = sealed.label()
    plaintext, pair = open_item(sealed.legacy_data, ring, bound, key="data")
    return None if pair.fits(certificate) else seal_value(plaintext, certificate, bound)


def keys_in_use(sealed: SealedSecret, ring: KeyRing) -> dict[str, KeyPair]:
    """Return which key pair opens each item, by the item's key; raises as ``reseal`` does."""
    if sealed.legacy_data and not sealed.encrypted_data:
        return {"data": open_item(sealed.legacy_data, ring, sealed.label(), key="data")[1]}
    return {key: pair for key, (_, pair) in open_items(sealed, ring).items()}
