"""KeyVault and ClusterKeyVault (keyvault.sealer.dev/v1alpha1) as data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sealer import duration
from sealer.fields import Fields, Path

GROUP = "keyvault.sealer.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KEY_VAULT = "KeyVault"
CLUSTER_KEY_VAULT = "ClusterKeyVault"
DEFAULT_VAULT_API = "2025-07-01"
"""Key Vault's own api-version: 2026-04-01, the SDK's default, is refused by older services."""
_VAULT_API = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}|7\.[0-9])(-preview(\.[0-9]+)?)?", re.ASCII)
MIN_INTERVAL = 30.0
DEFAULT_INTERVAL = 300.0
USE_LABEL = f"{GROUP}/use"
"""A service account with this label set to "true" lets vaults of its namespace use it."""

AuthKind = Literal[
    "workloadIdentity", "managedIdentity", "controllerIdentity", "servicePrincipal", ""
]
AUTH_KINDS: tuple[AuthKind, ...] = (
    "workloadIdentity",
    "managedIdentity",
    "controllerIdentity",
    "servicePrincipal",
)
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
_CLUSTER_ONLY = ("managedIdentity", "controllerIdentity")


@dataclass(frozen=True, slots=True)
class KeyOf:
    """A key of a Kubernetes Secret; ``namespace`` is the vault's own unless a cluster vault."""

    name: str
    key: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Auth:
    """Who the controller is towards Entra for this vault; names, no credentials."""

    kind: AuthKind = ""
    client_id: str = ""
    tenant_id: str = ""
    service_account: str = ""
    namespace: str = ""
    """Where the service account is; empty for a namespaced vault: its own."""
    secret: KeyOf | None = None
    certificate: KeyOf | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """Namespaces, and the objects that they may have from a ClusterKeyVault."""

    namespaces: tuple[str, ...] = ()
    selector: Mapping[str, Any] | None = None
    """A label selector on namespaces, as Kubernetes writes it; None where there is none."""
    objects: tuple[str, ...] = ()
    """Globs on object names; none allows nothing."""


@dataclass(frozen=True, slots=True)
class VaultResource:
    """A KeyVault or a ClusterKeyVault."""

    kind: str
    name: str
    namespace: str
    """Empty for a ClusterKeyVault."""
    url: str
    auth: Auth
    api_version: str = DEFAULT_VAULT_API
    interval: float = DEFAULT_INTERVAL
    """Seconds between polls."""
    mode: Literal["Auto", "List", "Get"] = "Auto"
    allow: tuple[Allowance, ...] = ()
    generation: int = 0
    uid: str = ""
    status: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def title(self) -> str:
        """``KeyVault shop/prod``, for messages."""
        return f"{self.kind} {self.namespace + '/' if self.namespace else ''}{self.name}"

    @property
    def is_cluster_wide(self) -> bool:
        """Whether every namespace could refer to it."""
        return self.kind == CLUSTER_KEY_VAULT

    @property
    def credential(self) -> tuple[str, str] | None:
        """Namespace and name of the Secret that a service principal's credential is in."""
        reference = self.auth.secret or self.auth.certificate
        return (self.namespace or reference.namespace, reference.name) if reference else None

    @classmethod
    def from_dict(cls, manifest: Mapping[str, Any]) -> VaultResource:
        """Read either kind; raises ManifestError with a path, or ManyErrors."""
        fields = Fields()
        metadata = fields.metadata(manifest.get("metadata"), ("metadata",))
        spec = fields.mapping(manifest.get("spec"), ("spec",))
        kind = fields.string(manifest.get("kind"), ("kind",))
        poll = fields.mapping(spec.get("poll"), ("spec", "poll"))
        interval = read_duration(fields, poll, "interval", ("spec", "poll"), DEFAULT_INTERVAL)
        if interval < MIN_INTERVAL:
            fields.fault("is below the floor of 30s", ("spec", "poll", "interval"))
        url = fields.string(spec.get("url"), ("spec", "url"))
        if not url:
            fields.fault("is missing", ("spec", "url"), "write https://<vault>.vault.azure.net")
        resource = cls(
            kind=kind,
            name=metadata.get("name", ""),
            namespace=metadata.get("namespace", "") if kind == KEY_VAULT else "",
            url=url,
            auth=_auth(fields, spec.get("auth"), kind),
            api_version=_api_version(fields, spec),
            interval=interval,
            mode=choice(fields, poll, "mode", ("spec", "poll"), ("Auto", "List", "Get")),  # type: ignore[arg-type]
            allow=_allow(fields, spec.get("allow"), kind),
            generation=int(metadata.get("generation") or 0),
            uid=str(metadata.get("uid") or ""),
            status=manifest.get("status") or {},
        )
        fields.done()
        return resource


def _api_version(fields: Fields, spec: Mapping[str, Any]) -> str:
    path: Path = ("spec", "apiVersion")
    version = fields.string(spec.get("apiVersion"), path) or DEFAULT_VAULT_API
    if not _VAULT_API.fullmatch(version):
        fields.fault("is no api-version of Key Vault", path, f"as {DEFAULT_VAULT_API} or 7.4 are")
    return version


