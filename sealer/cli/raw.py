"""``seal raw``: one value in, one item of ``encryptedData`` out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._certificates import Certificates, Wanted
from sealer.cli._command import Unquoted
from sealer.cli._ui import UI
from sealer.cli._values import allow_empty, check_value
from sealer.errors import ManifestError, UsageError
from sealer.files.text import STDIN

if TYPE_CHECKING:
    from sealer.cluster.location import Location

EPILOG = """\b
Examples:
  printf %s "$PASSWORD" | seal raw --cert prod.pem --name db --namespace prod
  seal raw --cert prod.pem --scope cluster-wide --from-file tls.key
"""


@click.command(name="raw", cls=Unquoted, epilog=EPILOG)
@click.argument("file", required=False, type=options.FILE, metavar="[FILE]")
@click.option(
    "--from-file",
    type=options.FILE,
    metavar="FILE",
    help="The same as FILE, as kubeseal spells it.",
)
@options.cert
@options.controller
@options.scope
@click.option("-n", "--namespace", default="", help="Namespace of the SealedSecret.")
@click.option("--name", default="", help="Name of the SealedSecret.")
@allow_empty
@options.write
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    file: str | None,
    from_file: str | None,
    wanted: Wanted,
    location: Location,
    scope: str | None,
    namespace: str,
    name: str,
    write: str | None,
    allow_empty: bool,
) -> None:
    """Encrypt one value from FILE or standard input and print the item.

    The value is taken byte for byte, a newline at its end included; the item is printed
    without one. On a terminal it is asked for and not shown.
    """
    from sealer.files.atomic import write_atomic
    from sealer.files.text import exists
    from sealer.scope import Scope, label
    from sealer.sealing import seal_value

    chosen = Scope.parse(scope) if scope else options.default_scope() or Scope.STRICT
    try:
        bound = label(namespace, name, chosen)
    except ManifestError as error:
        option = "--namespace" if "namespace" in error.path else "--name"
        raise UsageError(
            f"{option} is needed with scope {chosen.value}",
            hint="the item opens only in the place it was sealed for",
        ) from None
    if file and from_file:
        raise UsageError("FILE was given twice", hint="seal one value at a time")
    if file and file != STDIN and not exists(file):
        raise UsageError(
            "FILE does not exist", hint="a value is piped in or read from a file, never an argument"
        )
    path = file or from_file or STDIN
    if (path, *wanted.certs).count(STDIN) > 1:
        raise UsageError("standard input can be read once", hint="put the rest into files")
    certificate = Certificates(wanted, location, ui).default()
    value = _value(path, typed=path == STDIN and _ui.stdin_is_terminal())
    check_value(ui, value, allow_empty=allow_empty, piped=path == STDIN)
    item = seal_value(value, certificate, bound)
    if write:
        write_atomic(write, [item.encode()])
    else:
        _ui.emit(item + ("\n" if _ui.stdout_is_terminal() else ""))


def _value(path: str, *, typed: bool) -> bytes:
    from sealer.files.text import read_bytes
    from sealer.secret import MAX_BYTES

    return _ui.ask_hidden("value").encode() if typed else read_bytes(path, limit=MAX_BYTES)
