"""What keys and certificates say of an item: opens, opens elsewhere, cannot, or cannot be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sealer import encoding
from sealer.changes.noted import by_key
from sealer.crypto import wrapped_key_bytes
from sealer.errors import NoKeyError, UnsealError
from sealer.keys.certificate import Certificate
from sealer.keys.pair import KeyPair
from sealer.keys.ring import KeyRing
from sealer.sealed import FINGERPRINT_ANNOTATION


class Verdict(Enum):
    """What can be said of one item."""

    OPENS = "a private key opens it"
    ELSEWHERE = "a private key opens it under the name it was sealed for, and only there"
    NO_KEY = "the private keys are all there are, and none opens it"
    UNKNOWN_CERTIFICATE = "no certificate fits"
    UNDECIDED = "nothing speaks against it"


@dataclass(frozen=True, slots=True)
class Certificates:
    """What ``.seal.toml`` says of one path."""

    current: tuple[Certificate, ...] = ()
    accepted: tuple[Certificate, ...] = ()

    @property
    def all(self) -> tuple[Certificate, ...]:
        """Every certificate whose key opens."""
        return (*self.current, *self.accepted)


def no_rule(path: str) -> Certificates:
    """No ``.seal.toml``."""
    return Certificates()


@dataclass(frozen=True)
class Judge:
    """Knows the private keys, the certificates given, and those of each path's rule."""

    keys: tuple[KeyPair, ...] = field(default=(), repr=False)
    certificates: tuple[Certificate, ...] = ()
    rule: Callable[[str], Certificates] = no_rule

    def item(
        self,
        path: str,
        item: str,
        manifest: Mapping[str, Any],
        final: bytes | None,
        sealed_for: Sequence[bytes | None],
    ) -> Verdict:
        """Judge one base64 item under the label it will have and those it may be sealed for."""
        try:
            ciphertext = encoding.decode(item)
            size = wrapped_key_bytes(ciphertext)
        except (ValueError, UnsealError):
            # Not a sealed value at all: a rule of its own tells that.
            return Verdict.UNDECIDED
        certificates = self._certificates(path)
        keys = self._keys(path)
        if keys:
            ring = KeyRing(keys)
            if final is not None and _opens(ring, ciphertext, final):
                return Verdict.OPENS
            if any(one is not None and _opens(ring, ciphertext, one) for one in sealed_for):
                return Verdict.ELSEWHERE if final is not None else Verdict.UNDECIDED
        if not keys and not certificates:
            return Verdict.UNDECIDED
        held = [one for one in certificates if any(key.fits(one) for key in keys)]
        others = [one for one in certificates if one not in held]
        noted = _noted_for(manifest, item)
        if any(one.fingerprint == noted and _size(one) != size for one in certificates):
            noted = ""  # the item itself says otherwise
        if any(_fits(one, noted, size) for one in others):
            return Verdict.UNDECIDED
        if keys and (not certificates or any(_fits(one, noted, size) for one in held)):
            return Verdict.NO_KEY
        return Verdict.UNKNOWN_CERTIFICATE

    def superseded_by(self, path: str, manifest: Mapping[str, Any]) -> Certificate | None:
        """The newer certificate that replaces the one noted on a SealedSecret, if one does."""
        noted = _noted(manifest)
        rule = self.rule(path)
        if any(one.fingerprint in noted for one in rule.accepted):
            return _newest(rule.current)
        if rule.current:
            return None
        known = [*self.certificates, *(key.certificate for key in self.keys if key.certificate)]
        newest = _newest(known)
        mine = [one for one in known if one.fingerprint in noted]
        if newest and any(one.not_before < newest.not_before for one in mine):
            return newest
        return None

    def known(self, path: str) -> str:
        """Words about the certificates that were looked at."""
        count = len(self._certificates(path))
        return f" ({count} known)" if count else ""

    def _certificates(self, path: str) -> tuple[Certificate, ...]:
        return (*self.rule(path).all, *self.certificates)

    def _keys(self, path: str) -> tuple[KeyPair, ...]:
        """A rule narrows the keys: what another cluster opens is of no use here."""
        rule = self.rule(path).all
        if not rule:
            return self.keys
        return tuple(key for key in self.keys if any(key.fits(one) for one in rule))


def _opens(ring: KeyRing, ciphertext: bytes, bound: bytes) -> bool:
    try:
        ring.open(ciphertext, bound)
    except (NoKeyError, UnsealError):
        return False
    return True


def _fits(certificate: Certificate, noted: str, size: int) -> bool:
    if noted:
        return certificate.fingerprint == noted
    return _size(certificate) == size


def _size(certificate: Certificate) -> int:
    return (certificate.bits + 7) // 8


def _noted(manifest: Mapping[str, Any]) -> set[str]:
    """The certificates that the annotation names, of whatever item."""
    return {one for one in by_key(_annotation(manifest), _items(manifest)).values() if one}


def _noted_for(manifest: Mapping[str, Any], item: str) -> str:
    """The certificate that the annotation names for an item; empty for one of somewhere else."""
    items = _items(manifest)
    found = by_key(_annotation(manifest), items)
    return next((found[key] for key, one in items.items() if one == item), "")


def _items(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    spec = manifest.get("spec")
    items = spec.get("encryptedData") if isinstance(spec, dict) else None
    return items if isinstance(items, dict) else {}


def _annotation(manifest: Mapping[str, Any]) -> str:
    metadata = manifest.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    text = annotations.get(FINGERPRINT_ANNOTATION) if isinstance(annotations, dict) else None
    return text if isinstance(text, str) else ""


def _newest(certificates: Sequence[Certificate]) -> Certificate | None:
    return max(certificates, key=lambda one: one.not_before, default=None)
