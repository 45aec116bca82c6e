"""How far a ciphertext may travel: the scope, its annotations, and the label that binds it.

The label is the OAEP label of every item. It is made from the SealedSecret's own metadata
(namespace, name, scope annotations); ``spec.template.metadata`` plays no part in it.
Source: bitnami-labs/sealed-secrets, ``EncryptionLabel`` and ``SecretScope``.

Refuses to guess: a scope that needs a namespace or a name and gets none is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from sealer.errors import ManifestError, UsageError

CLUSTER_WIDE_ANNOTATION = "sealedsecrets.bitnami.com/cluster-wide"
NAMESPACE_WIDE_ANNOTATION = "sealedsecrets.bitnami.com/namespace-wide"
SCOPE_ANNOTATIONS = frozenset({CLUSTER_WIDE_ANNOTATION, NAMESPACE_WIDE_ANNOTATION})


class Scope(Enum):
    """What a SealedSecret is bound to; the value is the word used on the command line."""

    STRICT = "strict"
    NAMESPACE_WIDE = "namespace-wide"
    CLUSTER_WIDE = "cluster-wide"

    @classmethod
    def parse(cls, word: str) -> Scope:
        """Read ``strict``, ``namespace-wide`` or ``cluster-wide``; anything else: UsageError."""
        try:
            return cls(word)
        except ValueError:
            raise UsageError(
                f"unknown scope {word!r}", hint="use strict, namespace-wide or cluster-wide"
            ) from None

    @classmethod
    def of(cls, annotations: Mapping[str, object]) -> Scope:
        """Read the scope that annotations declare: exactly ``"true"`` counts, cluster-wide wins."""
        if annotations.get(CLUSTER_WIDE_ANNOTATION) == "true":
            return cls.CLUSTER_WIDE
        if annotations.get(NAMESPACE_WIDE_ANNOTATION) == "true":
            return cls.NAMESPACE_WIDE
        return cls.STRICT

    @property
    def annotations(self) -> dict[str, str]:
        """The annotations that declare this scope; none for strict."""
        if self is Scope.CLUSTER_WIDE:
            return {CLUSTER_WIDE_ANNOTATION: "true"}
        if self is Scope.NAMESPACE_WIDE:
            return {NAMESPACE_WIDE_ANNOTATION: "true"}
        return {}


def label(namespace: str, name: str, scope: Scope) -> bytes:
    """Return the OAEP label: ``namespace/name``, ``namespace`` or nothing, as UTF-8.

    Raises ManifestError where the scope needs a part that is empty.
    """
    if scope is Scope.CLUSTER_WIDE:
        return b""
    if not namespace:
        raise ManifestError(
            f"scope {scope.value} binds to a namespace, and there is none",
            path=("metadata", "namespace"),
            hint="set metadata.namespace, or use -n/--namespace",
        )
    if scope is Scope.NAMESPACE_WIDE:
        return namespace.encode()
    if not name:
        raise ManifestError(
            "scope strict binds to a name, and there is none",
            path=("metadata", "name"),
            hint="set metadata.name, or use --name",
        )
    return f"{namespace}/{name}".encode()
