"""What only several manifests together show: two of one name, or a vault that will not serve.

Pure: nothing here asks a cluster, so a vault that is not among the manifests is no fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sealer.errors import ManifestError
from sealer.fields import Path
from sealer.keyvault.names import matches_glob
from sealer.keyvault.references import FindEntry, TlsEntry, known_keys
from sealer.keyvault.resource import KeyVaultSecret
from sealer.keyvault.vaults import VaultResource
from sealer.manifest.names import is_name, is_namespace, missing_keys, refused_metadata

Finding = tuple[int, ManifestError]
"""Which of the manifests, and what is wrong with it."""


def names(resource: KeyVaultSecret | VaultResource) -> Iterator[ManifestError]:
    """What Kubernetes would refuse of the names in one manifest."""
    problem = "is no name Kubernetes takes: small letters, digits, '-' and '.'"
    given: list[tuple[str, Path]] = [(resource.name, ("metadata", "name"))]
    if isinstance(resource, KeyVaultSecret):
        given.append((resource.target.name or resource.name, ("spec", "target", "name")))
        given.append((resource.vault_name, ("spec", "vaultRef", "name")))
    own = given[0][1]
    if not resource.name:
        yield ManifestError("is missing", path=own)
    for name, path in given:
        if name and not is_name(name) and (path == own or name != resource.name):
            yield ManifestError(problem, path=path)
    space = resource.namespace
    if space and not is_namespace(space):
        yield ManifestError("is no namespace's name", path=("metadata", "namespace"))


def labels(manifest: Mapping[str, Any]) -> Iterator[ManifestError]:
    """What Kubernetes would refuse of labels and annotations: of the object, and of its Secret."""
    spec = manifest.get("spec")
    parts = spec if isinstance(spec, Mapping) else {}
    yield from refused_metadata(manifest.get("metadata"), ("metadata",))
    yield from refused_metadata(parts.get("target"), ("spec", "target"))
    template = parts.get("template")
    below = template.get("metadata") if isinstance(template, Mapping) else None
    yield from refused_metadata(below, ("spec", "template", "metadata"))


def vault_of(secret: KeyVaultSecret, vaults: Sequence[VaultResource]) -> VaultResource | None:
    """The vault it refers to, where that is among these."""
    for vault in vaults:
        spaces = {vault.namespace, secret.namespace}
        near = vault.is_cluster_wide or len(spaces) == 1 or "" in spaces
        if near and (vault.kind, vault.name) == (secret.vault_kind, secret.vault_name):
            return vault
    return None


def review_vaults(vaults: Sequence[VaultResource]) -> Iterator[Finding]:
    """Vaults that overwrite each other."""
    seen: set[str] = set()
    for index, vault in enumerate(vaults):
        if vault.title in seen:
            yield index, ManifestError("is there twice", path=("metadata", "name"))
        seen.add(vault.title)
        for number, grant in enumerate(vault.allow):
            for place, name in enumerate(grant.namespaces):
                if not is_namespace(name):
                    problem = "is no namespace's name, and is taken literally"
                    path: Path = ("spec", "allow", number, "namespaces", place)
                    hint = "choose several by namespaceSelector"
                    yield index, ManifestError(problem, path=path, hint=hint)


def review_secrets(
    secrets: Sequence[KeyVaultSecret], vaults: Sequence[VaultResource]
) -> Iterator[Finding]:
    """KeyVaultSecrets that overwrite each other, or whose vault cannot serve them."""
    seen: set[str] = set()
    for index, secret in enumerate(secrets):
        if secret.key in seen:
            yield index, ManifestError("is there twice", path=("metadata", "name"))
            continue
        seen.add(secret.key)
        yield from ((index, error) for error in _targets(secret, secrets[:index]))
        yield from ((index, error) for error in _vault(secret, vaults))
        yield from ((index, error) for error in _templates(secret))
        yield from ((index, error) for error in _merged(secret))


def doubts(secret: KeyVaultSecret) -> Iterator[ManifestError]:
    """What an API server takes and will not do: keys that ``RemoveKey`` cannot take out."""
    kind = secret.target.type or secret.template.type or ""
    if any(isinstance(entry, TlsEntry) for entry in secret.entries):
        kind = kind or "kubernetes.io/tls"
    if secret.on_vault_delete == "RemoveKey" and missing_keys(kind, ()):
        problem = f"cannot take keys out of a Secret of type {kind}: Kubernetes asks for them"
        hint = "the last values stay; say Keep, or DeleteSecret"
        yield ManifestError(problem, path=("spec", "onVaultDelete"), hint=hint)


def _targets(secret: KeyVaultSecret, others: Sequence[KeyVaultSecret]) -> Iterator[ManifestError]:
    """``Merge`` adds keys to a Secret that another one makes; two cannot fill one key."""
    path: Path = ("spec", "target", "name")
    for other in others:
        if (secret.namespace, secret.target.name) != (other.namespace, other.target.name):
            continue
        title = f"KeyVaultSecret {other.key.lstrip('/')}"
        if "Merge" not in (secret.target.creation, other.target.creation):
            problem = f"fills the Secret {secret.target.name}, as {title} does"
            hint = "let one make it, and the others add to it: target.creation: Merge"
            yield ManifestError(problem, path=path, hint=hint)
        elif shared := sorted(_keys(secret) & _keys(other)):
            problem = (
                f"fills {', '.join(shared)} of the Secret {secret.target.name}, as {title} does"
            )
            yield ManifestError(problem, path=path)


def _merged(secret: KeyVaultSecret) -> Iterator[ManifestError]:
    """What a Merge may not say of somebody else's Secret, and so is passed over."""
    if secret.target.creation != "Merge":
        return
    for place, said in (("target", secret.target), ("template", secret.template)):
        for name in ("type", "immutable"):
            if getattr(said, name):
                problem = "says nothing with target.creation: Merge: the Secret is another's"
                yield ManifestError(problem, path=("spec", place, name), hint="remove it")


