"""``seal merge``: keys added or replaced in a SealedSecret file, every other byte left alone."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._certificates import Certificates, Wanted
from sealer.cli._command import FileCommand
from sealer.cli._ui import UI
from sealer.cli._values import allow_empty
from sealer.errors import ManifestError, ManyErrors, SealerError, UsageError

if TYPE_CHECKING:
    from sealer.cluster.location import Location
    from sealer.fields import Path
    from sealer.inputs.sealed import SealedInputs
    from sealer.keys.certificate import Certificate
    from sealer.manifest import Document, Resource
    from sealer.sealed import SealedSecret
    from sealer.secret import Secret

EPILOG = """\b
Examples:
  seal merge --cert prod.pem -i sealed.yaml new-keys.yaml
  kubectl create secret generic db --from-literal=a=b --dry-run=client -o yaml |
      seal merge --cert prod.pem sealed.yaml - > merged.yaml
"""


@click.command(name="merge", cls=FileCommand, epilog=EPILOG)
@click.argument("into", type=options.FILE, metavar="INTO")
@click.argument("files", nargs=-1, required=True, type=options.FILE, metavar="SECRET...")
@options.cert
@options.controller
@options.scope
@options.namespace
@allow_empty
@click.option("-i", "--in-place", is_flag=True, help="Write INTO back, whole or not at all.")
@options.write
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    into: str,
    files: tuple[str, ...],
    wanted: Wanted,
    location: Location,
    scope: str | None,
    namespace: str,
    allow_empty: bool,
    in_place: bool,
    write: str | None,
) -> None:
    """Seal the Secrets in SECRET files into the SealedSecrets of the file INTO.

    INTO's name, namespace and scope bind the new items; labels and annotations go to its
    template. Where INTO holds several SealedSecrets, the Secret's name and namespace choose.
    """
    from sealer.files.atomic import write_atomic
    from sealer.files.lock import exclusive
    from sealer.files.text import display, read_text
    from sealer.inputs.sealed import SealedInputs, warn_of_result
    from sealer.manifest import read_documents
    from sealer.scope import Scope

    if in_place and write:
        raise UsageError("-w and -i exclude each other")
    options.inputs((into, *files), *wanted.certs)
    if into == "-" and in_place:
        raise UsageError("standard input cannot be written in place", hint="use -w FILE")
    narrowed = Scope.parse(scope) if scope else None
    certificate = Certificates(wanted, location, ui).for_path(into)
    errors: list[SealerError] = []
    secrets = _secrets(files, errors)
    for resource, secret in secrets:
        _doubt(ui, resource, secret)
        if not allow_empty:
            errors.extend(resource.locate(error) for error in _empty(secret))
    with exclusive(into) if in_place else nullcontext():
        text, encoding = read_text(into)
        documents = list(read_documents(text, display(into)))
        inputs = SealedInputs(ui, namespace=namespace)
        for resource, secret in secrets:
            try:
                at, place, sealed = _target(documents, secret, inputs, display(into))
                edits = _edits(place, sealed, secret, certificate, narrowed)
                documents[at] = _edited(documents[at], edits)
            except SealerError as error:
                errors.append(resource.locate(error))
        ui.finish(errors)
        warn_of_result(ui, documents)
        result = encoding.encode("".join(document.text for document in documents))
        if in_place:
            write_atomic(into, [result], expected=encoding.encode(text))
        elif write:
            write_atomic(write, [result])
        else:
            _ui.emit(result)


def _secrets(paths: tuple[str, ...], errors: list[SealerError]) -> list[tuple[Resource, Secret]]:
    from sealer.files.text import display, open_text
    from sealer.manifest import read_documents
    from sealer.secret import Secret

    found: list[tuple[Resource, Secret]] = []
    for path in paths:
        try:
            with open_text(path) as (lines, _):
                documents = list(read_documents(lines, display(path)))
            for document in documents:
                if document.is_empty:
                    continue
                for resource in document.resources():
                    if not resource.is_secret:
                        continue
                    try:
                        found.append((resource, Secret.from_dict(resource.value)))
                    except SealerError as error:
                        errors.append(resource.locate(error))
        except SealerError as error:
            errors.append(error)
    if not found and not errors:
        errors.append(ManifestError("there is no Secret to merge"))
    return found


def _doubt(ui: UI, resource: Resource, secret: Secret) -> None:
    from sealer.changes.edit import doubts

    for doubt in doubts(replace(secret, type=None)):  # it brings some of the keys alone
        ui.warn(resource.locate(doubt).message)


def _empty(secret: Secret) -> list[ManifestError]:
    hint = "is the variable set? if it is right, use --allow-empty"
    return [
        ManifestError("the value is empty", path=("data", key), hint=hint)
        for key, value in secret.data.items()
        if not value
    ]


def _target(
    documents: list[Document], secret: Secret, inputs: SealedInputs, into: str
) -> tuple[int, Resource, SealedSecret]:
    """Find the SealedSecret that a Secret is for: its namesake, or the only one."""
    found = [
        (at, resource, sealed)
        for at, document in enumerate(documents)
        for resource, sealed in inputs.of(document)
    ]
    if inputs.errors:
        raise ManyErrors(inputs.errors)
    if len(found) > 1:
        found = [
            item
            for item in found
            if item[2].name == secret.name
            and (not secret.namespace or item[2].namespace == secret.namespace)
        ]
    if len(found) != 1:
        how_many = "no" if not found else "more than one"
        raise ManifestError(f"{into} holds {how_many} SealedSecret for it")
    return found[0]


def _edits(
    place: Resource,
    sealed: SealedSecret,
    secret: Secret,
    certificate: Certificate,
    scope: Any,
) -> dict[Path, Any]:
    """What to put where: items, whose certificates they have, the template's metadata."""
    from sealer.changes import noted
    from sealer.scope import SCOPE_ANNOTATIONS
    from sealer.sealing import seal_into

    items = seal_into(sealed, secret, certificate, scope=scope)
    spec: Path = (*place.path, "spec")
    if sealed.legacy_data:
        raise ManifestError(
            "the file merged into is sealed in the form of 2018, as one value",
            hint="unseal it and seal it anew",
        )
    edits: dict[Path, Any] = {(*spec, "encryptedData", key): item for key, item in items.items()}
    noting = noted.after(sealed, items, certificate.fingerprint)
    if noting is not None:
        edits[(*place.path, *noted.PATH)] = noting
    metadata = sealed.template.metadata
    for field in ("labels", "annotations"):
        there = metadata.get(field) or {}
        for key, value in (secret.metadata.get(field) or {}).items():
            if key not in SCOPE_ANNOTATIONS and there.get(key) != value:
                edits[(*spec, "template", "metadata", field, key)] = value
    return edits


def _edited(document: Document, edits: dict[Path, Any]) -> Document:
    from sealer.manifest.edit import put, replace_scalars
    from sealer.manifest.nodes import ScalarNode, find

    node = document.node
    # What is there already goes in at once: each edit reads the whole document back.
    there = {
        path: value
        for path, value in edits.items()
        if "encryptedData" in path and node and isinstance(find(node, path), ScalarNode)
    }
    if there:
        document = replace_scalars(document, there, base64=True)
    for path, value in edits.items():
        if path not in there:
            document = put(document, path, value, base64="encryptedData" in path)
    return document
