"""``seal get``: one value of a SealedSecret, decrypted with a private key at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._command import FileCommand
from sealer.cli._ui import UI
from sealer.errors import ManifestError, SealerError, UsageError

if TYPE_CHECKING:
    from sealer.manifest import Resource
    from sealer.sealed import SealedSecret

EPILOG = """\b
Examples:
  seal get apps/db.yaml password --key backup.yaml
  seal get apps/tls.yaml tls.key --key backup.yaml -w tls.key
  seal get apps/all.yaml password --name database --key backup.yaml
"""


@click.command(name="get", cls=FileCommand, epilog=EPILOG)
@click.argument("file", type=options.FILE, metavar="FILE")
@click.argument("item", metavar="ITEM")
@options.keys(required=True)
@options.namespace
@click.option("--name", default="", help="Which SealedSecret, where FILE holds several.")
@options.write
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    file: str,
    item: str,
    keys: tuple[str, ...],
    namespace: str,
    name: str,
    write: str | None,
) -> None:
    """Decrypt the one value ITEM of the SealedSecret in FILE and print it IN CLEAR, as it is.

    Nothing is added and nothing taken away: `$(seal get ...)` and pipes get the bytes that were
    sealed. On a terminal a line end is added, and bytes that are not text are refused. With -w
    it is written to a file that its owner alone can read.
    """
    from sealer.files.atomic import write_atomic
    from sealer.inputs.sealed import SealedInputs
    from sealer.unsealing import open_item

    inputs = SealedInputs(ui, namespace=namespace)
    found = list(inputs.read(options.inputs((file,), *keys)))
    ui.finish(inputs.errors)
    resource, sealed = _chosen(file, item, name, found)
    try:
        value, _ = open_item(
            sealed.encrypted_data[item],
            options.load_ring(keys),
            sealed.label(),
            key=item,
            prefer=sealed.fingerprint,
        )
    except SealerError as error:
        raise resource.locate(error) from None
    if write:
        write_atomic(write, [value], private=True)
    else:
        _ui.emit(_for_a_terminal(value) if _ui.stdout_is_terminal() else value)


def _chosen(
    file: str, item: str, name: str, found: list[tuple[Resource, SealedSecret]]
) -> tuple[Resource, SealedSecret]:
    """The SealedSecret that is meant: the one of this name, else the one that has the item."""
    named = [one for one in found if not name or one[1].name == name]
    if not named:
        there = ", ".join(sealed.name for _, sealed in found)
        problem = f"{file}: there is no SealedSecret {name} in it"
        raise UsageError(problem, hint=f"there is: {there}")
    having = [one for one in named if item in one[1].encrypted_data]
    if not having:
        there = ", ".join(sorted({key for _, sealed in named for key in sealed.encrypted_data}))
        raise ManifestError(f"{file}: there is no item {item} in it", hint=f"there is: {there}")
    if len(having) > 1:
        names = ", ".join(sealed.name for _, sealed in having)
        raise UsageError(f"{file}: several SealedSecrets have {item}: {names}", hint="use --name")
    return having[0]


def _for_a_terminal(value: bytes) -> bytes:
    """Text with a line end; escape sequences and binary bytes are kept from the terminal."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\0"
    if not all(char.isprintable() or char in "\n\t" for char in text):
        raise ManifestError("the value is not text", hint="pipe it to a program, or use -w FILE")
    return value if value.endswith(b"\n") else value + b"\n"
