"""A Secret in, a SealedSecret out: each value encrypted for one certificate and one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sealer import crypto, encoding
from sealer.errors import ManifestError, NoDataError
from sealer.keys.certificate import Certificate
from sealer.scope import SCOPE_ANNOTATIONS, Scope, label
from sealer.sealed import FINGERPRINT_ANNOTATION, SealedSecret, SecretTemplate
from sealer.secret import MAX_BYTES, Secret
from sealer.values import foreign


def seal(
    secret: Secret,
    certificate: Certificate,
    *,
    scope: Scope | None = None,
    allow_empty: bool = False,
    fingerprint: bool = True,
    max_bytes: int | None = MAX_BYTES,
) -> SealedSecret:
    """Encrypt every value of a Secret, bound to its namespace and name as ``scope`` says.

    Without ``scope`` the Secret's own annotations decide, and strict is the default. Labels,
    annotations, type and ``immutable`` go to the template in clear, as Bitnami does; on the
    SealedSecret itself stand only name, namespace, the scope annotation and, with
    ``fingerprint``, which certificate sealed it. The certificate is taken as it is: call
    ``Certificate.check`` first.

    Raises ManifestError: no name, no namespace where the scope needs one, nothing to seal
    (unless ``allow_empty``), values beyond ``max_bytes`` together, or encrypted by another tool.
    """
    scope = scope or Scope.of(secret.annotations)
    bound = label(secret.namespace, secret.name, scope)
    if not secret.name:
        raise ManifestError("has no name", path=("metadata", "name"), hint="set it, or use --name")
    if not secret.data and not allow_empty:
        raise NoDataError("has no data to seal", hint="allow it with --allow-empty-data")
    foreign.refuse(secret.data, "data")
    size = sum(map(len, secret.data.values()))
    if max_bytes is not None and size > max_bytes:
        raise ManifestError(
            f"its values have {size} bytes together, and Kubernetes takes {max_bytes}",
            hint="split it into several Secrets",
        )
    place = _place(secret)
    annotations = dict(scope.annotations)
    if fingerprint:
        annotations[FINGERPRINT_ANNOTATION] = certificate.fingerprint
    return SealedSecret(
        metadata={**place, **({"annotations": annotations} if annotations else {})},
        encrypted_data={
            key: seal_value(value, certificate, bound) for key, value in secret.data.items()
        },
        template=SecretTemplate(
            metadata={**place, **_template_metadata(secret, scope)},
            type=secret.type,
            immutable=secret.immutable,
        ),
    )


def seal_value(plaintext: bytes, certificate: Certificate, bound: bytes) -> str:
    """Encrypt one value under an OAEP label (see ``scope.label``); return the base64 item."""
    return encoding.encode(crypto.encrypt(certificate.public_key, plaintext, bound))


def seal_into(
    sealed: SealedSecret, secret: Secret, certificate: Certificate, *, scope: Scope | None = None
) -> dict[str, str]:
    """Encrypt a Secret's values for a SealedSecret that is there; return the new items by key.

    The SealedSecret's name, namespace and scope bind them. Raises ManifestError where the
    Secret says otherwise: an item sealed for another place would never open.
    """
    for word, theirs, mine in (
        ("name", secret.name, sealed.name),
        ("namespace", secret.namespace, sealed.namespace),
    ):
        if theirs and mine and theirs != mine:
            raise ManifestError(
                f"its {word} is {theirs}, and the file merged into is for {mine}",
                path=("metadata", word),
                hint=f"leave the {word} out, or merge into the right file",
            )
    declared = scope or (
        Scope.of(secret.annotations) if SCOPE_ANNOTATIONS & secret.annotations.keys() else None
    )
    if declared is not None and declared is not sealed.scope:
        raise ManifestError(
            f"its scope is {declared.value}, and the file merged into is {sealed.scope.value}",
            path=("metadata", "annotations"),
            hint="one SealedSecret has one scope: seal it anew to change that",
        )
    foreign.refuse(secret.data, "data")
    bound = sealed.label()
    return {key: seal_value(value, certificate, bound) for key, value in secret.data.items()}


def _place(secret: Secret) -> dict[str, str]:
    names = {"name": secret.name, "namespace": secret.namespace}
    return {key: value for key, value in names.items() if value}


def _template_metadata(secret: Secret, scope: Scope) -> Mapping[str, Any]:
    annotations = {
        key: value for key, value in secret.annotations.items() if key not in SCOPE_ANNOTATIONS
    }
    annotations.update(scope.annotations)
    metadata = {key: value for key, value in secret.metadata.items() if key != "annotations"}
    if annotations:
        metadata["annotations"] = annotations
    return metadata
