"""``seal verify``: does every item open, and with which key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._command import FileCommand
from sealer.cli._ui import UI
from sealer.errors import ManifestError, SealerError

if TYPE_CHECKING:
    from sealer.cluster.location import Location
    from sealer.sealed import SealedSecret

EPILOG = """\b
Examples:
  seal verify sealed.yaml
  seal verify sealed.yaml --key backup.yaml
  seal verify apps/*/sealed.yaml --key backup.yaml --quiet
"""


@click.command(name="verify", cls=FileCommand, epilog=EPILOG)
@click.argument("files", nargs=-1, type=options.FILE, metavar="[FILE]...")
@options.keys(required=False)
@options.controller
@options.namespace
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    files: tuple[str, ...],
    keys: tuple[str, ...],
    location: Location,
    namespace: str,
) -> None:
    """Check that every item of the SealedSecrets in FILEs, or in standard input, opens.

    With --key it is done here, and else by the controller in the cluster. Prints a line for
    each SealedSecret that opens: file, name, scope, number of keys, and which certificates
    sealed it (the controller does not tell). Input without a SealedSecret fails, as does one
    that holds nothing or whose template does not parse.
    """
    from sealer.cluster.answer import ClusterError
    from sealer.inputs.sealed import SealedInputs

    ui.breakdown = _ui.UNCHECKED
    paths = options.inputs(files, *keys, kinds=("SealedSecret",))
    openers = _with_keys(keys) if keys else _with_controller(location)
    inputs = SealedInputs(ui, namespace=namespace)
    for resource, sealed in inputs.read(paths):
        try:
            _complete(sealed)
            names = openers(sealed)
            for doubt in _doubts(sealed):
                ui.warn(resource.locate(doubt).message)
        except ClusterError:
            raise  # the next one would fare no better
        except SealerError as error:
            inputs.errors.append(resource.locate(error))
            continue
        if not ui.quiet:
            count = len(sealed.encrypted_data) or int(bool(sealed.legacy_data))
            facts = (sealed.scope.value, str(count), ",".join(names) or "-")
            _ui.emit_fields(resource.document.source, resource.title, *facts)
    ui.finish(inputs.errors)


def _doubts(sealed: SealedSecret) -> Iterator[ManifestError]:
    """Keys that the API server takes in no Secret, though their items open."""
    from sealer.changes.edit import check_key

    for key in sealed.encrypted_data:
        try:
            check_key(key)
        except ManifestError as error:
            yield ManifestError(error.message, path=("spec", "encryptedData", key))


def _complete(sealed: SealedSecret) -> None:
    """Raise for what opens and makes no Secret: nothing is in it, or a template is no template."""
    from sealer.errors import ManyErrors
    from sealer.templating import faults

    if not (sealed.encrypted_data or sealed.legacy_data or sealed.template.data):
        raise ManifestError("holds no item", path=("spec",), hint="seal a Secret that has data")
    wrong = list(faults(sealed.template.data))
    if wrong:
        raise ManyErrors(wrong)


def _with_keys(keys: tuple[str, ...]) -> Callable[[SealedSecret], list[str]]:
    from sealer.resealing import keys_in_use

    ring = options.load_ring(keys)

    def names(sealed: SealedSecret) -> list[str]:
        used = keys_in_use(sealed, ring)
        return sorted({pair.fingerprint or pair.name for pair in used.values()})

    return names


def _with_controller(location: Location) -> Callable[[SealedSecret], list[str]]:
    from sealer.cluster.controller import Controller
    from sealer.manifest import to_json

    controller = Controller.at(location)

    def names(sealed: SealedSecret) -> list[str]:
        controller.verify(to_json(sealed.to_dict()).encode())
        return []

    return names
