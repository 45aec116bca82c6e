"""``seal vault``: Key Vault manifests, judged and explained offline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sealer import __version__
from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._command import FileCommand
from sealer.cli._ui import UI, Failed
from sealer.errors import ManifestError, SealerError, each

if TYPE_CHECKING:
    from sealer.check.rules.vaults import VaultManifests
    from sealer.keyvault.resource import KeyVaultSecret

CHECK_EPILOG = """\b
Examples:
  seal vault check deploy/*.yaml
  kustomize build overlays/prod | seal vault check
"""
EXPLAIN_EPILOG = """\b
Examples:
  seal vault explain vault.yaml secret.yaml
"""


@click.group(name="vault")
def command() -> None:
    """Check and explain manifests of the Azure Key Vault half, offline."""


@command.command(name="check", cls=FileCommand, epilog=CHECK_EPILOG)
@click.argument("files", nargs=-1, type=options.FILE, metavar="[FILE]...")
@options.vault_suffixes
@options.findings
@options.words
@click.pass_obj
def check(
    ui: UI,
    /,
    files: tuple[str, ...],
    vault_suffixes: tuple[str, ...],
    format_name: str,
    strict: bool,
) -> None:
    """Find what cannot work in KeyVaults, ClusterKeyVaults and KeyVaultSecrets.

    Conflicting keys, patterns that RE2 does not take, names Azure cannot have, addresses that
    will not be asked, templates that do not parse, keys that YAML reads as booleans, unknown
    fields, two that fill one Secret, vaults that do not serve this namespace. Each with file and
    line; exit 1 if there is any. FILE may be a folder; all are judged as applied together.

    The rules are those of `seal check`, which judges what kustomize and Flux make of a tree.
    """
    from sealer.check import report
    from sealer.check.findings import in_order
    from sealer.check.tree import unreadable_at

    found, errors = _read(files or ("-",), vault_suffixes)
    unread = [unreadable_at(one.place, one) for one in each(*errors) if one.place]
    findings = in_order([*found.findings(), *unread])
    _ui.emit(report.write(findings, format_name, __version__), flush=True)
    ui.finish(one for one in each(*errors) if not one.place)
    if report.failed(findings, strict=strict):
        raise Failed("findings")
    if not findings:
        facts = f"{len(found.secrets)} KeyVaultSecrets and {len(found.vaults)} vaults"
        ui.note(f"no problems found in {facts}")


@command.command(name="explain", cls=FileCommand, epilog=EXPLAIN_EPILOG)
@click.argument("files", nargs=-1, type=options.FILE, metavar="[FILE]...")
@options.words
@click.pass_obj
def explain(ui: UI, /, files: tuple[str, ...]) -> None:
    """Say in words what will be fetched, by which identity, and how to grant it with az."""
    from sealer.keyvault import explain as words

    found, errors = _read(files or ("-",), None)
    users: dict[str, list[KeyVaultSecret]] = {}
    for _, secret in found.secrets:
        vault = found.vault_of(secret)
        if vault:
            users.setdefault(vault.title, []).append(secret)
        _ui.emit_lines(words.explain(secret, vault))
    for _, vault in found.vaults:
        _ui.emit_lines(words.explain_vault(vault, users.get(vault.title, ())))
    ui.finish([*errors, *(manifest.locate(fault) for manifest, fault in found.faults)])


def _read(
    paths: tuple[str, ...], suffixes: tuple[str, ...] | None
) -> tuple[VaultManifests, list[SealerError]]:
    """Everything of our group in files and folders, and what could not be opened."""
    from sealer.check.rules.vaults import VaultManifests, manifest_of
    from sealer.files.text import display
    from sealer.inputs.objects import resources_in

    errors: list[SealerError] = []
    found = VaultManifests(suffixes)
    found.read(map(manifest_of, resources_in(paths, errors)))
    if not found.count and not errors:
        names = ", ".join(map(display, paths))
        errors.append(ManifestError(f"{names}: there is no Key Vault manifest in it"))
    return found, errors
