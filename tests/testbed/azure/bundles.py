"""What the REST reference says that objects look like, in lists, on their own and in the trash."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.testbed.azure.store import Thing, Version

Json = dict[str, Any]
_KEY_OPS = {
    "RSA": ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"],
    "EC": ["sign", "verify"],
    "oct": ["encrypt", "decrypt", "wrapKey", "unwrapKey"],
}


def item(url: str, kind: str, thing: Thing, version: Version, *, with_version: bool) -> Json:
    """SecretItem, KeyItem or CertificateItem: a row of a list; no value."""
    place = f"{url}/{kind}/{thing.name}"
    row: Json = {
        "kid" if kind == "keys" else "id": f"{place}/{version.id}" if with_version else place,
        "attributes": _attributes(kind, version),
    }
    if version.tags:
        row["tags"] = version.tags
    if version.content_type and kind == "secrets":
        row["contentType"] = version.content_type
    if version.managed and kind != "certificates":
        row["managed"] = True
    if kind == "certificates":
        row |= _leaf(version)
    return row


def bundle(url: str, kind: str, thing: Thing, version: Version, *, value: bool = True) -> Json:
    """SecretBundle, KeyBundle or CertificateBundle: one version of an object.

    A secret's ``value`` is told by get and set, not by update, delete and recover.
    """
    row = item(url, kind, thing, version, with_version=True)
    if kind == "secrets":
        if value:
            row["value"] = version.value
        if version.managed:
            row["kid"] = f"{url}/keys/{thing.name}/{version.id}"
        return row
    if kind == "keys":
        key = version.key or {}
        told = {"kid": row.pop("kid"), **key, "key_ops": _KEY_OPS[key["kty"].split("-")[0]]}
        return {"key": told, **row}
    row.pop("subject", None)
    return {
        **row,
        "kid": f"{url}/keys/{thing.name}/{version.id}",
        "sid": f"{url}/secrets/{thing.name}/{version.id}",
        "cer": version.value,
        "policy": {
            "id": f"{url}/certificates/{thing.name}/policy",
            "issuer": {"name": "Unknown"},
            "attributes": _attributes(kind, version),
        },
    }


def deleted(url: str, kind: str, thing: Thing, body: Json) -> Json:
    """Add what the trash knows of a bundle or item."""
    return {
        **body,
        "recoveryId": f"{url}/deleted{kind}/{thing.name}",
        "deletedDate": thing.deleted,
        "scheduledPurgeDate": thing.purge,
    }


def previous(thing: Thing, version: Version) -> Json:
    """Which version was before this one; told from api-version 2025-07-01 on."""
    place = thing.versions.index(version)
    return {"previousVersion": thing.versions[place - 1].id} if place else {}


def _attributes(kind: str, version: Version) -> Json:
    told = version.attributes()
    return {**told, "exportable": False} if kind == "keys" else told


def _leaf(version: Version) -> Json:
    if not version.value:
        return {}
    certificate = x509.load_der_x509_certificate(base64.b64decode(version.value))
    der = certificate.public_bytes(Encoding.DER)
    print_ = hashlib.sha1(der, usedforsecurity=False).digest()
    return {
        "x5t": base64.urlsafe_b64encode(print_).rstrip(b"=").decode(),
        "subject": certificate.subject.rfc4514_string(),
    }
