"""``seal keygen``: a sealing key pair as the controller would make it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from sealer.cli import _options as options
from sealer.cli._ui import UI
from sealer.errors import UsageError

EPILOG = """\b
Examples:
  seal keygen --cert-out sealing.pem --key-out sealing.key
  kubectl create secret tls my-sealing-key --cert sealing.pem --key sealing.key
"""


@click.command(name="keygen", epilog=EPILOG)
@click.option(
    "--cert-out",
    type=options.FILE,
    default="tls.crt",
    show_default=True,
    help="Certificate file to make.",
)
@click.option(
    "--key-out",
    type=options.FILE,
    default="tls.key",
    show_default=True,
    help="Private key file to make.",
)
@click.option("--bits", default=4096, show_default=True, type=click.IntRange(2048, 16384))
@click.option("--days", default=3650, show_default=True, type=click.IntRange(1, 36500))
@click.option("--common-name", default="", help="Common name of the certificate; none by default.")
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    cert_out: str,
    key_out: str,
    bits: int,
    days: int,
    common_name: str,
    force: bool,
) -> None:
    """Make a private key, readable by you alone, and its self-signed certificate.

    The controller takes it as a sealing key when it is stored as a kubernetes.io/tls Secret
    with the label sealedsecrets.bitnami.com/sealed-secrets-key=active.
    """
    from sealer.files.atomic import write_atomic
    from sealer.files.text import FileError
    from sealer.keys.pair import generate

    if cert_out == key_out:
        raise UsageError("certificate and private key need a file each")
    for path in (cert_out, key_out):
        if Path(path).exists() and not force:
            raise UsageError(f"{path} is there already", hint="another name, or --force")
    pair = generate(
        now=datetime.now(UTC),
        validity=timedelta(days=days),
        common_name=common_name,
        bits=bits,
    )
    fresh = not Path(cert_out).exists()
    write_atomic(cert_out, [pair.certificate.pem])
    try:
        write_atomic(key_out, [pair.private_pem()], private=True)
    except FileError:
        # A certificate without its key would make people seal what nobody can open.
        if fresh:
            Path(cert_out).unlink(missing_ok=True)
        raise
    ui.note(f"{cert_out}: certificate {pair.certificate.fingerprint}")
    ui.note(
        f"{key_out}: private key; keep it out of Git: echo '{Path(key_out).name}' >> .gitignore"
    )
