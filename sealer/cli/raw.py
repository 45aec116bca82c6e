"""``seal raw``: one value in, one item of ``encryptedData`` out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._ui import UI
from sealer.errors import ManifestError, UsageError

if TYPE_CHECKING:
    from sealer.cluster import Location

EPILOG = """\b
Examples:
  printf %s "$PASSWORD" | seal raw --cert prod.pem --name db --namespace prod
  seal raw --cert prod.pem --scope cluster-wide tls.key
"""


@click.command(name="raw", epilog=EPILOG)
@click.argument("file", required=False, metavar="[FILE]")
@options.cert
@options.controller
@options.scope
@click.option("-n", "--namespace", default="", help="Namespace of the SealedSecret.")
@click.option("--name", default="", help="Name of the SealedSecret.")
@options.write
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    file: str | None,
    certs: tuple[str, ...],
    location: Location,
    scope: str | None,
    namespace: str,
    name: str,
    write: str | None,
) -> None:
    """Encrypt one value from FILE or standard input and print the item.

    The value is taken byte for byte, a newline at its end included; the item is printed
    without one.
    """
    from sealer.files import read_bytes, write_atomic
    from sealer.scope import Scope, label
    from sealer.sealing import seal_value
    from sealer.secret import MAX_BYTES

    chosen = Scope.parse(scope) if scope else options.default_scope() or Scope.STRICT
    try:
        bound = label(namespace, name, chosen)
    except ManifestError as error:
        option = "--namespace" if "namespace" in error.path else "--name"
        raise UsageError(
            f"{option} is needed with scope {chosen.value}",
            hint="the item opens only in the place it was sealed for",
        ) from None
    certificate = options.load_certificate(certs, location, ui)
    if file is None and _ui.stdin_is_terminal():
        ui.note("reading the value from standard input; end with Ctrl-D")
    value = read_bytes(file or "-")
    if len(value) > MAX_BYTES:
        raise ManifestError(f"the value has {len(value)} bytes, and Kubernetes takes {MAX_BYTES}")
    if file is None and value.endswith(b"\n"):
        ui.warn("the value ends in a newline, which is sealed too; printf %s writes none")
    item = seal_value(value, certificate, bound)
    if write:
        write_atomic(write, [item.encode()])
    else:
        _ui.emit(item + ("\n" if _ui.stdout_is_terminal() else ""))
