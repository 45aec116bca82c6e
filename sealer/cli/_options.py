"""Options that several commands share: the same name means the same thing everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sealer.cli._ui import UI
from sealer.errors import UsageError

if TYPE_CHECKING:
    from sealer.keys import Certificate, KeyRing
    from sealer.scope import Scope

_F = TypeVar("_F", bound=Callable[..., Any])

CERT_VARIABLE = "SEALED_SECRETS_CERT"
SCOPE_VARIABLE = "SEALED_SECRETS_SCOPE"
SCOPES = ("strict", "namespace-wide", "cluster-wide")
FORMATS = ("yaml", "json")


def words(function: _F) -> _F:
    """-q/--quiet and -v/--verbose."""

    def set_quiet(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        ctx.ensure_object(UI).quiet = value

    def set_verbose(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        ctx.ensure_object(UI).verbose = value

    quiet = click.option(
        "-q", "--quiet", is_flag=True, callback=set_quiet, expose_value=False, help="Errors only."
    )
    verbose = click.option(
        "-v", "--verbose", is_flag=True, callback=set_verbose, expose_value=False, help="Say more."
    )
    return quiet(verbose(function))


def cert(function: _F) -> _F:
    """--cert: where the sealing certificate is."""
    return click.option(
        "--cert",
        "certs",
        multiple=True,
        metavar="FILE|URL",
        help=f"Certificate to seal with (PEM).  [env: {CERT_VARIABLE}]",
    )(function)


def scope(function: _F) -> _F:
    """--scope."""
    return click.option(
        "--scope",
        type=click.Choice(SCOPES),
        help="Where the sealed values may be opened; the default is strict (this namespace and "
        f"name).  [env: {SCOPE_VARIABLE}]",
    )(function)


def keys(function: _F) -> _F:
    """--key: private keys, repeatable."""
    return click.option(
        "--key",
        "keys",
        multiple=True,
        required=True,
        metavar="FILE",
        help="Private key: PEM, or key Secrets as kubectl prints them; repeatable.",
    )(function)


def output_format(function: _F) -> _F:
    """-o/--format."""
    return click.option(
        "-o",
        "--format",
        "output_format",
        type=click.Choice(FORMATS, case_sensitive=False),
        help="Output format; the default is the input's.",
    )(function)


def write(function: _F) -> _F:
    """-w/--write."""
    return click.option(
        "-w", "--write", metavar="FILE", help="Write to this file, whole or not at all."
    )(function)


def certificate_location(certs: tuple[str, ...]) -> str:
    """Where the certificate is: the option, else the environment; one, or a UsageError."""
    if len(certs) > 1:
        raise UsageError("--cert was given more than once", hint="seal for one cluster at a time")
    location = certs[0] if certs else os.environ.get(CERT_VARIABLE, "")
    if not location:
        raise UsageError(
            "there is no certificate to seal with",
            hint=f"give --cert FILE or URL, or set {CERT_VARIABLE}",
        )
    return location


def load_certificate(certs: tuple[str, ...], ui: UI) -> Certificate:
    """Read and check the one certificate; warnings go to people."""
    from sealer.download import read_certificate

    location = certificate_location(certs)
    certificate = read_certificate(location)
    check_certificate(certificate, location, ui, now=datetime.now(UTC))
    if location.lower().startswith("http://"):
        ui.warn(f"{location}: plain http: whoever is in between can swap the certificate")
    return certificate


def check_certificate(certificate: Certificate, location: str, ui: UI, *, now: datetime) -> None:
    """Raise if nothing may be sealed with it; warn if that day is near."""
    from sealer.errors import KeyFileError

    try:
        warnings = certificate.check(now)
    except KeyFileError as error:
        raise KeyFileError(f"{location}: {error.message}", hint=error.hint) from None
    for warning in warnings:
        ui.warn(f"{location}: {warning}")


def load_ring(paths: tuple[str, ...]) -> KeyRing:
    """Read every key file into one ring."""
    from sealer.files import display, read_text
    from sealer.keyfile import read_keys
    from sealer.keys import KeyRing

    pairs = []
    for path in paths:
        pairs.extend(read_keys(read_text(path)[0], display(path)))
    return KeyRing.of(pairs)


def default_scope() -> Scope | None:
    """The scope that the environment asks for, None if it does not."""
    from sealer.scope import Scope

    word = os.environ.get(SCOPE_VARIABLE, "")
    return Scope.parse(word) if word else None
