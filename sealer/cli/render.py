"""``seal render``: the Secret that a SealedSecret will become, to look at before a commit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._command import FileCommand
from sealer.cli._ui import UI
from sealer.errors import SealerError, UsageError

if TYPE_CHECKING:
    from sealer.keys.ring import KeyRing
    from sealer.sealed import SealedSecret
    from sealer.secret import Secret

EPILOG = """\b
Examples:
  seal render sealed.yaml
  seal render sealed.yaml --key backup.yaml
  seal render sealed.yaml --key backup.yaml --show-values
"""


@click.command(name="render", cls=FileCommand, epilog=EPILOG)
@click.argument("files", nargs=-1, type=options.FILE, metavar="[FILE]...")
@options.keys(required=False)
@click.option("--show-values", is_flag=True, help="Print the values IN CLEAR; needs --key.")
@options.namespace
@options.output_format
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    files: tuple[str, ...],
    keys: tuple[str, ...],
    show_values: bool,
    namespace: str,
    output_format: str | None,
) -> None:
    """Show the Secrets that the SealedSecrets in FILEs, or in standard input, will become.

    Each sealed value is shown as HIDDEN_ and its key, and so it is inside the templates of
    spec.template.data: a template can be checked before it is committed, without any key. With
    --key they are rendered with the true values too, so that it is known to work.
    """
    from sealer.inputs.sealed import SealedInputs
    from sealer.manifest import to_json, to_yaml

    if show_values and not keys:
        raise UsageError("--show-values needs the private key", hint="give it with --key")
    paths = options.inputs(files, *keys, kinds=("SealedSecret",))
    ring = options.load_ring(keys) if keys else None
    inputs = SealedInputs(ui, namespace=namespace)
    pieces: list[str] = []
    for resource, sealed in inputs.read(paths):
        try:
            manifest = _shown(sealed, ring, show_values=show_values)
        except SealerError as error:
            inputs.errors.append(resource.locate(error))
            continue
        if (output_format or ("json" if resource.document.json else "yaml")) == "json":
            pieces.append(to_json(manifest))
        else:
            pieces.append(("---\n" if pieces else "") + to_yaml(manifest))
    _ui.emit("".join(pieces))
    ui.finish(inputs.errors)


def _shown(sealed: SealedSecret, ring: KeyRing | None, *, show_values: bool) -> dict[str, Any]:
    """Return the Secret's manifest with readable values: true ones, or placeholders."""
    from sealer.errors import ManyErrors
    from sealer.unsealing import secret_of, unseal

    true = unseal(sealed, ring) if ring else None
    if true and (show_values or sealed.legacy_data):
        return _manifest(true, true.data if show_values else _hidden(true.data))
    placeholders = _hidden(sealed.encrypted_data)
    try:
        secret = secret_of(sealed, placeholders)
    except ManyErrors as error:
        if true:
            # It works with the true values, and only the placeholders do not fit.
            return _manifest(true, _hidden(true.data))
        raise _with_hint(error) from None
    return _manifest(secret, secret.data)


def _hidden(data: Mapping[str, object]) -> dict[str, bytes]:
    return {key: f"HIDDEN_{key}".encode() for key in data}


def _with_hint(error: SealerError) -> SealerError:
    hint = "it was tried with placeholders: --key tries it with the true values"
    from sealer.errors import ManyErrors, TemplateError

    if isinstance(error, ManyErrors):
        return ManyErrors([_with_hint(one) for one in error.errors])
    if isinstance(error, TemplateError):
        return TemplateError(error.message, key=error.key, hint=hint)
    return error


def _manifest(secret: Secret, data: Mapping[str, bytes]) -> dict[str, Any]:
    """Write text values as ``stringData``, which people can read, and others as ``data``."""
    from sealer import encoding

    manifest = secret.to_dict()
    del manifest["data"]
    texts: dict[str, str] = {}
    others: dict[str, str] = {}
    for key, value in data.items():
        try:
            texts[key] = value.decode()
        except UnicodeDecodeError:
            others[key] = encoding.encode(value)
    if others:
        manifest["data"] = others
    if texts or not others:
        manifest["stringData"] = texts
    return manifest
