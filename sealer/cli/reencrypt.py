"""``seal reencrypt``: the same values for another key; only ciphertext changes in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._ui import UI
from sealer.errors import SealerError, UsageError

if TYPE_CHECKING:
    from sealer.cli._inputs import SealedInputs
    from sealer.fields import Path
    from sealer.keys import Certificate, KeyRing
    from sealer.manifest import Document, Resource
    from sealer.sealed import SealedSecret

EPILOG = """\b
Examples:
  seal reencrypt sealed.yaml --key old.key --cert new.pem > new.yaml
  seal reencrypt apps/*/sealed.yaml --key backup.yaml --cert new.pem -i
"""


@click.command(name="reencrypt", epilog=EPILOG)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@options.keys
@options.cert
@click.option("-i", "--in-place", is_flag=True, help="Write each file back, whole or not at all.")
@options.write
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    files: tuple[str, ...],
    keys: tuple[str, ...],
    certs: tuple[str, ...],
    in_place: bool,
    write: str | None,
) -> None:
    """Seal the items in FILEs, or in standard input, again for the key of --cert.

    Only the values under encryptedData change: comments, quotes, line ends and all other
    fields stay, the annotation that names the first certificate included. Items that the
    certificate's key sealed already are left alone, so a second run changes nothing; this needs
    that key among the --key files only when there are such items.
    """
    from sealer.files import write_atomic

    paths = files or ("-",)
    if in_place and (write or "-" in paths):
        raise UsageError("-i needs files, and no -w")
    if len(paths) > 1 and not in_place:
        raise UsageError("several files, and one output", hint="use -i to write each file back")
    ring = options.load_ring(keys)
    certificate = options.load_certificate(certs, ui)
    errors: list[SealerError] = []
    progress = ui.progress(len(paths), "re-encrypting")
    for path in paths:
        try:
            before, after = _reencrypted(ui, path, ring, certificate)
        except SealerError as error:
            errors.append(error)
            continue
        finally:
            progress.step()
        if not in_place:
            write_atomic(write, [after]) if write else _ui.emit(after)
        elif after != before:
            write_atomic(path, [after])
    progress.close()
    ui.finish(errors)


def _reencrypted(ui: UI, path: str, ring: KeyRing, certificate: Certificate) -> tuple[bytes, bytes]:
    """Return a file's bytes as they are and as they should be."""
    from sealer.cli._inputs import SealedInputs
    from sealer.errors import ManifestError, ManyErrors
    from sealer.files import display, read_text
    from sealer.manifest import read_documents

    text, encoding = read_text(path)
    inputs = SealedInputs(ui)
    pieces: list[str] = []
    found = False
    for document in read_documents(text, display(path)):
        sealed = list(inputs.of(document))
        found = found or bool(sealed)
        pieces.append(_edited(document, sealed, ring, certificate, inputs).text)
    if not found and not inputs.errors:
        inputs.errors.append(ManifestError(f"{display(path)}: there is no SealedSecret in it"))
    if inputs.errors:
        raise ManyErrors(inputs.errors)
    return encoding.encode(text), encoding.encode("".join(pieces))


def _edited(
    document: Document,
    sealed: list[tuple[Resource, SealedSecret]],
    ring: KeyRing,
    certificate: Certificate,
    inputs: SealedInputs,
) -> Document:
    from sealer.manifest.edit import replace_scalars
    from sealer.resealing import reseal, reseal_legacy

    values: dict[Path, str] = {}
    for resource, one in sealed:
        try:
            legacy = reseal_legacy(one, ring, certificate)
            changed = reseal(one, ring, certificate)
        except SealerError as error:
            inputs.errors.append(resource.locate(error))
            continue
        if legacy is not None:
            values[(*resource.path, "spec", "data")] = legacy
        for key, item in changed.items():
            values[(*resource.path, "spec", "encryptedData", key)] = item
    if not values:
        return document
    try:
        return replace_scalars(document, values)
    except SealerError as error:
        inputs.errors.append(error)
        return document
