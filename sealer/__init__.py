"""Seal Kubernetes Secrets for Git and unseal them again, as Bitnami Sealed Secrets does.

>>> from datetime import UTC, datetime, timedelta
>>> from sealer import KeyRing, Secret, generate, seal, unseal
>>> pair = generate(now=datetime.now(UTC), validity=timedelta(days=3650), bits=2048)
>>> secret = Secret(name="db", namespace="prod", data={"password": b"s3cr3t"})
>>> sealed = seal(secret, pair.certificate)
>>> sorted(sealed.to_dict()["spec"]["encryptedData"])
['password']
>>> unseal(sealed, KeyRing.of([pair])).data["password"]
b's3cr3t'

Names are loaded on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sealer.errors import (
        KeyFileError,
        ManifestError,
        ManyErrors,
        NoKeyError,
        SealerError,
        TemplateError,
        UnsealError,
        UsageError,
    )
    from sealer.keys.certificate import Certificate
    from sealer.keys.keyfile import read_keys
    from sealer.keys.pair import KeyPair, SealingKeyPair, generate
    from sealer.keys.ring import KeyRing
    from sealer.manifest import Document, Resource, read_documents, to_json, to_yaml
    from sealer.resealing import reseal
    from sealer.scope import Scope
    from sealer.sealed import SealedSecret, SecretTemplate
    from sealer.sealing import seal, seal_into, seal_value
    from sealer.secret import Secret
    from sealer.unsealing import unseal

__version__ = "0.1.0"

_HOME = {
    "Certificate": "keys.certificate",
    "Document": "manifest",
    "KeyFileError": "errors",
    "KeyPair": "keys.pair",
    "KeyRing": "keys.ring",
    "ManifestError": "errors",
    "ManyErrors": "errors",
    "NoKeyError": "errors",
    "Resource": "manifest",
    "Scope": "scope",
    "SealedSecret": "sealed",
    "SealerError": "errors",
    "SealingKeyPair": "keys.pair",
    "Secret": "secret",
    "SecretTemplate": "sealed",
    "TemplateError": "errors",
    "UnsealError": "errors",
    "UsageError": "errors",
    "generate": "keys.pair",
    "read_documents": "manifest",
    "read_keys": "keys.keyfile",
    "reseal": "resealing",
    "seal": "sealing",
    "seal_into": "sealing",
    "seal_value": "sealing",
    "to_json": "manifest",
    "to_yaml": "manifest",
    "unseal": "unsealing",
}

__all__ = [
    "Certificate",
    "Document",
    "KeyFileError",
    "KeyPair",
    "KeyRing",
    "ManifestError",
    "ManyErrors",
    "NoKeyError",
    "Resource",
    "Scope",
    "SealedSecret",
    "SealerError",
    "SealingKeyPair",
    "Secret",
    "SecretTemplate",
    "TemplateError",
    "UnsealError",
    "UsageError",
    "__version__",
    "generate",
    "read_documents",
    "read_keys",
    "reseal",
    "seal",
    "seal_into",
    "seal_value",
    "to_json",
    "to_yaml",
    "unseal",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"sealer.{_HOME[name]}"), name)
    globals()[name] = value
    return value
