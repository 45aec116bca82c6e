"""``seal convert``: other Key Vault syncers' manifests into ours, offline."""

from __future__ import annotations

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._ui import UI
from sealer.errors import ManifestError, SealerError

EPILOG = """\b
Examples:
  seal convert externalsecret.yaml > keyvaultsecret.yaml
  kustomize build overlays/prod | seal convert
"""


@click.command(name="convert", epilog=EPILOG)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@options.words
@click.pass_obj
def command(ui: UI, /, files: tuple[str, ...]) -> None:
    """Turn ExternalSecrets and SecretStores (azurekv), SecretProviderClasses (azure) and
    AzureKeyVaultSecrets (akv2k8s) into KeyVaults and KeyVaultSecrets.

    What has no match stands in comments above each manifest. Other documents are passed over.
    """
    from sealer.convert import Converted, convert
    from sealer.files import display, open_text
    from sealer.manifest import read_documents

    errors: list[SealerError] = []
    made: list[Converted] = []
    for path in files or ("-",):
        try:
            with open_text(path) as (lines, _):
                for document in read_documents(lines, display(path)):
                    for resource in document.resources() if not document.is_empty else ():
                        found = convert(resource.value)
                        if found is None:
                            ui.note(f"{display(path)}: {resource.title} is passed over")
                        made.extend(found or ())
        except SealerError as error:
            errors.append(error)
    if not made and not errors:
        names = ", ".join(map(display, files or ("-",)))
        errors.append(ManifestError(f"{names}: there is nothing to convert in it"))
    ui.finish(errors)
    _ui.emit("---\n".join(dict.fromkeys(_text(one.manifest, one.notes) for one in made)))


def _text(manifest: dict[str, object], notes: tuple[str, ...]) -> str:
    from sealer.manifest import to_yaml

    comments = "".join(f"# {note}\n" for note in notes)
    return comments + (to_yaml(manifest) if manifest else "")
