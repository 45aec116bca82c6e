"""``seal remove``: keys out of a SealedSecret file; needs no key and no cluster."""

from __future__ import annotations

import click

from sealer.cli import _options as options
from sealer.cli._command import FileCommand
from sealer.cli._ui import UI

EPILOG = """\b
Examples:
  seal remove apps/prod/db.yaml old-password
  seal remove sealed.yaml username password --name db
"""


@click.command(name="remove", cls=FileCommand, epilog=EPILOG)
@click.argument("file", type=options.FILE, metavar="FILE")
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@click.option("--name", default="", help="Which SealedSecret, where FILE holds several.")
@click.option("-n", "--namespace", default="", help="Which SealedSecret, by its namespace.")
@options.words
@click.pass_obj
def command(ui: UI, /, file: str, keys: tuple[str, ...], name: str, namespace: str) -> None:
    """Remove KEYs from the SealedSecret in FILE; every other byte stays.

    A key that is not there is an error, and then nothing is written.
    """
    from sealer.changes.edit import Changes
    from sealer.files.lock import exclusive
    from sealer.inputs.sealed_file import SealedFile

    with exclusive(file):
        sealed_file = SealedFile.read(file, namespace)
        place = sealed_file.choose(ui, name, namespace)
        sealed_file.apply(place, Changes(removed=frozenset(keys)), None)
        sealed_file.write(ui)
    ui.note(f"{file}: {place.title}: removed {', '.join(keys)}")
