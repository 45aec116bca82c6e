"""``seal convert``: other Key Vault syncers' manifests into ours, offline."""

from __future__ import annotations

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._command import FileCommand
from sealer.cli._ui import UI
from sealer.errors import ManifestError, SealerError
from sealer.inputs.objects import resources_in

EPILOG = """\b
Examples:
  seal convert externalsecret.yaml > keyvaultsecret.yaml
  kustomize build overlays/prod | seal convert
"""


@click.command(name="convert", cls=FileCommand, epilog=EPILOG)
@click.argument("files", nargs=-1, type=options.FILE, metavar="[FILE]...")
@options.words
@click.pass_obj
def command(ui: UI, /, files: tuple[str, ...]) -> None:
    """Turn ExternalSecrets, ClusterExternalSecrets and SecretStores (azurekv),
    SecretProviderClasses (azure) and AzureKeyVaultSecrets (akv2k8s) into KeyVaults and
    KeyVaultSecrets.

    What has no match stands in comments above each manifest. Give what belongs together, stores
    and what reads them, in one run; FILE may be a folder. Other documents are passed over.
    """
    from sealer.convert import Conversion
    from sealer.files.text import display

    errors: list[SealerError] = []
    conversion, known = Conversion(), False
    for resource in resources_in(files or ("-",), errors):
        try:
            if conversion.add(resource.value):
                known = True
            else:
                ui.note(f"{resource.document.source}: {resource.title} is passed over")
        except SealerError as error:
            errors.append(resource.locate(error))
    if not known and not errors:
        names = ", ".join(map(display, files or ("-",)))
        errors.append(ManifestError(f"{names}: there is nothing to convert in it"))
    ui.finish(errors)
    texts = (_text(one.manifest, one.notes) for one in conversion.finish())
    _ui.emit("---\n".join(dict.fromkeys(texts)))


def _text(manifest: dict[str, object], notes: list[str]) -> str:
    from sealer.encoding import printable
    from sealer.manifest import to_yaml

    comments = "".join(f"# {printable(line)}\n" for note in notes for line in note.splitlines())
    return comments + (to_yaml(manifest) if manifest else "")
