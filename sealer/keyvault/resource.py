"""A KeyVaultSecret (keyvault.sealer.dev/v1alpha1) as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sealer.errors import ManifestError, TokenTypeError
from sealer.fields import Fields, Path, without
from sealer.keys.custody import KEY_LABEL
from sealer.keyvault.names import check_patterns
from sealer.keyvault.references import Entry, ExpandEntry, FindEntry, known_keys, read_entries
from sealer.keyvault.vaults import (
    CLUSTER_KEY_VAULT,
    GROUP,
    KEY_VAULT,
    choice,
    read_duration,
    strings,
)
from sealer.manifest.names import is_secret_key
from sealer.sealed import SecretTemplate
from sealer.secret import TOKEN_TYPES

KIND = "KeyVaultSecret"
SYNC_NOW = f"{GROUP}/sync-now"
DEFAULT_WARN = 720 * 3600.0


@dataclass(frozen=True, slots=True)
class Target:
    """The Secret to fill."""

    name: str
    type: str = ""
    immutable: bool | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    creation: str = "Owner"
    adopt: str = "Never"


@dataclass(frozen=True, slots=True)
class KeyVaultSecret:
    """What a KeyVaultSecret asks for; compare ``generation`` to see whether it changed."""

    name: str
    namespace: str
    vault_kind: str
    vault_name: str
    entries: tuple[Entry, ...]
    target: Target
    template: SecretTemplate = field(default_factory=SecretTemplate)
    omit: tuple[str, ...] = ()
    """Raw keys that only feed the template."""
    on_vault_delete: str = "Keep"
    refresh: str = "Periodic"
    warn: float = DEFAULT_WARN
    """Seconds before an object's expiry from which the condition Expiring is true."""
    uid: str = ""
    generation: int = 0
    sync_now: str = ""
    deleting: bool = False
    status: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.namespace}/{self.name}"

    @property
    def optional_keys(self) -> frozenset[str]:
        """Keys that may be missing, as far as the manifest names them; templates may ask."""
        optional = (one for one in self.entries if not isinstance(one, FindEntry) and one.optional)
        return frozenset(key for entry in optional for key in known_keys(entry))

    @classmethod
    def from_dict(cls, manifest: Mapping[str, Any]) -> KeyVaultSecret:
        """Read it; raises ManifestError with a path, or ManyErrors.

        Keys that the manifest shows twice, patterns that RE2 does not take and names that Azure
        cannot have are faults here, long before a vault is asked.
        """
        fields = Fields()
        metadata = fields.metadata(manifest.get("metadata"), ("metadata",))
        spec = fields.mapping(manifest.get("spec"), ("spec",))
        vault = fields.mapping(spec.get("vaultRef"), ("spec", "vaultRef"))
        vault_name = fields.string(vault.get("name"), ("spec", "vaultRef", "name"))
        if not vault_name:
            fields.fault("is missing", ("spec", "vaultRef", "name"))
        kinds = (KEY_VAULT, CLUSTER_KEY_VAULT)
        entries = read_entries(fields, spec.get("data"))
        template = SecretTemplate.read(fields, spec.get("template"))
        omit_path = ("spec", "template", "omit")
        resource = cls(
            name=metadata.get("name", ""),
            namespace=metadata.get("namespace", ""),
            vault_kind=choice(fields, vault, "kind", ("spec", "vaultRef"), kinds),
            vault_name=vault_name,
            entries=entries,
            target=_target(fields, spec.get("target"), metadata.get("name", "")),
            template=template,
            omit=strings(fields, template.unknown.get("omit"), omit_path),
            on_vault_delete=choice(
                fields, spec, "onVaultDelete", ("spec",), ("Keep", "RemoveKey", "DeleteSecret")
            ),
            refresh=choice(fields, spec, "refresh", ("spec",), ("Periodic", "Once", "OnChange")),
            warn=_warn(fields, spec),
            uid=str(metadata.get("uid") or ""),
            generation=int(metadata.get("generation") or 0),
            sync_now=(metadata.get("annotations") or {}).get(SYNC_NOW, ""),
            deleting=bool(metadata.get("deletionTimestamp")),
            status=manifest.get("status") or {},
        )
        _check(fields, resource)
        fields.done()
        return resource


def _warn(fields: Fields, spec: Mapping[str, Any]) -> float:
    path: Path = ("spec", "expiry")
    return read_duration(
        fields, fields.mapping(spec.get("expiry"), path), "warn", path, DEFAULT_WARN
    )


def _target(fields: Fields, value: Any, name: str) -> Target:
    path: Path = ("spec", "target")
    target = fields.mapping(value, path)
    words = ("Owner", "Orphan", "Merge")
    kind = fields.string(target.get("type"), (*path, "type"))
    return Target(
        name=fields.string(target.get("name"), (*path, "name")) or name,
        type=kind,
        immutable=fields.boolean(target.get("immutable"), (*path, "immutable")),
        labels=fields.strings(target.get("labels"), (*path, "labels")),
        annotations=fields.strings(target.get("annotations"), (*path, "annotations")),
        creation=choice(fields, target, "creation", path, words),
        adopt=choice(fields, target, "adopt", path, ("Never", "IfUnowned")),
    )


def _check(fields: Fields, resource: KeyVaultSecret) -> None:
    for path, error in conflicts(resource.entries):
        fields.faults.append(ManifestError(error, path=path))
    for key in resource.template.data:
        if not is_secret_key(key):
            fields.fault("is no key a Secret can have", ("spec", "template", "data", key))
    for name in without(resource.template.unknown, "omit"):
        fields.fault("is no field of a template", ("spec", "template", name))
    for index, entry in enumerate(resource.entries):
        if isinstance(entry, (FindEntry, ExpandEntry)):
            shape = "find" if isinstance(entry, FindEntry) else "expand"
            for where, problem in check_patterns(entry):
                path = ("spec", "data", index, shape, *where)
                fields.fault(problem.message, path, problem.hint)
    types = {"target": resource.target.type, "template": resource.template.type}
    for place, kind in types.items():
        if kind in TOKEN_TYPES:
            what = "is a type that grants access to the cluster: it is never made from a vault"
            fields.faults.append(TokenTypeError(what, path=("spec", place, "type")))
    labels = (resource.target.labels, resource.template.metadata.get("labels") or {})
    if any(KEY_LABEL in one for one in labels):
        # Whoever may write a KeyVaultSecret beside the controller would know a private key to
        # which others seal.
        fields.fault(
            f"may not have {KEY_LABEL}: a KeyVaultSecret makes no sealing key",
            ("spec", "target", "labels"),
            "restore sealing keys with kubectl",
        )
    if resource.target.type and resource.template.type not in (None, resource.target.type):
        fields.fault("differs from spec.target.type", ("spec", "template", "type"))
    if resource.template.immutable is not None and resource.target.immutable is not None:
        fields.fault("is also in spec.target", ("spec", "template", "immutable"), "remove one")


def conflicts(entries: tuple[Entry, ...]) -> Iterator[tuple[Path, str]]:
    """Yield keys that two entries would fill, as far as the manifest alone tells."""
    filled: dict[str, int] = {}
    for index, entry in enumerate(entries):
        for key in filter(None, known_keys(entry)):
            first = filled.setdefault(key, index)
            if first != index:
                path: Path = ("spec", "data", index)
                yield path, f"fills the key {key}, as spec.data[{first}] does"
