"""Is this the certificate that we mean? Judged here once, for everything that writes ciphertext.

Whoever can swap the certificate reads what is sealed with it. What vouches for one, in this order:

- a fingerprint that the user or a rule of ``.seal.toml`` names;
- for a file, whoever keeps that file;
- for a place in the network, what it served before. The first use is believed, and remembered
  outside of any tree; another certificate later is not, unless the known key announced it
  (``sealer.keys.succession``).

Says what it found and asks nobody: that is the command line's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from sealer.cluster.known import KnownPlaces
from sealer.cluster.source import Source
from sealer.errors import SealerError
from sealer.keys.certificate import Certificate
from sealer.keys.succession import announced


class UntrustedError(SealerError):
    """Nothing vouches for the certificate: nothing more is sealed in this run."""


class Standing(Enum):
    """What vouches for a certificate."""

    EXPECTED = "its fingerprint is one that was asked for"
    KEPT = "it is a file"
    KNOWN = "the place served it before"
    FIRST = "nothing is known of the place"
    ANNOUNCED = "the key that is known announced it"
    CHANGED = "the place served another one before"
    UNEXPECTED = "its fingerprint is not one that was asked for"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A certificate, what vouches for it, and the fingerprint that was known or asked for."""

    certificate: Certificate
    standing: Standing
    known: str = ""

    @property
    def is_news(self) -> bool:
        """Whether the user believes something of this place that was not remembered before."""
        return self.standing not in (Standing.KEPT, Standing.KNOWN)


@dataclass(frozen=True, slots=True)
class Authenticity:
    """Judges with what the user's file remembers."""

    places: KnownPlaces

    def judge(self, source: Source, fingerprints: Sequence[str]) -> Judgement:
        """Fetch the certificate and say what vouches for it; nothing is remembered by that."""
        certificate = source.certificate()
        if fingerprints:
            return _expected(source, certificate, fingerprints)
        place = source.place()
        if not place:
            return Judgement(certificate, Standing.KEPT)
        known = self.places.fingerprint(place)
        if not known:
            return Judgement(certificate, Standing.FIRST)
        if known == certificate.fingerprint:
            return Judgement(certificate, Standing.KNOWN, known)
        if announced(source.key_list(), by=known, certificate=certificate):
            return Judgement(certificate, Standing.ANNOUNCED, known)
        return Judgement(certificate, Standing.CHANGED, known)

    def remember(self, source: Source, certificate: Certificate, *, now: datetime) -> None:
        """Believe this place from now on; SealerError where that cannot be kept."""
        if place := source.place():
            self.places.remember(place, certificate.fingerprint, now=now)


def _expected(source: Source, certificate: Certificate, fingerprints: Sequence[str]) -> Judgement:
    if certificate.fingerprint in fingerprints:
        return Judgement(certificate, Standing.EXPECTED, certificate.fingerprint)
    answer = source.key_list()
    for one in fingerprints:
        if announced(answer, by=one, certificate=certificate):
            return Judgement(certificate, Standing.ANNOUNCED, one)
    return Judgement(certificate, Standing.UNEXPECTED, fingerprints[0])
