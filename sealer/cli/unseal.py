"""``seal unseal``: what the controller would make, offline, with private keys at hand."""

from __future__ import annotations

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._command import FileCommand
from sealer.cli._ui import UI
from sealer.errors import SealerError

EPILOG = """\b
Examples:
  kubectl get secret -n kube-system -o yaml \\
      -l sealedsecrets.bitnami.com/sealed-secrets-key | seal unseal sealed.yaml --key -
  seal unseal sealed.yaml --key old.pem --key new.pem | kubectl diff -f -
"""


@click.command(name="unseal", cls=FileCommand, epilog=EPILOG)
@click.argument("files", nargs=-1, type=options.FILE, metavar="[FILE]...")
@options.keys(required=True)
@options.namespace
@options.output_format
@options.write
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    files: tuple[str, ...],
    keys: tuple[str, ...],
    namespace: str,
    output_format: str | None,
    write: str | None,
) -> None:
    """Decrypt the SealedSecrets in FILEs, or in standard input, and print Secrets IN CLEAR.

    Those that fail are reported, the rest are printed all the same, and the exit code is 1. A
    file is written with -w only if all of them opened; its owner alone can read it.
    """
    from sealer.files.atomic import write_atomic
    from sealer.inputs.sealed import SealedInputs
    from sealer.manifest import to_json, to_yaml
    from sealer.unsealing import unseal

    paths = options.inputs(files, *keys, kinds=("SealedSecret",))
    ring = options.load_ring(keys)
    inputs = SealedInputs(ui, namespace=namespace)
    pieces: list[str] = []
    for resource, sealed in inputs.read(paths):
        try:
            secret = unseal(sealed, ring)
        except SealerError as error:
            inputs.errors.append(resource.locate(error))
            continue
        chosen = output_format or ("json" if resource.document.json else "yaml")
        if chosen == "json":
            pieces.append(to_json(secret.to_dict()))
        else:
            pieces.append(("---\n" if pieces else "") + to_yaml(secret.to_dict()))
    if write:
        ui.finish(inputs.errors)
        write_atomic(write, [piece.encode() for piece in pieces], private=True)
        return
    _ui.emit("".join(pieces))
    ui.finish(inputs.errors)
