"""kubeseal's default mode and ``--merge-into``: decoded Secrets in, SealedSecrets out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sealer.errors import DamagedKeyError, KeyFileError, ManifestError, OtherKeyError
from sealer.keys.certificate import Certificate
from sealer.kubeseal import writing
from sealer.kubeseal.gotext import quote
from sealer.scope import SCOPE_ANNOTATIONS, Scope, label
from sealer.sealing import seal_value

_READ_ONLY = frozenset(
    {
        "selfLink",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "ownerReferences",
    }
)
_LAST_APPLIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "kubecfg.ksonnet.io/last-applied-configuration",
    }
)


class Place(NamedTuple):
    """The namespace that Secrets without one go to."""

    namespace: str = ""
    asked_for: bool = False
    """Whether the user named it, so that a Secret of another namespace is an error."""


class Request(NamedTuple):
    """How to seal."""

    certificate: Certificate
    scope: Scope
    """Strict is the default, and leaves the scope to the Secret's annotations."""
    place: Place
    name: str = ""
    namespace: str = ""
    allow_empty: bool = False


def certificate_of(pem: bytes, now: datetime) -> Certificate:
    """Read the certificate to seal with; KeyFileError with Go's words.

    As kubeseal: its end is checked, its beginning and the key's size are not.
    """
    try:
        certificate = Certificate.from_pem(pem)
    except OtherKeyError:
        raise KeyFileError("expected RSA public key but found a key of another kind") from None
    except DamagedKeyError:
        raise KeyFileError("x509: malformed certificate") from None
    except KeyFileError:
        problem = "data does not contain any valid RSA or ECDSA certificates"
        raise KeyFileError(problem) from None
    if now > certificate.not_after:
        end = certificate.not_after
        day = f"{end:%B} {end.day}, {end.year}"
        raise KeyFileError(f"failed to encrypt using an expired certificate on {day}")
    return certificate


def seal(decoded: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """Seal one Secret; ManifestError with kubeseal's words."""
    metadata, values = prepared(decoded, request)
    scope = Scope.of(metadata.get("annotations") or {})
    name, namespace = metadata["name"], metadata.get("namespace", "")
    bound = label(namespace, name, scope)
    spec = {
        "template": {
            "metadata": metadata,
            "type": decoded.get("type"),
            "immutable": decoded.get("immutable"),
        },
        "encryptedData": {
            key: seal_value(value, request.certificate, bound) for key, value in values.items()
        },
    }
    outer = {"name": name, "namespace": namespace, "annotations": scope.annotations}
    return writing.sealed_secret(outer, spec)


def prepared(
    decoded: Mapping[str, Any], request: Request
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the metadata for the template and the values to seal."""
    values: dict[str, bytes] = dict(decoded.get("data") or {})
    values.update({key: text.encode() for key, text in (decoded.get("stringData") or {}).items()})
    if not values and not request.allow_empty:
        raise ManifestError(
            "secret.data is empty in input Secret, assuming this is an error and aborting. "
            "To work with empty data, --allow-empty-data can be used"
        )
    metadata = _named(dict(decoded.get("metadata") or {}), request)
    annotations = metadata.get("annotations") or {}
    if request.scope is not Scope.STRICT:
        annotations = {
            **{key: value for key, value in annotations.items() if key not in SCOPE_ANNOTATIONS},
            **request.scope.annotations,
        }
    if Scope.of(annotations) is not Scope.CLUSTER_WIDE:
        metadata["namespace"] = _namespace(metadata.get("namespace", ""), request.place)
    metadata["annotations"] = {
        key: value for key, value in annotations.items() if key not in _LAST_APPLIED
    }
    return {key: value for key, value in metadata.items() if key not in _READ_ONLY}, values


def _named(metadata: dict[str, Any], request: Request) -> dict[str, Any]:
    overrides = {"name": request.name, "namespace": request.namespace}
    metadata |= {key: value for key, value in overrides.items() if value}
    if not metadata.get("name"):
        raise ManifestError("missing metadata.name in input Secret")
    return metadata


def _namespace(own: str, place: Place) -> str:
    if place.asked_for and own and own != place.namespace:
        raise ManifestError(
            f"namespace mismatch: input secret is in namespace {quote(own)} "
            f"but {quote(place.namespace)} was specified"
        )
    if not own and not place.namespace:
        raise ManifestError("secret must declare a namespace")
    return own or place.namespace


def check_raw(request: Request) -> None:
    """``--raw`` needs a name where its scope binds to one; ManifestError with kubeseal's words."""
    if request.scope is Scope.STRICT and not request.name:
        raise ManifestError("must provide the --name flag with --raw and --scope strict")


def seal_raw(plaintext: bytes, request: Request) -> str:
    """Seal one value for the place that the flags name; return the item."""
    bound = label(request.place.namespace, request.name, request.scope)
    return seal_value(plaintext, request.certificate, bound)