def choice(
    fields: Fields, parent: Mapping[str, Any], key: str, path: Path, words: tuple[str, ...]
) -> str:
    """One of these words, the first where the field is absent."""
    word = fields.string(parent.get(key), (*path, key)) or words[0]
    if word not in words:
        fields.fault(f"must be one of {', '.join(words)}", (*path, key))
        return words[0]
    return word


def read_duration(
    fields: Fields, parent: Mapping[str, Any], key: str, path: Path, default: float
) -> float:
    """Seconds of a duration field."""
    text = fields.string(parent.get(key), (*path, key))
    if not text:
        return default
    try:
        return duration.parse(text)
    except ValueError as error:
        fields.fault(str(error), (*path, key))
        return default


def _auth(fields: Fields, value: Any, kind: str) -> Auth:
    path: Path = ("spec", "auth")
    auth = fields.mapping(value, path)
    chosen = [name for name in AUTH_KINDS if auth.get(name) is not None]
    if len(chosen) != 1 or len(auth) != 1:
        fields.fault(f"must have exactly one of {', '.join(AUTH_KINDS)}", path)
        return Auth()
    name = chosen[0]
    path = (*path, name)
    if name in _CLUSTER_ONLY and kind == KEY_VAULT:
        fields.fault(
            "is the controller's or the node's identity: every namespace would share it",
            path,
            "use workloadIdentity, or a ClusterKeyVault that allows this namespace",
        )
    body = fields.mapping(auth[name], path)
    read = {key: fields.string(body.get(key), (*path, key)) for key in ("clientId", "tenantId")}
    account, namespace = "", ""
    secret = certificate = None
    if name == "workloadIdentity":
        account = fields.string(body.get("serviceAccountName"), (*path, "serviceAccountName"))
        namespace = _namespace(fields, body, path, kind)
        if not account:
            fields.fault("is missing", (*path, "serviceAccountName"))
    elif name == "servicePrincipal":
        secret = _key_of(fields, body, "secretRef", path, kind)
        certificate = _key_of(fields, body, "certificateRef", path, kind)
        if (secret is None) == (certificate is None):
            fields.fault("must have exactly one of secretRef, certificateRef", path)
        if not read["clientId"]:
            fields.fault("is missing", (*path, "clientId"))
    return Auth(
        kind=name,
        client_id=read["clientId"],
        tenant_id=read["tenantId"],
        service_account=account,
        namespace=namespace,
        secret=secret,
        certificate=certificate,
    )


def _namespace(fields: Fields, body: Mapping[str, Any], path: Path, kind: str) -> str:
    namespace = fields.string(body.get("namespace"), (*path, "namespace"))
    if kind == KEY_VAULT and namespace:
        fields.fault("is not for a KeyVault: it uses its own namespace only", (*path, "namespace"))
        return ""
    if kind == CLUSTER_KEY_VAULT and not namespace:
        fields.fault("is missing: a ClusterKeyVault has no namespace", (*path, "namespace"))
    return namespace


def _key_of(
    fields: Fields, body: Mapping[str, Any], key: str, path: Path, kind: str
) -> KeyOf | None:
    if body.get(key) is None:
        return None
    path = (*path, key)
    reference = fields.mapping(body[key], path)
    names = {each: fields.string(reference.get(each), (*path, each)) for each in ("name", "key")}
    for each, text in names.items():
        if not text:
            fields.fault("is missing", (*path, each))
    return KeyOf(names["name"], names["key"], _namespace(fields, reference, path, kind))


def _allow(fields: Fields, value: Any, kind: str) -> tuple[Allowance, ...]:
    path: Path = ("spec", "allow")
    if value is None:
        return ()
    if kind == KEY_VAULT:
        fields.fault("is for a ClusterKeyVault: a KeyVault serves its own namespace", path)
        return ()
    found = []
    for index, item in enumerate(sequence(fields, value, path)):
        here = (*path, index)
        body = fields.mapping(item, here)
        selector = body.get("namespaceSelector")
        namespaces = strings(fields, body.get("namespaces"), (*here, "namespaces"))
        if (selector is None) == (not namespaces):
            fields.fault("must have exactly one of namespaces, namespaceSelector", here)
        if selector is not None:
            selector = fields.mapping(selector, (*here, "namespaceSelector"))
            _check_operators(fields, selector, (*here, "namespaceSelector", "matchExpressions"))
        objects = strings(fields, body.get("objects"), (*here, "objects"))
        if not objects:
            fields.fault("allows nothing", (*here, "objects"), 'name objects, or "*" for all')
        found.append(Allowance(namespaces, selector, objects))
    return tuple(found)


def _check_operators(fields: Fields, selector: Mapping[str, Any], path: Path) -> None:
    for index, item in enumerate(sequence(fields, selector.get("matchExpressions"), path)):
        if fields.mapping(item, (*path, index)).get("operator") not in _OPERATORS:
            fields.fault(f"must be one of {', '.join(_OPERATORS)}", (*path, index, "operator"))


def sequence(fields: Fields, value: Any, path: Path) -> list[Any]:
    """A list; null counts as empty."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    fields.fault("must be a list", path)
    return []


def strings(fields: Fields, value: Any, path: Path) -> tuple[str, ...]:
    """A list of strings."""
    items = sequence(fields, value, path)
    return tuple(fields.string(item, (*path, index)) for index, item in enumerate(items))
