"""``seal verify``: does every item open, and with which key."""

from __future__ import annotations

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._ui import UI
from sealer.errors import SealerError

EPILOG = """\b
Examples:
  seal verify sealed.yaml --key backup.yaml
  seal verify apps/*/sealed.yaml --key backup.yaml --quiet
"""


@click.command(name="verify", epilog=EPILOG)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@options.keys
@options.words
@click.pass_obj
def command(ui: UI, /, files: tuple[str, ...], keys: tuple[str, ...]) -> None:
    """Check that every item of the SealedSecrets in FILEs, or in standard input, opens.

    Prints a line for each SealedSecret that opens: place, name, scope, number of keys, and the
    fingerprints of the certificates that sealed it. Input without a SealedSecret fails.
    """
    from sealer.cli._inputs import SealedInputs
    from sealer.resealing import keys_in_use

    ring = options.load_ring(keys)
    inputs = SealedInputs(ui)
    for resource, sealed in inputs.read(files or ("-",)):
        try:
            used = keys_in_use(sealed, ring)
        except SealerError as error:
            inputs.errors.append(resource.locate(error))
            continue
        names = sorted({pair.fingerprint or pair.name for pair in used.values()})
        if not ui.quiet:
            count = len(sealed.encrypted_data) or bool(sealed.legacy_data)
            _ui.emit(
                f"{resource.document.source}\t{resource.title}\t{sealed.scope.value}\t"
                f"{count}\t{','.join(names)}\n"
            )
    ui.finish(inputs.errors)
