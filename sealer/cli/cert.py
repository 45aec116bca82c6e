"""``seal cert``: what a sealing certificate is, and whether it may still be used."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._certificates import Wanted, check_certificate, judged, source_of
from sealer.cli._ui import UI
from sealer.errors import UsageError

if TYPE_CHECKING:
    from sealer.cluster.location import Location

EPILOG = """\b
Examples:
  seal cert --context prod -w prod.pem
  seal cert prod.pem
  seal cert https://sealed-secrets.example.com/v1/cert.pem -w prod.pem
  seal cert prod.pem -o json
"""


@click.command(name="cert", epilog=EPILOG)
@click.argument("place", required=False, type=options.FILE, metavar="[FILE|URL]")
@options.cert
@options.controller
@click.option("-o", "--format", "output_format", type=click.Choice(("text", "json", "pem")))
@options.write
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    place: str | None,
    wanted: Wanted,
    location: Location,
    output_format: str | None,
    write: str | None,
) -> None:
    """Show subject, validity, size and fingerprint of a sealing certificate.

    Without FILE or URL it is the one that the controller in the cluster serves. Exits with 1
    when nothing may be sealed with it: expired, not yet valid, too small. With -w the
    certificate is saved as PEM.
    """
    from sealer.files.atomic import write_atomic

    if place and wanted.certs:
        raise UsageError("name the certificate once")
    source = source_of(place or wanted.place, location)
    if write or output_format == "pem" or wanted.fingerprints:
        # What is kept is sealed with later: it is judged as if that were now.
        certificate = judged(source, wanted, ui)
    else:
        certificate = source.certificate()
    if write:
        write_atomic(write, [certificate.pem])
    if output_format == "pem":
        _ui.emit(certificate.pem)
    elif output_format or not write:
        facts = {
            "subject": certificate.subject,
            "notBefore": certificate.not_before.isoformat(),
            "notAfter": certificate.not_after.isoformat(),
            "bits": certificate.bits,
            "fingerprint": certificate.fingerprint,
        }
        if output_format == "json":
            _ui.emit(json.dumps(facts, indent=2) + "\n")
        else:
            _ui.emit_lines(f"{key + ':':<13}{value}" for key, value in facts.items())
    check_certificate(certificate, source.title, ui, now=datetime.now(UTC))
