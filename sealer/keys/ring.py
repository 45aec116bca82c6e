"""Private keys, newest first: the first seals, all are tried in turn to unseal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sealer.crypto import decrypt, wrapped_key_bytes
from sealer.errors import NoKeyError, UnsealError
from sealer.keys.certificate import Certificate
from sealer.keys.pair import KeyPair


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Private keys, newest first: the first seals anew, all unseal."""

    keys: tuple[KeyPair, ...]
    seals: bool = field(default=True, kw_only=True)
    """Whether the first may seal; a controller may hold keys that only unseal."""
    announced: bool = field(default=True, kw_only=True)
    """Whether the others may vouch for the first: not where it came from outside."""

    @property
    def certificate(self) -> Certificate | None:
        """What to seal with; None where no key may."""
        return self.keys[0].certificate if self.keys and self.seals else None

    @classmethod
    def of(cls, keys: Iterable[KeyPair]) -> KeyRing:
        """Order by the certificates' NotBefore, newest first; keys without one come last."""

        def age(pair: KeyPair) -> float:
            return -pair.certificate.not_before.timestamp() if pair.certificate else float("inf")

        return cls(tuple(sorted(keys, key=age)))

    def open(
        self, ciphertext: bytes, label: bytes, *, prefer: str | KeyPair = ""
    ) -> tuple[bytes, KeyPair]:
        """Return the plaintext and the key that opened it.

        Keys of another modulus size are passed over; the key pair ``prefer``, or the one whose
        certificate has this fingerprint, is tried first. Raises NoKeyError when none fits, with
        each key's reason in ``reasons``, and UnsealError when a key fits and the value is damaged.
        """
        size = wrapped_key_bytes(ciphertext)
        reasons: list[tuple[str, str]] = []
        damaged: UnsealError | None = None
        for pair in self._preferring(prefer):
            if (pair.private_key.key_size + 7) // 8 != size:
                reasons.append((pair.name, f"another size than {size * 8} bits"))
                continue
            try:
                return decrypt(pair.private_key, ciphertext, label), pair
            except NoKeyError as error:
                reasons.append((pair.name, error.message))
            except UnsealError as error:
                damaged = error
        if damaged:
            raise damaged
        raise NoKeyError("no key could decrypt it", reasons=tuple(reasons))

    def _preferring(self, prefer: str | KeyPair) -> Iterable[KeyPair]:
        if not prefer:
            return self.keys
        return sorted(self.keys, key=lambda pair: pair is not prefer and pair.fingerprint != prefer)
