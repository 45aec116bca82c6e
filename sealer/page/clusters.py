"""The clusters of a page: a name for people, and a certificate.

The page parses no certificate: key, fingerprint and dates are written as data. The certificate
stands beside them so that whoever checks a page can make the data again from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sealer.encoding import encode
from sealer.errors import SealerError, UsageError
from sealer.keys.certificate import Certificate

MAX_NAME = 100
MAX_WIDELY_USABLE_BITS = 4096
"""WebKit's WebCrypto refuses larger RSA keys."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster that a page seals for."""

    name: str
    certificate: Certificate

    def __post_init__(self) -> None:
        if not 1 <= len(self.name) <= MAX_NAME or not self.name.isprintable():
            raise UsageError(
                "a cluster's name is empty, longer than 100 characters or cannot be printed",
                hint="name it: --cert NAME=FILE",
            )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Cluster:
        """Read name and certificate; the rest follows from them. Raises SealerError."""
        name, der = data.get("name"), data.get("certificate")
        if not isinstance(name, str) or not isinstance(der, str):
            raise SealerError("a cluster has no name or no certificate")
        pem = f"-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n"
        return cls(name, Certificate.from_pem(pem.encode("ascii", "replace")))

    def to_dict(self) -> dict[str, Any]:
        """What the page knows of it; base64 of DER, moments as ISO 8601 in UTC."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        certificate = self.certificate
        spki = certificate.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {
            "name": self.name,
            "fingerprint": certificate.fingerprint,
            "from": _moment(certificate.not_before),
            "until": _moment(certificate.not_after),
            "bits": certificate.bits,
            "spki": encode(spki),
            "certificate": b"".join(certificate.pem.split(b"-----")[2].split()).decode("ascii"),
        }


def named(clusters: Iterable[tuple[str, Certificate]]) -> list[Cluster]:
    """Clusters in their order; those of equal names get eight digits of their fingerprints.

    Raises UsageError for one that is there twice.
    """
    found = list(clusters)
    counts = Counter(name for name, _ in found)
    if len({(name, one.fingerprint) for name, one in found}) < len(found):
        raise UsageError("one certificate was given twice under the same name")
    return [
        Cluster(f"{name} ({one.fingerprint[:8]})" if counts[name] > 1 else name, one)
        for name, one in found
    ]


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
