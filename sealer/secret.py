"""A Kubernetes Secret in clear: values as bytes, and a repr that shows none of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sealer import encoding
from sealer.errors import ManifestError
from sealer.fields import Fields, Path

MAX_BYTES = 1024 * 1024
"""What Kubernetes takes as the sum of a Secret's values (``core.MaxSecretSize``)."""
TOKEN_TYPES = frozenset({"kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"})
"""Types that hand out rights in the cluster to whoever may read the Secret."""

# What the API server or a tool put there: worthless in Git, and kubectl's annotation holds every
# value in clear. Bitnami's kubeseal keeps some of these (managedFields).
_LAST_APPLIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "kubecfg.ksonnet.io/last-applied-configuration",
    }
)
SERVER_FIELDS = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
"""Of ``metadata``: what only the API server says."""
_FIELDS = frozenset({"apiVersion", "kind", "metadata", "type", "immutable", "data", "stringData"})
# No Secret has a status, but tools that print objects write one.
_KNOWN = _FIELDS | {"status"}
# Source: k8s.io/apimachinery ObjectMeta; clusterName was its until 1.24.
_KNOWN_METADATA = SERVER_FIELDS | {
    "annotations",
    "clusterName",
    "finalizers",
    "generateName",
    "labels",
    "name",
    "namespace",
}


@dataclass(frozen=True, slots=True)
class Secret:
    """A Secret as people write it. Compare, pass, seal; it never prints a value."""

    name: str
    namespace: str
    data: Mapping[str, bytes] = field(repr=False)
    type: str | None = None
    immutable: bool | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """All of ``metadata`` but name, namespace and what the API server put there."""
    dropped: tuple[str, ...] = field(default=(), compare=False)
    """Fields of the manifest that were left out, for a notice; names, no values."""

    @classmethod
    def from_dict(cls, manifest: Mapping[str, Any]) -> Secret:
        """Read a v1 Secret; ``stringData`` wins over ``data``.

        Raises ManifestError with the field's path (ManyErrors for several): wrong kind, a
        string that YAML makes a boolean, bad base64, a field of an unknown name that holds
        something.
        """
        for key, wanted in (("kind", "Secret"), ("apiVersion", "v1")):
            if manifest.get(key) != wanted:
                raise ManifestError(f"is not a v1 Secret: must be {wanted}", path=(key,))
        fields = Fields()
        metadata = fields.metadata(manifest.get("metadata"), ("metadata",))
        data = _decoded(fields, fields.strings(manifest.get("data"), ("data",)))
        clear = fields.strings(manifest.get("stringData"), ("stringData",))
        data.update((key, text.encode()) for key, text in clear.items())
        kind = fields.string(manifest.get("type"), ("type",)) or None
        immutable = fields.boolean(manifest.get("immutable"), ("immutable",))
        for path in misspelt(manifest):
            fields.fault(*_unknown(path))
        fields.done()
        kept, dropped = _kept_metadata(metadata)
        return cls(
            name=metadata.get("name", ""),
            namespace=metadata.get("namespace", ""),
            data=data,
            type=kind,
            immutable=immutable,
            metadata=kept,
            dropped=(
                *dropped,
                *(key for key in sorted(manifest.keys() - _FIELDS) if manifest[key]),
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """Write the v1 Secret, values in base64, as ``kubectl get -o yaml`` orders it."""
        manifest: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret"}
        names = {"name": self.name, "namespace": self.namespace}
        manifest["metadata"] = {
            **{key: value for key, value in names.items() if value},
            **self.metadata,
        }
        if self.type is not None:
            manifest["type"] = self.type
        if self.immutable is not None:
            manifest["immutable"] = self.immutable
        manifest["data"] = {key: encoding.encode(value) for key, value in self.data.items()}
        return manifest

    @property
    def annotations(self) -> Mapping[str, str]:
        """``metadata.annotations``, empty where there are none."""
        annotations: Mapping[str, str] = self.metadata.get("annotations") or {}
        return annotations


def misspelt(manifest: Mapping[str, Any]) -> list[Path]:
    """The fields that no Secret has and that hold something: perhaps values, by a wrong name."""
    metadata = manifest.get("metadata")
    found: list[Path] = [(key,) for key in _holding(manifest, _KNOWN)]
    if isinstance(metadata, dict):
        found += [("metadata", key) for key in _holding(metadata, _KNOWN_METADATA)]
    return found


def _holding(fields: Mapping[str, Any], known: frozenset[str]) -> list[str]:
    return [
        key
        for key, value in fields.items()
        if key not in known and (isinstance(value, (int, float)) or value)
    ]


def _unknown(path: Path) -> tuple[str, Path, str]:
    from difflib import get_close_matches

    if path == ("sops",):
        return "is encrypted with SOPS", path, "decrypt it first: sops -d FILE | seal"
    # Go's JSON takes any case, and so do people's eyes.
    folded = {name.casefold(): name for name in _FIELDS}
    near = get_close_matches(str(path[-1]).casefold(), folded, n=1)
    hint = f"did you mean {folded[near[0]]}?" if near else "take it out: the cluster drops it"
    if path[0] == "metadata" and near:
        hint = f"{folded[near[0]]} does not belong into metadata: mind the indentation"
    return "is no field of a Secret, and holds something", path, hint


def _decoded(fields: Fields, data: Mapping[str, str]) -> dict[str, bytes]:
    values: dict[str, bytes] = {}
    for key, text in data.items():
        try:
            values[key] = encoding.decode(text)
        except ValueError:
            path: Path = ("data", key)
            fields.fault("is not valid base64", path, "put clear text under stringData")
    return values


def _kept_metadata(metadata: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    kept: dict[str, Any] = {}
    dropped: list[str] = []
    for key, value in metadata.items():
        if key in SERVER_FIELDS:
            # kubectl create --dry-run writes creationTimestamp: null; nothing is lost with it.
            if value is not None:
                dropped.append(f"metadata.{key}")
        elif key == "annotations":
            clean = {name: text for name, text in value.items() if name not in _LAST_APPLIED}
            dropped.extend(f"metadata.annotations.{name}" for name in value.keys() - clean.keys())
            if clean:
                kept[key] = clean
        elif key not in ("name", "namespace") and value is not None:
            kept[key] = value
    return kept, dropped
