"""Key files to key pairs: PEM, or the key Secrets that kubectl prints.

``kubectl get secret -l sealedsecrets.bitnami.com/sealed-secrets-key -o yaml`` prints a List of
Secrets; JSON, one Secret and several documents are taken too. One bad key never hides the rest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sealer import encoding
from sealer.errors import KeyFileError, ManifestError, ManyErrors, SealerError
from sealer.keys.custody import ACTIVE, KEY_LABEL
from sealer.keys.pair import KeyPair
from sealer.keys.pem import private_key_blocks
from sealer.manifest import read_documents
from sealer.secret import Secret

PRIVATE_KEY = "tls.key"
CERTIFICATE = "tls.crt"


def read_keys(text: str, source: str) -> list[KeyPair]:
    """Return the key pairs of one file, in its order; ``source`` names it in errors.

    A PEM text may hold several private keys; a certificate beside a single one goes with it.
    Raises KeyFileError (ManyErrors for several): no key in it, or one that cannot be used.
    """
    # In a manifest PEM is indented or quoted; no line of YAML or JSON begins with five dashes.
    is_pem = re.search(r"^-----BEGIN ", text, re.MULTILINE) is not None
    return _read_pem(text.encode(), source) if is_pem else _read_manifests(text, source)


def _read_pem(pem: bytes, source: str) -> list[KeyPair]:
    blocks = private_key_blocks(pem) or [pem]
    certificate = pem if len(blocks) == 1 and b"BEGIN CERTIFICATE-" in pem else None
    pairs: list[KeyPair] = []
    errors: list[KeyFileError] = []
    for number, block in enumerate(blocks, 1):
        name = source if len(blocks) == 1 else f"{source} (key {number})"
        try:
            pairs.append(KeyPair.from_pem(block, certificate, name=name))
        except KeyFileError as error:
            errors.append(KeyFileError(f"{name}: {error.message}", hint=error.hint))
    return _all_or_errors(pairs, errors)


def _read_manifests(text: str, source: str) -> list[KeyPair]:
    pairs: list[KeyPair] = []
    errors: list[SealerError] = []
    for document in read_documents(text, source):
        if document.is_empty:
            continue
        try:
            resources = list(document.resources())
        except SealerError as error:
            errors.append(error)
            continue
        for resource in resources:
            try:
                pairs.append(key_pair_of(Secret.from_dict(resource.value)))
            except (KeyFileError, ManifestError, ManyErrors) as error:
                errors.append(resource.locate(error))
    if not pairs and not errors:
        raise KeyFileError(
            f"{source}: there is no private key in it",
            hint="give a PEM private key, or the key Secrets as kubectl prints them",
        )
    return _all_or_errors(pairs, errors)


def _all_or_errors(pairs: list[KeyPair], errors: Sequence[SealerError]) -> list[KeyPair]:
    if errors:
        raise errors[0] if len(errors) == 1 else ManyErrors(errors)
    return pairs


def key_pair_of(secret: Secret) -> KeyPair:
    """Read a key Secret (``kubernetes.io/tls``); KeyFileError where it cannot be used."""
    if PRIVATE_KEY not in secret.data:
        raise KeyFileError(f"has no {PRIVATE_KEY}", hint="this is no key Secret of a controller")
    return KeyPair.from_pem(
        secret.data[PRIVATE_KEY], secret.data.get(CERTIFICATE), name=secret.name
    )


def key_secret(pair: KeyPair, *, prefix: str, namespace: str) -> dict[str, Any]:
    """Return the manifest of a new key Secret, as Bitnami's controller writes it, IN CLEAR.

    Source: bitnami-labs/sealed-secrets ``pkg/controller/keys.go`` (writeKeyWithCreationTime).
    """
    if pair.certificate is None:
        raise KeyFileError("a key Secret needs the certificate, too")
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "generateName": prefix,
            "namespace": namespace,
            "labels": {KEY_LABEL: ACTIVE},
        },
        "type": "kubernetes.io/tls",
        "data": {
            CERTIFICATE: encoding.encode(pair.certificate.pem),
            PRIVATE_KEY: encoding.encode(pair.private_pem()),
        },
    }
