"""What a vault holds: objects with their versions, tags and attributes; and the trash."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

NAME = re.compile(r"[0-9A-Za-z-]{1,127}", re.ASCII)
MAX_VALUE = 25 * 1024
"""Bytes."""
KINDS = ("secrets", "keys", "certificates")
_RETENTION_DAYS = 90
_DAY = 86400


@dataclass
class Version:
    """One version of one object."""

    id: str
    value: str
    created: int
    updated: int
    content_type: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    enabled: bool = True
    nbf: int | None = None
    exp: int | None = None
    managed: bool = False
    key: dict[str, Any] | None = None
    """The public JWK of a key."""

    def attributes(self) -> dict[str, Any]:
        """As the REST API writes them."""
        dates = {"nbf": self.nbf, "exp": self.exp}
        return {
            "enabled": self.enabled,
            "created": self.created,
            "updated": self.updated,
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": _RETENTION_DAYS,
            **{name: stamp for name, stamp in dates.items() if stamp is not None},
        }


@dataclass
class Thing:
    """One object: the versions in the order they were made."""

    name: str
    versions: list[Version]
    deleted: int = 0
    """When, while it is in the trash."""

    @property
    def latest(self) -> Version:
        return self.versions[-1]

    @property
    def purge(self) -> int:
        """When the service itself would purge it."""
        return self.deleted + _RETENTION_DAYS * _DAY


Collection = dict[str, Thing]


@dataclass
class Store:
    """A vault. Names are case-insensitive, as the service's are."""

    name: str
    tenant: str
    now: Callable[[], float]
    live: dict[str, Collection] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    deleted: dict[str, Collection] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    rights: dict[str, set[str]] = field(default_factory=dict)
    """Client id -> ``secrets/get``, ``secrets/list``, ``keys/get`` and so on."""
    denial: str = "ForbiddenByRbac"
    """``innererror.code`` where a right is missing; AccessDenied with access policies."""
    page_sizes: list[int] = field(default_factory=list)
    """Of the next pages, where smaller than asked for: the service promises no full pages."""
    disabled_is_404: bool = False
    """Some calls of the service answer 404 for a disabled object."""

    def grant(self, client: str, *rights: str) -> None:
        """Give a client rights; ``Key Vault Secrets User`` is secrets/get and secrets/list."""
        self.rights.setdefault(client, set()).update(rights or ("secrets/get", "secrets/list"))

    def set_secret(self, name: str, value: str, **attributes: Any) -> Version:
        """Make a new version of a secret, the first included."""
        if not NAME.fullmatch(name) or len(value.encode()) > MAX_VALUE:
            raise ValueError("a name or value that the service refuses")
        return self._add("secrets", name, value, **attributes)

    def set_certificate(
        self, name: str, value: bytes | str, *, cer: bytes = b"", **attributes: Any
    ) -> Version:
        """Make a certificate, and the secret and key of the same name that hold its halves.

        ``value`` is the secret's: a PFX or a PEM text; ``cer`` the leaf in DER.
        """
        pem = isinstance(value, str)
        text = value if isinstance(value, str) else base64.b64encode(value).decode()
        kind = "application/x-pem-file" if pem else "application/x-pkcs12"
        version = self._add("secrets", name, text, content_type=kind, managed=True, **attributes)
        twin = self._add("certificates", name, base64.b64encode(cer).decode(), **attributes)
        twin.id = version.id
        if cer:
            public = x509.load_der_x509_certificate(cer).public_key()
            assert isinstance(public, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey))
            self.set_key(name, public, managed=True, **attributes).id = version.id
        return version

    def set_key(
        self,
        name: str,
        key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey | None,
        *,
        hsm: bool = False,
        **attributes: Any,
    ) -> Version:
        """Make a key; only its public half is ever given out. None is a symmetric one."""
        version = self._add("keys", name, "", **attributes)
        version.key = _jwk(key) if key is not None else {"kty": "oct"}
        version.key["kty"] += "-HSM" if hsm else ""
        return version

    def update(self, name: str, kind: str = "secrets", **attributes: Any) -> None:
        """Change attributes of the newest version."""
        latest = self.live[kind][name.lower()].latest
        for key, value in attributes.items():
            setattr(latest, key, value)
        latest.updated = int(self.now())

    def delete(self, name: str, kind: str = "secrets") -> None:
        """Soft delete; a certificate goes with its secret and key."""
        for one in self._with_twins(name, kind, self.live):
            thing = self.deleted[one][name.lower()] = self.live[one].pop(name.lower())
            thing.deleted = int(self.now())

    def recover(self, name: str, kind: str = "secrets") -> None:
        """Take it back."""
        for one in self._with_twins(name, kind, self.deleted):
            thing = self.live[one][name.lower()] = self.deleted[one].pop(name.lower())
            thing.deleted = 0

    def purge(self, name: str, kind: str = "secrets") -> None:
        """Delete it for good."""
        for one in self._with_twins(name, kind, self.deleted):
            del self.deleted[one][name.lower()]

    def _with_twins(self, name: str, kind: str, where: dict[str, Collection]) -> list[str]:
        kinds = KINDS if kind == "certificates" else (kind,)
        return [one for one in kinds if name.lower() in where[one]]

    def _add(self, kind: str, name: str, value: str, **attributes: Any) -> Version:
        if name.lower() in self.deleted[kind]:
            raise ValueError("deleted but recoverable: the name is taken")
        stamp = int(self.now())
        version = Version(secrets.token_hex(16), value, stamp, stamp, **attributes)
        thing = self.live[kind].setdefault(name.lower(), Thing(name, []))
        thing.versions.append(version)
        return version


def _jwk(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> dict[str, Any]:
    def number(value: int, size: int) -> str:
        return base64.urlsafe_b64encode(value.to_bytes(size, "big")).rstrip(b"=").decode()

    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        size = (key.key_size + 7) // 8
        return {"kty": "RSA", "n": number(numbers.n, size), "e": number(numbers.e, 3)}
    point = key.public_numbers()
    size = (key.curve.key_size + 7) // 8
    names = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
    curve = {**names, "secp256k1": "P-256K"}[key.curve.name]
    return {"kty": "EC", "crv": curve, "x": number(point.x, size), "y": number(point.y, size)}
