"""A SealedSecret (bitnami.com/v1alpha1) as data; fields it does not know survive a round trip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sealer.errors import ManifestError
from sealer.fields import Fields, without
from sealer.scope import Scope, label

API_VERSION = "bitnami.com/v1alpha1"
KIND = "SealedSecret"
FINGERPRINT_ANNOTATION = "sealer.dev/certificate-fingerprint"
"""Which certificate sealed it: SHA-256 of the DER certificate, in hex; written by ``seal``."""
SKIP_OWNER_ANNOTATION = "sealedsecrets.bitnami.com/skip-set-owner-references"
"""On the template: the Secret gets no owner, and outlives its SealedSecret."""
MANAGED_ANNOTATION = "sealedsecrets.bitnami.com/managed"
"""On a foreign Secret: a SealedSecret of its name may replace it."""
PATCH_ANNOTATION = "sealedsecrets.bitnami.com/patch"
"""On a foreign Secret: a SealedSecret of its name may add to it."""
OWNER_ANNOTATION = "sealer.dev/sealed-secret"
"""Whose a Secret without owner reference is: the SealedSecret's name (same namespace)."""
RENDERED_ANNOTATION = "sealer.dev/rendered-generation"
"""For which SealedSecret, as UID/generation, the values of non-deterministic templates stand."""


@dataclass(frozen=True, slots=True)
class SecretTemplate:
    """``spec.template``: what the Secret will have besides the sealed values."""

    metadata: Mapping[str, Any] = field(default_factory=dict)
    type: str | None = None
    immutable: bool | None = None
    data: Mapping[str, str | None] = field(default_factory=dict)
    """Go templates by key; null drops that key from the Secret."""
    unknown: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, fields: Fields, value: Any) -> SecretTemplate:
        """Read ``spec.template``; faults go to ``fields``."""
        path = ("spec", "template")
        template = fields.mapping(value, path)
        data = fields.mapping(template.get("data"), (*path, "data"))
        return cls(
            metadata=fields.metadata(template.get("metadata"), (*path, "metadata")),
            type=fields.string(template.get("type"), (*path, "type")) or None,
            immutable=fields.boolean(template.get("immutable"), (*path, "immutable")),
            data={
                key: None if item is None else fields.string(item, (*path, "data", key))
                for key, item in data.items()
            },
            unknown=without(template, "metadata", "type", "immutable", "data"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Write it; absent fields stay absent."""
        written: dict[str, Any] = {}
        if self.metadata:
            written["metadata"] = dict(self.metadata)
        if self.type is not None:
            written["type"] = self.type
        if self.immutable is not None:
            written["immutable"] = self.immutable
        if self.data:
            written["data"] = dict(self.data)
        return {**written, **self.unknown}


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A SealedSecret; ``encrypted_data`` maps keys to base64 items (see ``sealer.crypto``)."""

    metadata: Mapping[str, Any]
    encrypted_data: Mapping[str, str] = field(repr=False)
    template: SecretTemplate = field(default_factory=SecretTemplate)
    legacy_data: str = field(default="", repr=False)
    """``spec.data``: one item that holds a whole Secret as JSON; deprecated since 2018."""
    spec_unknown: Mapping[str, Any] = field(default_factory=dict)
    unknown: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, manifest: Mapping[str, Any]) -> SealedSecret:
        """Read it; raises ManifestError with the field's path (ManyErrors for several)."""
        for key, wanted in (("kind", KIND), ("apiVersion", API_VERSION)):
            if manifest.get(key) != wanted:
                raise ManifestError(f"is not a {API_VERSION} {KIND}", path=(key,))
        fields = Fields()
        metadata = fields.metadata(manifest.get("metadata"), ("metadata",))
        spec = fields.mapping(manifest.get("spec"), ("spec",))
        items = fields.mapping(spec.get("encryptedData"), ("spec", "encryptedData"))
        for key, item in items.items():
            if not isinstance(item, str):
                fields.fault("must be a string of base64", ("spec", "encryptedData", key))
        template = SecretTemplate.read(fields, spec.get("template"))
        legacy = fields.string(spec.get("data"), ("spec", "data"))
        if legacy and items:
            # The peer's own words: people search for them.
            both = "the field 'encryptedData' and the deprecated field 'data'"
            fields.fault(f"cannot use {both} at the same time", ("spec",))
        fields.done()
        return cls(
            metadata=metadata,
            encrypted_data=dict(items),
            template=template,
            legacy_data=legacy,
            spec_unknown=without(spec, "encryptedData", "template", "data"),
            unknown=without(manifest, "apiVersion", "kind", "metadata", "spec"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Write it: apiVersion, kind, metadata, spec, then what was not known."""
        spec: dict[str, Any] = {"encryptedData": dict(self.encrypted_data)}
        if self.legacy_data:
            spec["data"] = self.legacy_data
        template = self.template.to_dict()
        if template:
            spec["template"] = template
        return {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": dict(self.metadata),
            "spec": {**spec, **self.spec_unknown},
            **self.unknown,
        }

    @property
    def name(self) -> str:
        """``metadata.name``, empty where there is none."""
        return str(self.metadata.get("name") or "")

    @property
    def namespace(self) -> str:
        """``metadata.namespace``, empty where there is none."""
        return str(self.metadata.get("namespace") or "")

    @property
    def annotations(self) -> Mapping[str, str]:
        """``metadata.annotations`` of the SealedSecret itself, not the template's."""
        annotations: Mapping[str, str] = self.metadata.get("annotations") or {}
        return annotations

    @property
    def scope(self) -> Scope:
        """The scope that its own annotations declare."""
        return Scope.of(self.annotations)

    @property
    def fingerprint(self) -> str:
        """The certificate that sealed it, as noted by ``seal``; empty where nobody noted it."""
        return str(self.annotations.get(FINGERPRINT_ANNOTATION) or "")

    def label(self) -> bytes:
        """The OAEP label of its items; ManifestError where name or namespace is missing."""
        return label(self.namespace, self.name, self.scope)

    def pruned(self) -> list[str]:
        """Name the fields that the API server drops silently, since the CRD does not know them."""
        return [
            *(f"spec.template.{key}" for key in self.template.unknown),
            *(f"spec.{key}" for key in self.spec_unknown),
        ]
