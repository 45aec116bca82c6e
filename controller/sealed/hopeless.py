"""PURE: items that no key of a ring opens, remembered so that no retry costs what the first did."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field

from sealer.errors import NoKeyError, UnsealError
from sealer.keys.pair import KeyPair
from sealer.keys.ring import KeyRing

ROOM = 50_000
_Digests = OrderedDict[bytes, UnsealError]


@dataclass(frozen=True, slots=True)
class WaryRing(KeyRing):
    """A ring that tries an item once; of ``ROOM`` that failed it remembers a digest each."""

    failed: _Digests = field(default_factory=OrderedDict, repr=False, compare=False)

    def open(
        self, ciphertext: bytes, label: bytes, *, prefer: str | KeyPair = ""
    ) -> tuple[bytes, KeyPair]:
        digest = hashlib.sha256(len(label).to_bytes(4, "big") + label + ciphertext).digest()[:16]
        known = self.failed.get(digest)
        if known is not None:
            # A new one each time: a raised error holds the frames that it passed, with values.
            raise type(known)(known.message)
        try:
            return KeyRing.open(self, ciphertext, label, prefer=prefer)
        except UnsealError as error:
            kind = NoKeyError if isinstance(error, NoKeyError) else UnsealError
            self.failed[digest] = kind(error.message)
            if len(self.failed) > ROOM:
                self.failed.popitem(last=False)
            raise


class Wary:
    """The wary ring of the keys that there are now: another ring may open what this one did not."""

    def __init__(self) -> None:
        self._ring = WaryRing(())

    def of(self, ring: KeyRing) -> WaryRing:
        """Return it; what failed is forgotten when a key came or went."""
        if self._ring.keys != ring.keys:
            self._ring = WaryRing(ring.keys)
        return self._ring
