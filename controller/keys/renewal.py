"""When a new sealing key is due, and the Secret that holds one: values only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sealer.keys import keyfile
from sealer.keys.custody import ACTIVE, KEY_LABEL
from sealer.keys.pair import KeyPair

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


def key_secret(
    pair: KeyPair,
    *,
    prefix: str,
    namespace: str,
    labels: Sequence[tuple[str, str]] = (),
    annotations: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Return the manifest of a key Secret as the peer writes it, with the admin's metadata."""
    secret = keyfile.key_secret(pair, prefix=prefix, namespace=namespace)
    metadata = secret["metadata"]
    # The label that makes it a sealing key is nobody's to overwrite.
    metadata["labels"] = {**dict(labels), **metadata["labels"]}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return secret
