"""``seal vault``: Key Vault manifests, judged and explained offline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._ui import UI
from sealer.errors import ManifestError, ManyErrors, SealerError
from sealer.fields import Path
from sealer.inputs.objects import resources_in

if TYPE_CHECKING:
    from sealer.keyvault.resource import KeyVaultSecret
    from sealer.keyvault.vaults import VaultResource
    from sealer.manifest import Resource

_SUBSTITUTE = "substitute variables first, then check"
CHECK_EPILOG = """\b
Examples:
  seal vault check deploy/*.yaml
  kustomize build overlays/prod | seal vault check
"""
EXPLAIN_EPILOG = """\b
Examples:
  seal vault explain vault.yaml secret.yaml
"""


def _suffixes(function: options._F) -> options._F:
    return click.option(
        "--vault-suffixes",
        default="",
        metavar="LIST",
        help="DNS suffixes that the controller allows beyond Azure's clouds.",
    )(function)


@click.group(name="vault")
def command() -> None:
    """Check and explain manifests of the Azure Key Vault half, offline."""


@command.command(name="check", epilog=CHECK_EPILOG)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@_suffixes
@options.words
@click.pass_obj
def check(ui: UI, /, files: tuple[str, ...], vault_suffixes: str) -> None:
    """Find what cannot work in KeyVaults, ClusterKeyVaults and KeyVaultSecrets.

    Conflicting keys, patterns that RE2 does not take, names Azure cannot have, addresses that
    will not be asked, templates that do not parse, keys that YAML reads as booleans, unknown
    fields, two that fill one Secret, vaults that do not serve this namespace. Each with file and
    line; exit 1 if there is any. FILE may be a folder.
    """
    inputs = _Inputs(tuple(filter(None, vault_suffixes.split(","))))
    inputs.read(files or ("-",))
    inputs.cross_check()
    inputs.warn_of_placeholders(ui)
    ui.finish(inputs.errors)
    ui.note(f"{len(inputs.secrets)} KeyVaultSecrets and {len(inputs.vaults)} vaults are well")


@command.command(name="explain", epilog=EXPLAIN_EPILOG)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@options.words
@click.pass_obj
def explain(ui: UI, /, files: tuple[str, ...]) -> None:
    """Say in words what will be fetched, by which identity, and how to grant it with az."""
    from sealer.keyvault import explain as words

    inputs = _Inputs(None)
    inputs.read(files or ("-",))
    users: dict[str, list[KeyVaultSecret]] = {}
    for _, secret in inputs.secrets:
        vault = inputs.vault_of(secret)
        if vault:
            users.setdefault(vault.title, []).append(secret)
        _ui.emit_lines(words.explain(secret, vault))
    for _, vault in inputs.vaults:
        _ui.emit_lines(words.explain_vault(vault, users.get(vault.title, ())))
    ui.finish(inputs.errors)


@dataclass
class _Inputs:
    """Reads everything of our group; faults with their places."""

    suffixes: tuple[str, ...] | None
    """None to leave addresses unchecked."""
    errors: list[SealerError] = field(default_factory=list)
    secrets: list[tuple[Resource, KeyVaultSecret]] = field(default_factory=list)
    vaults: list[tuple[Resource, VaultResource]] = field(default_factory=list)

    def read(self, paths: tuple[str, ...]) -> None:
        from sealer.files.text import display
        from sealer.keyvault.vaults import GROUP

        seen = 0
        for resource in resources_in(paths, self.errors):
            if resource.api_version.split("/")[0] != GROUP:
                continue
            seen += 1
            for error in self._resource(resource):
                self.errors.append(resource.locate(error))
        if not seen and not self.errors:
            names = ", ".join(map(display, paths))
            self.errors.append(ManifestError(f"{names}: there is no Key Vault manifest in it"))

    def _resource(self, resource: Resource) -> Iterator[SealerError]:
        """All faults of one; a field that is unknown and also told of otherwise is told once."""
        from sealer.keyvault import known, limits, vaults

        if resource.api_version != vaults.API_VERSION:
            yield ManifestError(f"must be {vaults.API_VERSION}", path=("apiVersion",))
        faults = [one for error in self._faults(resource) for one in _each(error)]
        told = {fault.path for fault in faults if isinstance(fault, ManifestError)}
        for path, meant in known.unknown_fields(resource.kind, resource.value.get("spec")):
            if path not in told:
                hint = f"did you mean {meant}?" if meant else None
                yield ManifestError("is no field of this kind", path=path, hint=hint)
        for fault in limits.outside(resource.kind, resource.value.get("spec")):
            if fault.path not in told:
                yield fault
        yield from faults

    def _faults(self, resource: Resource) -> Iterator[SealerError]:
        from sealer.keyvault import resource as secrets
        from sealer.keyvault import review, vaults

        try:
            if resource.kind == secrets.KIND:
                secret = secrets.KeyVaultSecret.from_dict(resource.value)
                self.secrets.append((resource, secret))
                yield from review.names(secret)
                yield from _template_doubts(secret)
            elif resource.kind in (vaults.KEY_VAULT, vaults.CLUSTER_KEY_VAULT):
                yield from self._address(resource)
                vault = vaults.VaultResource.from_dict(resource.value)
                self.vaults.append((resource, vault))
                yield from review.names(vault)
            else:
                yield ManifestError("is no kind of this group", path=("kind",))
        except SealerError as error:
            yield error

    def _address(self, resource: Resource) -> Iterator[ManifestError]:
        from sealer.keyvault import address

        spec = resource.value.get("spec")
        url = spec.get("url") if isinstance(spec, dict) else None
        if self.suffixes is None or not isinstance(url, str) or not url:
            return
        try:
            address.parse(url, self.suffixes)
        except address.AddressError as error:
            hint = _SUBSTITUTE if "$" in url else error.hint
            yield ManifestError(error.message, hint=hint, path=("spec", "url"))

    def vault_of(self, secret: KeyVaultSecret) -> VaultResource | None:
        """The vault it refers to, where that was read."""
        from sealer.keyvault.review import vault_of

        return vault_of(secret, [vault for _, vault in self.vaults])

    def cross_check(self) -> None:
        """What only all of them together show."""
        from sealer.keyvault.review import review_secrets, review_vaults

        vaults = [vault for _, vault in self.vaults]
        for index, error in review_vaults(vaults):
            self.errors.append(self.vaults[index][0].locate(error))
        for index, error in review_secrets([secret for _, secret in self.secrets], vaults):
            self.errors.append(self.secrets[index][0].locate(error))

    def warn_of_placeholders(self, ui: UI) -> None:
        """What a conversion left for a person to write."""
        from sealer.convert import REPLACE

        for resource, _ in (*self.secrets, *self.vaults):
            for path in _paths_with(resource.value, REPLACE.lower(), ()):
                error = ManifestError(f"still says {REPLACE}", path=path)
                ui.warn(resource.locate(error).message)


def _each(error: SealerError) -> list[SealerError]:
    return list(error.errors) if isinstance(error, ManyErrors) else [error]


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
    from sealer.keyvault.references import ExpandEntry, FindEntry, known_keys
    from sealer.templating import doubts

    if not secret.template.data:
        return
    keys = {key for entry in secret.entries for key in known_keys(entry)}
    open_ended = any(isinstance(entry, (ExpandEntry, FindEntry)) for entry in secret.entries)
    for doubt in doubts(secret.template.data, dict.fromkeys(keys), siblings=False):
        missing = "<no value>" in doubt.message
        if missing and open_ended:
            continue
        message = doubt.message.replace("it prints <no value>", "that fails when it is rendered")
        yield ManifestError(message, path=("spec", "template", "data", str(doubt.key)))