def _templates(secret: KeyVaultSecret) -> Iterator[ManifestError]:
    """Templates that nobody will ever see: a raw key wins over one of its name."""
    raw = _raw_keys(secret)
    for key, text in secret.template.data.items():
        if text is not None and key in raw:
            path: Path = ("spec", "template", "data", key)
            hint = "name the raw key in template.omit, or give one of them another name"
            yield ManifestError("is never rendered: spec.data fills this key", path=path, hint=hint)


def _keys(secret: KeyVaultSecret) -> set[str]:
    return _raw_keys(secret) | {k for k, text in secret.template.data.items() if text}


def _raw_keys(secret: KeyVaultSecret) -> set[str]:
    """Those that ``spec.data`` is known to fill, without what ``template.omit`` takes away."""
    return {key for entry in secret.entries for key in known_keys(entry)} - set(secret.omit)


def _vault(secret: KeyVaultSecret, vaults: Sequence[VaultResource]) -> Iterator[ManifestError]:
    vault = vault_of(secret, vaults)
    same = [one for one in vaults if one.name == secret.vault_name]
    if vault is None:
        for one in same:
            if one.kind != secret.vault_kind:
                yield ManifestError(f"is a {one.kind}: say so", path=("spec", "vaultRef", "kind"))
            else:
                problem = f"is in namespace {one.namespace}, and serves that one only"
                hint = "make a KeyVault here, or a ClusterKeyVault that allows this namespace"
                yield ManifestError(problem, path=("spec", "vaultRef", "name"), hint=hint)
            return
        return
    if vault.is_cluster_wide:
        yield from _allowed(secret, vault)


def _allowed(secret: KeyVaultSecret, vault: VaultResource) -> Iterator[ManifestError]:
    """Refused whatever labels the namespace has."""
    grants = [
        one
        for one in vault.allow
        if one.selector is not None or not secret.namespace or secret.namespace in one.namespaces
    ]
    if not grants:
        where = f"namespace {secret.namespace}" if secret.namespace else "any namespace"
        problem = f"{vault.title} does not allow {where}"
        yield ManifestError(problem, path=("spec", "vaultRef", "name"), hint="see its spec.allow")
        return
    globs = [glob for one in grants for glob in one.objects]
    for index, entry in enumerate(secret.entries):
        if isinstance(entry, FindEntry):
            continue
        if not any(matches_glob(glob, entry.ref.name) for glob in globs):
            problem = f"{vault.title} does not allow this namespace to have the {entry.ref}"
            yield ManifestError(problem, path=("spec", "data", index), hint="see its spec.allow")
