"""``seal cert``: what a sealing certificate is, and whether it may still be used."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._ui import UI
from sealer.errors import UsageError

EPILOG = """\b
Examples:
  seal cert prod.pem
  seal cert https://sealed-secrets.example.com/v1/cert.pem -w prod.pem
  seal cert prod.pem -o json
"""


@click.command(name="cert", epilog=EPILOG)
@click.argument("location", required=False, metavar="[FILE|URL]")
@options.cert
@click.option("-o", "--format", "output_format", type=click.Choice(("text", "json", "pem")))
@options.write
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    location: str | None,
    certs: tuple[str, ...],
    output_format: str | None,
    write: str | None,
) -> None:
    """Show subject, validity, size and fingerprint of a sealing certificate.

    Exits with 1 when nothing may be sealed with it: expired, not yet valid, too small. With -w
    the certificate is saved as PEM.
    """
    from sealer.download import read_certificate
    from sealer.files import write_atomic

    if location and certs:
        raise UsageError("name the certificate once")
    place = options.certificate_location((location,) if location else certs)
    certificate = read_certificate(place)
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
        as_json = output_format == "json"
        text = "".join(f"{key + ':':<13}{value}\n" for key, value in facts.items())
        _ui.emit(json.dumps(facts, indent=2) + "\n" if as_json else text)
    options.check_certificate(certificate, place, ui, now=datetime.now(UTC))
