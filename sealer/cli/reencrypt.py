"""``seal reencrypt``: the same values for another key; only ciphertext changes in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._certificates import Certificates, Wanted
from sealer.cli._command import FileCommand
from sealer.cli._ui import UI
from sealer.encoding import counted
from sealer.errors import UsageError

if TYPE_CHECKING:
    from sealer.cluster.location import Location
    from sealer.rotation.renewal import Renewals

EPILOG = """\b
Examples:
  seal reencrypt sealed.yaml --key old.key --cert new.pem > new.yaml
  seal reencrypt apps -i
  seal reencrypt apps clusters/prod --key backup.yaml --cert new.pem -i
"""


@click.command(name="reencrypt", cls=FileCommand, epilog=EPILOG)
@click.argument("paths", nargs=-1, type=options.FILE, metavar="[PATH]...")
@options.keys(required=False)
@options.cert
@options.controller
@click.option("-i", "--in-place", is_flag=True, help="Write each file back, whole or not at all.")
@options.write
@click.option("--no-journal", is_flag=True, help="Remember nothing of this run, nor of others.")
@options.namespace
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    paths: tuple[str, ...],
    keys: tuple[str, ...],
    wanted: Wanted,
    location: Location,
    in_place: bool,
    write: str | None,
    no_journal: bool,
    namespace: str,
) -> None:
    """Seal the items in PATHs, or in standard input, again for the key of --cert.

    A PATH is a file or a folder: of a folder, every YAML and JSON file that holds a
    SealedSecret. With --key it is done here; without, by the controller in the cluster for its
    newest key, and no private key leaves it.

    The certificate is that of each file's rule in .seal.toml, unless --cert names one. A file
    whose rule names another than the controller's is refused: it may be another cluster's.

    Only the values under encryptedData change, and the annotation that names their certificate:
    comments, quotes, line ends and all other fields stay. What the key sealed already is left
    alone, so a second run changes nothing, and one that was stopped goes on. Where no key can
    prove that, digests of what was written are remembered below ~/.local/state/seal/resealed.
    Of a folder, links that lead out of it are left alone.
    """
    from sealer.files.atomic import write_atomic
    from sealer.files.text import manifests_below
    from sealer.rotation.reseal_files import expand, reseal_files, reseal_one

    paths = paths or ("-",)
    if in_place and (write or "-" in paths):
        raise UsageError("-i needs files, and no -w")
    if not in_place and (len(paths) > 1 or manifests_below(paths[0]) is not None):
        raise UsageError("several files, and one output", hint="use -i to write each file back")
    renewals = choose_renewal(ui, keys, (wanted, location), journal=not no_journal)
    if not in_place:
        after = reseal_one(ui, expand(paths)[0][0], renewals, namespace=namespace)
        write_atomic(write, [after]) if write else _ui.emit(after)
        return
    outcome = reseal_files(ui, paths, renewals, namespace=namespace)
    if outcome.changed or len(paths) > 1 or manifests_below(paths[0]) is not None:
        ui.note(f"{counted(outcome.changed, 'file')} changed, {outcome.unchanged} left as they are")
    ui.finish(outcome.errors)


def choose_renewal(
    ui: UI, keys: tuple[str, ...], target: tuple[Wanted, Location], *, journal: bool
) -> Renewals:
    """Private keys where they are given, else the controller."""
    from sealer.rotation.renewal import ByController, ByRule

    wanted, location = target
    certificates = Certificates(wanted, location, ui)
    if keys:
        return ByRule(options.load_ring(keys), certificates, journal=journal)
    if wanted.certs:
        raise UsageError(
            "the controller seals for its own newest key, and takes no --cert",
            hint="give the old private keys with --key, or leave --cert out",
        )
    return ByController(certificates, journal=journal)
