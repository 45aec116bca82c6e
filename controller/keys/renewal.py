"""When a new sealing key is due, and the Secret that holds one: values only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from controller.keys.store import SealingKey
from sealer.keys import keyfile
from sealer.keys.custody import ACTIVE, KEY_LABEL
from sealer.keys.pair import KeyPair

# Kubernetes makes the ends of generated names of these: no word comes of them.
# Source: k8s.io/apimachinery ``util/rand``.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_NAME_END = 5
KEY_SELECTOR = f"{KEY_LABEL}={ACTIVE}"


def next_renewal(
    newest: datetime | None, period: timedelta, cutoff: datetime | None, *, now: datetime
) -> timedelta | None:
    """Return the time until a new key is due, zero for at once, None for never.

    ``newest`` is the ordering time of the newest key, None where there is no key at all. A
    ``period`` of zero or less switches the timer off; ``cutoff`` asks for a key made after it.
    """
    if newest is None or (cutoff is not None and newest < cutoff):
        return timedelta(0)
    if period <= timedelta(0):
        return None
    return max(timedelta(0), period - (now - newest))


def successor_name(prefix: str, before: str, attempt: int) -> str:
    """Return the name of the key Secret that follows on the key with the fingerprint ``before``.

    It is the same for every controller that finds a new key due, so that only one of them can make
    it. ``attempt`` counts the names that turned out to be taken by another Secret.
    """
    number = int.from_bytes(hashlib.sha256(f"{before}/{attempt}".encode()).digest())
    end = ""
    for _ in range(_NAME_END):
        number, place = divmod(number, len(_ALPHABET))
        end += _ALPHABET[place]
    return prefix + end


def is_renewal(before: SealingKey | None, newest: SealingKey) -> bool:
    """Whether another key seals now than ``before``, and a newer one.

    A key that comes back from a backup behind the newest is none, and neither is the one that is
    the newest again since a newer was deleted.
    """
    if before is None:
        return True
    return newest.pair.fingerprint != before.pair.fingerprint and newest.ordered >= before.ordered


def key_secret(
    pair: KeyPair,
    *,
    prefix: str,
    namespace: str,
    name: str = "",
    labels: Sequence[tuple[str, str]] = (),
    annotations: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Return the manifest of a key Secret as the peer writes it, with the admin's metadata.

    Without a ``name`` the API server makes one of the prefix.
    """
    secret = keyfile.key_secret(pair, prefix=prefix, namespace=namespace)
    metadata = secret["metadata"]
    if name:
        # The prefix stays beside it: seal rotate takes it from here.
        metadata["name"] = name
    # The label that makes it a sealing key is nobody's to overwrite.
    metadata["labels"] = {**dict(labels), **metadata["labels"]}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return secret
