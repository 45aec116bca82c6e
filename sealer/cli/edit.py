"""``seal edit``: a SealedSecret file in the user's editor, in memory, sealed again at the end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from sealer.cli import _options as options
from sealer.cli._command import FileCommand
from sealer.cli._ui import UI
from sealer.errors import SealerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealer.changes.edit import Changes
    from sealer.changes.sheet import Sheet
    from sealer.cli._certificates import Wanted
    from sealer.cluster.location import Location
    from sealer.inputs.sealed_file import Place, SealedFile

    Values = Callable[[Place], dict[str, bytes]]

EPILOG = """\b
Examples:
  seal edit apps/prod/db.yaml
  seal edit apps/prod/db.yaml --cert prod.pem
  seal edit apps/prod/db.yaml --from-cluster
"""


@click.command(name="edit", cls=FileCommand, epilog=EPILOG)
@click.argument("file", type=options.FILE, metavar="FILE")
@options.cert
@options.keys(required=False)
@click.option("--from-cluster", is_flag=True, help="Show values as the Secrets in the cluster say.")
@options.controller
@options.namespace
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    file: str,
    wanted: Wanted,
    keys: tuple[str, ...],
    from_cluster: bool,
    location: Location,
    namespace: str,
) -> None:
    """Change the SealedSecrets in FILE in $VISUAL or $EDITOR: add, replace, rename, remove keys.

    Values that are there are shown as sealed, with their size, and stay sealed: no private key
    is needed. With --key, or with --from-cluster and the right to read the Secret, they are
    shown. Only what you change is sealed anew; comments and all other bytes of FILE stay.

    The text you edit is on a memory-backed file system only; without one this command refuses.
    """
    from sealer.changes.sheet import Sheet
    from sealer.cli._certificates import Certificates
    from sealer.files.lock import exclusive
    from sealer.inputs.sealed_file import SealedFile

    sealed_file = SealedFile.read(file, namespace)
    places = sealed_file.places(ui)
    certificate = Certificates(wanted, location, ui).for_path(file)
    values: Values = lambda _: {}  # noqa: E731 one of three
    if keys:
        values = _with_keys(keys)
    elif from_cluster:
        values = _from_cluster(location)
    sheets = [Sheet(place.sealed, values(place)) for place in places]
    changes = _edited(ui, sheets)
    with exclusive(file):
        now = sealed_file.now()
        if now is not sealed_file:
            places = _places_now(now, places, changes)
        for place, change in zip(places, changes, strict=True):
            now.apply(place, change, certificate)
        written = now.write(ui)
    if not written:
        ui.note(f"{file}: nothing is changed")
        return
    for place, change in zip(places, changes, strict=True):
        for line in _report(place, change):
            ui.note(f"{file}: {place.title}: {line}")


def _edited(ui: UI, sheets: list[Sheet]) -> list[Changes]:
    """Let the user edit until it can be understood, or until nothing changes any more."""
    from sealer.changes.sheet import parse, render, with_trouble, without_trouble
    from sealer.files import scratch
    from sealer.files.text import read_text

    command = scratch.editor_command(os.environ)
    if scratch.may_keep_copies(command):
        ui.warn(f"{command[0]} may keep copies of what it shows on a disk; vim, emacs, nano do not")
    with scratch.memory_directory() as directory:
        path = directory / "secret.yaml"
        scratch.write_private(path, render(sheets))
        before = ""
        while True:
            scratch.edit(path, command)
            text = without_trouble(read_text(str(path))[0])
            try:
                return parse(text, sheets)
            except SealerError as error:
                if text == before:
                    raise
                before = text
                scratch.write_private(path, with_trouble(text, error))


def _places_now(now: SealedFile, places: list[Place], changes: list[Changes]) -> list[Place]:
    """The same SealedSecrets in a file that others wrote meanwhile.

    ChangedError where one of them, or a key that the user changed too, is not what was shown.
    """
    from sealer.files.atomic import ChangedError
    from sealer.notices import SILENT

    found = now.places(SILENT)
    same = []
    for place, change in zip(places, changes, strict=True):
        keys = {*change.values, *change.taken, *change.taken.values(), *change.removed}
        fitting = [
            one
            for one in found
            if one.title == place.title
            and all(
                one.sealed.encrypted_data.get(key) == place.sealed.encrypted_data.get(key)
                for key in keys
            )
        ]
        if len(fitting) != 1:
            problem = f"{now.path}: {place.title}: was changed meanwhile, and so were your keys"
            raise ChangedError(problem, hint="what is in the file now stays; edit it again")
        same += fitting
    return same


def _report(place: Place, change: Changes) -> list[str]:
    there = place.sealed.encrypted_data
    renamed = {old for old in change.taken.values() if old in change.removed}
    return [
        *(f"{'replaced' if key in there else 'added'} {key}" for key in change.values),
        *(
            f"{'renamed' if old in renamed else 'copied'} {old} to {new}"
            for new, old in change.taken.items()
        ),
        *(f"removed {key}" for key in sorted(change.removed - renamed)),
    ]


def _with_keys(keys: tuple[str, ...]) -> Values:
    from sealer.errors import UnsealError
    from sealer.unsealing import open_item

    ring = options.load_ring(keys)

    def values(place: Place) -> dict[str, bytes]:
        opened: dict[str, bytes] = {}
        for key, item in place.sealed.encrypted_data.items():
            try:
                opened[key] = open_item(item, ring, place.sealed.label(), key=key)[0]
            except UnsealError:
                continue  # shown as sealed
        return opened

    return values


def _from_cluster(location: Location) -> Values:
    from sealer.changes.edit import item_bytes
    from sealer.cluster.apiserver import ApiServer
    from sealer.cluster.keysecrets import read_secret

    server = ApiServer(location)

    def values(place: Place) -> dict[str, bytes]:
        secret = read_secret(server, place.sealed.namespace, place.sealed.name)
        # Another size is another value: the cluster has not seen this file yet.
        return {
            key: secret.data[key]
            for key, item in place.sealed.encrypted_data.items()
            if secret and key in secret.data and len(secret.data[key]) == item_bytes(item)
        }

    return values
