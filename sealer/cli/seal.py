"""``seal seal``, the default command: Secrets in, SealedSecrets out, all else untouched."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._certificates import Certificates, Wanted
from sealer.cli._command import FileCommand
from sealer.cli._sealing_rules import by_path
from sealer.cli._ui import UI
from sealer.errors import UsageError

if TYPE_CHECKING:
    from sealer.cluster.location import Location
    from sealer.stream import Request

EPILOG = """\b
Examples:
  seal --cert prod.pem secret.yaml > sealed.yaml
  seal --cert prod.pem -i apps/*/secret.yaml
  kustomize build overlays/prod | seal --cert prod.pem
  kubectl create secret generic db --from-literal=a=b \\
      --dry-run=client -o yaml | seal --cert prod.pem -n prod
"""


@click.command(name="seal", cls=FileCommand, epilog=EPILOG)
@click.argument("files", nargs=-1, type=options.FILE, metavar="[FILE]...")
@options.cert
@options.controller
@options.scope
@click.option("-n", "--namespace", default="", help="Namespace of Secrets that name none.")
@click.option("--name", default="", help="Name of the Secret, whatever the input says.")
@click.option("--allow-empty-data", is_flag=True, help="Seal Secrets that hold no data.")
@click.option("--allow-no-secret", is_flag=True, help="Take input without any Secret.")
@options.output_format
@options.write
@click.option(
    "--output-dir",
    type=options.FILE,
    metavar="DIR",
    help="Write each input to a file of its name here.",
)
@click.option("-i", "--in-place", is_flag=True, help="Replace each file by its sealed form.")
@click.option("--check", is_flag=True, help="Seal nothing; exit 1 if a Secret is not sealed.")
@click.option(
    "--no-fingerprint",
    is_flag=True,
    help="Leave out the annotation that names the certificate.",
)
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    files: tuple[str, ...],
    wanted: Wanted,
    location: Location,
    write: str | None,
    output_dir: str | None,
    in_place: bool,
    check: bool,
    **asked: Any,
) -> None:
    """Encrypt the Secrets in FILEs, or in standard input.

    Documents of other kinds pass through untouched, SealedSecrets too. Nothing is written
    unless everything in a file could be sealed. The rules of .seal.toml (docs/config.md) choose
    certificate, scope and namespace by path, and may name files to write.
    """
    paths = options.inputs(files, *wanted.certs, kinds=("Secret", "SealedSecret"))
    targets = (write, output_dir, in_place and "-i")
    _check_usage(paths, targets, check, asked)
    if check:
        from sealer.inputs.unsealed import find_unsealed

        ui.finish(find_unsealed(paths))
        return
    from sealer.files.atomic import write_atomic
    from sealer.inputs import seal_files

    request = _request(asked)
    if write and not request.output_format:
        request = replace(request, output_format=seal_files.format_of(write))
    certificates = Certificates(wanted, location, ui)
    requests, outputs = by_path(paths, request, certificates, to_rules=not any(targets))
    seal_files.seal_outputs(outputs, ui)
    if in_place or output_dir:
        seal_files.seal_each(requests, ui, folder=output_dir)
        return
    with seal_files.seal_together(requests, ui) as sealed:
        if write:
            write_atomic(write, sealed.chunks())
        else:
            _ui.emit_all(sealed.chunks())


def _check_usage(
    paths: tuple[str, ...],
    targets: tuple[str | None, str | None, str | bool],
    check: bool,
    asked: dict[str, Any],
) -> None:
    _, output_dir, in_place = targets
    if sum(map(bool, targets)) > 1:
        raise UsageError("-w, --output-dir and -i exclude each other")
    if check and (any(targets) or asked["output_format"]):
        raise UsageError("--check writes nothing", hint="leave -w, --output-dir, -i and -o out")
    if (in_place or output_dir) and "-" in paths:
        raise UsageError("standard input has no name to write to", hint="use -w FILE")
    if in_place and asked["output_format"]:
        raise UsageError("-i keeps the format of the file", hint="use -w FILE with -o")
    if asked["name"] and len(paths) > 1:
        raise UsageError("--name is for one Secret, and there are several files")
    if output_dir and len({path.rpartition("/")[2] for path in paths}) < len(paths):
        raise UsageError("two inputs have the same file name", hint="use -i, or two runs")


def _request(asked: dict[str, Any]) -> Request:
    from sealer.scope import Scope
    from sealer.stream import Request

    scope = asked.pop("scope")
    return Request(
        certificate=None,
        scope=Scope.parse(scope) if scope else None,
        default_scope=options.default_scope(),
        allow_empty=asked.pop("allow_empty_data"),
        fingerprint=not asked.pop("no_fingerprint"),
        **asked,
    )
