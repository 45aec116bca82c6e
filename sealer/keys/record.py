"""PURE: what a controller remembers of the sealing keys that it has seen, in a Secret of its own.

Whoever may create a Secret beside the controller can bring a key whose private half he has. So a
key that is not remembered came from outside, whenever that was; and one that only unseals is never
handed out to seal for. The Secret holds fingerprints, and nothing that is secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sealer import encoding

RECORD_NAME = "sealed-secrets-key-record"
ONLY_UNSEALS = "sealer.dev/only-unseals"
"""The annotation of a key Secret that was restored: it does not seal before somebody says so."""
TRUSTED = "sealer.dev/trusted"
"""When somebody said so."""
SEALING, UNSEALING, ADOPTED = "sealing", "unsealing", "adopted"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """Fingerprints of certificates: which may seal, and which were seen and only unseal."""

    sealing: frozenset[str] = frozenset()
    unsealing: frozenset[str] = frozenset()
    adopted: frozenset[str] = frozenset()
    """Of ``sealing``: those from outside, for which no older key vouches."""

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> KeyRecord:
        """Read the Secret; what cannot be read in it is not remembered."""
        data = manifest.get("data")
        fields = data if isinstance(data, dict) else {}
        return cls(*(_lines(fields.get(name)) for name in (SEALING, UNSEALING, ADOPTED)))

    def knows(self, fingerprint: str) -> bool:
        """Whether it was seen before."""
        return fingerprint in self.sealing or fingerprint in self.unsealing

    def having(self, fingerprint: str, *, seals: bool) -> KeyRecord:
        """The record with one more, as an admin wants it; what may seal goes on doing so."""
        one = frozenset({fingerprint})
        if seals:
            return KeyRecord(self.sealing | one, self.unsealing - one, self.adopted - one)
        return replace(self, unsealing=self.unsealing | (one - self.sealing))

    def adopting(self, fingerprint: str, *, seals: bool) -> KeyRecord:
        """The record with one more that came from outside."""
        made = self.having(fingerprint, seals=seals)
        return replace(made, adopted=made.adopted | {fingerprint}) if seals else made

    def joined(self, other: KeyRecord) -> KeyRecord:
        """The record with what another one knows besides; of a key in both, this one's word."""
        sealing = self.sealing | (other.sealing - self.unsealing)
        adopted = self.adopted | (other.adopted & (sealing - self.sealing))
        return KeyRecord(sealing, self.unsealing | (other.unsealing - sealing), adopted)

    def data(self) -> dict[str, str]:
        """The Secret's data."""
        named = {SEALING: self.sealing, UNSEALING: self.unsealing, ADOPTED: self.adopted}
        return {name: _text(fingerprints) for name, fingerprints in named.items()}

    def manifest(self, namespace: str) -> dict[str, Any]:
        """The Secret, to be created."""
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": RECORD_NAME, "namespace": namespace},
            "type": "Opaque",
            "data": self.data(),
        }


def only_unseals(secret: Mapping[str, Any]) -> bool:
    """Whether a key Secret says of itself that it does not seal."""
    annotations = secret["metadata"].get("annotations") or {}
    return annotations.get(ONLY_UNSEALS) == "true"


def _lines(text: object) -> frozenset[str]:
    try:
        return frozenset(encoding.decode(str(text or "")).decode("ascii").split())
    except (ValueError, UnicodeDecodeError):
        return frozenset()


def _text(fingerprints: frozenset[str]) -> str:
    return encoding.encode("".join(f"{one}\n" for one in sorted(fingerprints)).encode())
