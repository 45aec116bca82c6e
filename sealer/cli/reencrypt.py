"""``seal reencrypt``: the same values for another key; only ciphertext changes in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._ui import UI
from sealer.errors import SealerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealer.cli._inputs import SealedInputs
    from sealer.cluster import Location
    from sealer.fields import Path
    from sealer.keys import Certificate, KeyRing
    from sealer.manifest import Document, Resource
    from sealer.sealed import SealedSecret

    # The items of a SealedSecret that change, by their path in it.
    Renewal = Callable[[SealedSecret], dict[Path, str]]

EPILOG = """\b
Examples:
  seal reencrypt sealed.yaml --key old.key --cert new.pem > new.yaml
  seal reencrypt apps/*/sealed.yaml -i
  seal reencrypt apps/*/sealed.yaml --key backup.yaml --cert new.pem -i
"""


@click.command(name="reencrypt", epilog=EPILOG)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@options.keys(required=False)
@options.cert
@options.controller
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
    location: Location,
    in_place: bool,
    write: str | None,
) -> None:
    """Seal the items in FILEs, or in standard input, again for the key of --cert.

    With --key it is done here; without, by the controller in the cluster for its newest key,
    and no private key leaves it.

    Only the values under encryptedData change: comments, quotes, line ends and all other
    fields stay, the annotation that names the first certificate included. Items that the
    certificate's key sealed already are left alone, so a second run changes nothing; this needs
    that key among the --key files only when there are such items.
    """
    from sealer.cluster import ClusterError
    from sealer.files import write_atomic

    paths = options.inputs(files, *keys, *certs)
    if in_place and (write or "-" in paths):
        raise UsageError("-i needs files, and no -w")
    if len(paths) > 1 and not in_place:
        raise UsageError("several files, and one output", hint="use -i to write each file back")
    if certs and not keys:
        raise UsageError(
            "the controller seals for its own newest key, and takes no --cert",
            hint="give the old private keys with --key, or leave --cert out",
        )
    renew = (
        _with_keys(options.load_ring(keys), options.load_certificate(certs, location, ui))
        if keys
        else _with_controller(location)
    )
    errors: list[SealerError] = []
    progress = ui.progress(len(paths), "re-encrypting")
    for path in paths:
        try:
            before, after = _reencrypted(ui, path, renew)
        except ClusterError:
            raise
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


def _with_keys(ring: KeyRing, certificate: Certificate) -> Renewal:
    from sealer.resealing import reseal, reseal_legacy

    def renew(sealed: SealedSecret) -> dict[Path, str]:
        legacy = reseal_legacy(sealed, ring, certificate)
        items: dict[Path, str] = {} if legacy is None else {("spec", "data"): legacy}
        for key, item in reseal(sealed, ring, certificate).items():
            items[("spec", "encryptedData", key)] = item
        return items

    return renew


def _with_controller(location: Location) -> Renewal:
    from sealer.cluster import ClusterError
    from sealer.manifest import read_documents, to_json

    controller = location.connect()

    def _first_value(body: str) -> dict[str, Any]:
        document = next(read_documents(body, "the controller's answer"), None)
        value = document.value if document else None
        if not isinstance(value, dict) or not isinstance(value.get("spec"), dict):
            raise ClusterError("the controller answers with something else than a SealedSecret")
        return value

    def renew(sealed: SealedSecret) -> dict[Path, str]:
        body = controller.rotate(to_json(sealed.to_dict()).encode()).decode(errors="replace")
        answer = _first_value(body)
        # Bitnami's controller answers with another template and freezes it into new items: of
        # what it says, the ciphertext of the items that were asked for is all that counts.
        items = answer["spec"].get("encryptedData") or {}
        return {
            ("spec", "encryptedData", key): items[key]
            for key, old in sealed.encrypted_data.items()
            if isinstance(items.get(key), str) and items[key] != old
        }

    return renew


def _reencrypted(ui: UI, path: str, renew: Renewal) -> tuple[bytes, bytes]:
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
        pieces.append(_edited(document, sealed, renew, inputs).text)
    if not found and not inputs.errors:
        inputs.errors.append(ManifestError(f"{display(path)}: there is no SealedSecret in it"))
    if inputs.errors:
        raise ManyErrors(inputs.errors)
    return encoding.encode(text), encoding.encode("".join(pieces))


def _edited(
    document: Document,
    sealed: list[tuple[Resource, SealedSecret]],
    renew: Renewal,
    inputs: SealedInputs,
) -> Document:
    from sealer.cluster import ClusterError
    from sealer.manifest.edit import replace_scalars

    values: dict[Path, str] = {}
    for resource, one in sealed:
        try:
            renewed = renew(one)
        except ClusterError:
            raise  # the next file would fare no better
        except SealerError as error:
            inputs.errors.append(resource.locate(error))
            continue
        values.update({(*resource.path, *path): item for path, item in renewed.items()})
    if not values:
        return document
    try:
        return replace_scalars(document, values, base64=True)
    except SealerError as error:
        inputs.errors.append(error)
        return document
