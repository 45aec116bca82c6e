"""Manifests of the Azure Key Vault half: what the controller would refuse, or could never fetch.

``seal check`` judges what builds make of them, each build by itself, and what no build reads;
``seal vault check`` judges what it is given as one set. The rules are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sealer import errors
from sealer.check import shown
from sealer.check.builds.model import Build, Rendered
from sealer.check.findings import Finding, Place, Related
from sealer.check.tree import Tree, text_of, title
from sealer.convert.result import REPLACE
from sealer.errors import ManifestError, MissingKeyError, SealerError, dotted, each
from sealer.fields import Path
from sealer.keyvault import address, review, schema
from sealer.keyvault.references import ExpandEntry, FindEntry, known_keys
from sealer.keyvault.resource import KIND, KeyVaultSecret
from sealer.keyvault.vaults import (
    API_VERSION,
    CLUSTER_KEY_VAULT,
    GROUP,
    KEY_VAULT,
    VaultResource,
)
from sealer.manifest import Resource

_SUBSTITUTE = "substitute variables first, then check"
_VARIABLE = "${"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest of the group, and where a field of it is to be edited."""

    value: Mapping[str, Any]
    place: Callable[..., Place]
    """Takes the steps of a path."""
    related: tuple[Related, ...] = ()
    """What made it what it is, where that is not what stands there."""

    def locate(self, error: SealerError) -> SealerError:
        """A fault of it with its place."""
        path: Path = getattr(error, "path", ())
        at = self.place(*path)
        return error.at(errors.Place(at.path, at.line, title(self.value), path))

    def finding(self, rule: str, error: SealerError) -> Finding:
        """A fault of it as a finding."""
        path: Path = getattr(error, "path", ())
        steps = tuple(step if isinstance(step, int) else shown.key(step) for step in path)
        words = ": ".join(filter(None, (title(self.value), dotted(steps), error.problem)))
        return Finding(self.place(*path), rule, words, error.hint or "", self.related)


def manifest_of(resource: Resource) -> Manifest:
    """An object of a file that belongs to no tree."""
    document = resource.document

    def place(*path: str | int) -> Place:
        return Place(document.source, document.line((*resource.path, *path)))

    return Manifest(resource.value, place)


