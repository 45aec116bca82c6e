"""Which member a share of the work belongs to: rendezvous hashing, values only.

Every member computes the same from the same list of members, and asks nobody. When one comes or
goes, only the shares that are its own move. Source: Thaler and Ravishankar, "Using name-based
mappings to increase hit rates", IEEE/ACM Transactions on Networking 6 (1998).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def owner(share: str, members: Iterable[str]) -> str:
    """Return the member that has a share: an object's UID, a vault, a duty. Empty: nobody has."""
    return max(members, key=lambda member: (_weight(share, member), member), default="")


def _weight(share: str, member: str) -> bytes:
    # Keyed by the share, so that no text is both the end of one and the beginning of the other.
    key = hashlib.blake2b(share.encode(), digest_size=16).digest()
    return hashlib.blake2b(member.encode(), digest_size=8, key=key).digest()
