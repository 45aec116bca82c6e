"""Which sealing keys may go: those that nothing needs."""

from __future__ import annotations

from collections.abc import Sequence

from sealer.cluster.keysecrets import StoredKey, newest
from sealer.keys.custody import ACTIVE
from sealer.rotation.usage import Need


def unused(keys: list[StoredKey], found: Sequence[Need]) -> list[StoredKey]:
    """The active keys that nothing in ``found`` needs; never the one that seals now.

    A key that cannot be read, or has no certificate, is needed: nobody can say it is not.
    """
    needed = {need.fingerprint for need in found} | {need.key_name for need in found}
    current = newest(keys)
    return [
        key
        for key in keys
        if key.state == ACTIVE and key.pair and key.fingerprint and key is not current
        if not {key.fingerprint, key.name} & needed
    ]