@dataclass
class VaultManifests:
    """What is read of manifests that are applied together."""

    suffixes: tuple[str, ...] | None = ()
    """DNS suffixes beyond Azure's clouds; None to leave addresses unchecked."""
    secrets: list[tuple[Manifest, KeyVaultSecret]] = field(default_factory=list)
    vaults: list[tuple[Manifest, VaultResource]] = field(default_factory=list)
    faults: list[tuple[Manifest, SealerError]] = field(default_factory=list)
    count: int = 0
    """How many manifests of the group were met."""

    def read(self, manifests: Iterable[Manifest]) -> None:
        """Read each that is of the group, with all of its faults."""
        for manifest in manifests:
            if text_of(manifest.value, "apiVersion").partition("/")[0] == GROUP:
                self.count += 1
                self.faults += [(manifest, fault) for fault in self._faults(manifest)]

    def vault_of(self, secret: KeyVaultSecret) -> VaultResource | None:
        """The vault that one refers to, where that was read."""
        return review.vault_of(secret, [vault for _, vault in self.vaults])

    def conflicts(self) -> Iterator[tuple[Manifest, SealerError]]:
        """What only all of them together show; names that are none are told of already."""
        named = [(where, one) for where, one in self.secrets if not any(review.names(one))]
        known_vaults = [(where, one) for where, one in self.vaults if not any(review.names(one))]
        vaults = [vault for _, vault in known_vaults]
        for index, error in review.review_vaults(vaults):
            yield known_vaults[index][0], error
        for index, error in review.review_secrets([secret for _, secret in named], vaults):
            yield named[index][0], error

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong with them."""
        yield from (one.finding("vault-manifest", fault) for one, fault in self.faults)
        yield from (one.finding("vault-conflict", fault) for one, fault in self.conflicts())
        for where, secret in self.secrets:
            yield from (where.finding("vault-policy", doubt) for doubt in review.doubts(secret))
        for manifest, _ in (*self.secrets, *self.vaults):
            for path in _paths_with(manifest.value, REPLACE.lower(), ()):
                left = ManifestError(f"still says {REPLACE}", path=path)
                yield manifest.finding("vault-placeholder", left)

    def _faults(self, manifest: Manifest) -> Iterator[SealerError]:
        """All faults of one; a field that is unknown and also told of otherwise is told once."""
        kind, spec = text_of(manifest.value, "kind"), manifest.value.get("spec")
        if manifest.value.get("apiVersion") != API_VERSION:
            yield ManifestError(f"must be {API_VERSION}", path=("apiVersion",))
        faults = [one for error in self._read(manifest, kind) for one in each(error)]
        told = {fault.path for fault in faults if isinstance(fault, ManifestError)}
        yield from (fault for fault in schema.refused(kind, spec) if fault.path not in told)
        yield from faults
        yield from review.labels(manifest.value)

    def _read(self, manifest: Manifest, kind: str) -> Iterator[SealerError]:
        try:
            if kind == KIND:
                secret = KeyVaultSecret.from_dict(manifest.value)
                self.secrets.append((manifest, secret))
                yield from review.names(secret)
                yield from _template_doubts(secret)
            elif kind in (KEY_VAULT, CLUSTER_KEY_VAULT):
                yield from self._address(manifest)
                vault = VaultResource.from_dict(manifest.value)
                self.vaults.append((manifest, vault))
                yield from review.names(vault)
            else:
                yield ManifestError("is no kind of this group", path=("kind",))
        except SealerError as error:
            yield error

    def _address(self, manifest: Manifest) -> Iterator[ManifestError]:
        url = text_of(manifest.value, "spec", "url")
        if self.suffixes is None or not url:
            return
        try:
            address.parse(url, self.suffixes)
        except address.AddressError as error:
            hint = _SUBSTITUTE if "$" in url else error.hint
            yield ManifestError(error.problem, hint=hint, path=("spec", "url"))


def check_vaults(
    builds: Sequence[Build],
    tree: Tree,
    read: Collection[str],
    suffixes: tuple[str, ...],
) -> Iterator[Finding]:
    """Judge the manifests of a tree: those of each build, and folder by folder the others.

    ``read`` are the files that builds read, and patches: what stands there is judged as a build
    makes it. A field that still holds a variable is not judged: something fills it later.
    """
    for build in builds:
        items = [one for one in build.objects if one.group == GROUP]
        yield from _settled([_built(one, build, tree) for one in items], suffixes)
    alone: dict[str, list[Manifest]] = {}
    for source in tree.sources:
        if source.group == GROUP and source.path not in read:
            folder = source.path.rpartition("/")[0]
            alone.setdefault(folder, []).append(Manifest(source.value, source.place))
    for manifests in alone.values():
        yield from _settled(manifests, suffixes)


def _settled(manifests: Sequence[Manifest], suffixes: tuple[str, ...]) -> Iterator[Finding]:
    found = VaultManifests(suffixes)
    found.read(manifests)
    found.faults = [one for one in found.faults if not _is_open(*one)]
    # Of names that a variable makes nothing is known, so nobody else has them either.
    found.secrets = [one for one in found.secrets if _VARIABLE not in str(one[1])]
    found.vaults = [one for one in found.vaults if _VARIABLE not in str(one[1])]
    yield from found.findings()


def _is_open(manifest: Manifest, error: SealerError) -> bool:
    """Whether the field that is at fault holds a variable."""
    value: Any = manifest.value
    for step in getattr(error, "path", ()):
        value = value.get(step) if isinstance(value, dict) else value
        if isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
    return _VARIABLE in str(value)


def _built(item: Rendered, build: Build, tree: Tree) -> Manifest:
    """What a build makes, at the place where it is written; else at the kustomization."""
    name = text_of(item.value, "metadata", "name")
    found = [
        one
        for one in tree.sources
        if one.path == item.origin and (one.kind, one.group) == (item.kind, item.group)
    ]
    named = [one for one in found if text_of(one.value, "metadata", "name") in name]
    source = next(iter(named or found), None)
    maker = _own(build)
    if source is None:
        return Manifest(item.value, lambda *_: maker)
    same = source.value.get("spec") == item.value.get("spec")
    related = () if same else (Related(maker, "its spec is what this makes of it"),)
    return Manifest(item.value, source.place, related)


def _own(build: Build) -> Place:
    """The Flux Kustomization or kustomization of a build."""
    if build.flux:
        return build.flux.place("spec")
    return Place(next(iter(build.own_files()), build.folder))


def _paths_with(value: object, word: str, path: Path) -> Iterator[Path]:
    if isinstance(value, str) and word in value.lower():
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _paths_with(item, word, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths_with(item, word, (*path, index))


def _template_doubts(secret: KeyVaultSecret) -> Iterator[SealerError]:
    if not secret.template.data:
        return
    from sealer.templating import doubts

    keys = {key for entry in secret.entries for key in known_keys(entry)}
    open_ended = any(isinstance(entry, (ExpandEntry, FindEntry)) for entry in secret.entries)
    for doubt in doubts(secret.template.data, dict.fromkeys(keys), siblings=False):
        words = doubt.problem
        if isinstance(doubt, MissingKeyError):
            if open_ended:
                continue
            words = f'there is no key "{doubt.missing}": it fails when it is rendered'
        yield ManifestError(words, path=("spec", "template", "data", str(doubt.key)))
