"""``seal page``: one HTML file that seals in a browser, and whether a file is such a page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._ui import UI
from sealer.errors import SealerError, UsageError

if TYPE_CHECKING:
    from sealer.cli._certificates import Wanted
    from sealer.cluster.source import Source
    from sealer.keys.certificate import Certificate
    from sealer.page import Cluster

EPILOG = """\b
Examples:
  seal page --cert prod.pem -o seal.html
  seal page --cert prod=https://seal.example.com/v1/cert.pem --cert dev=dev.pem -o seal.html
  seal page --check seal.html --cert prod.pem
"""


@click.command(name="page", epilog=EPILOG)
@click.option(
    "--cert",
    "certs",
    multiple=True,
    metavar="[NAME=]FILE|URL",
    help="Certificate to seal with (PEM) and the cluster's name, else the file's; repeatable.",
)
@click.option("-o", "--output", type=options.FILE, metavar="FILE", help="Write the page here.")
@click.option(
    "--check", type=options.FILE, metavar="FILE", help="Check a page instead of making one."
)
@options.vouched
@options.words
@click.pass_obj
def command(ui: UI, /, wanted: Wanted, output: str | None, check: str | None) -> None:
    """Make a page that seals in a browser: one file, which works without a network.

    Nothing that is typed there is sent anywhere. The same certificates make the same page, byte
    for byte, so --check can tell whether a file is a page of this version and prints whom it
    seals for; with --cert it must be for exactly these.
    """
    from sealer.files.atomic import write_atomic
    from sealer.page import build

    if check is not None:
        if output:
            raise UsageError("--check writes nothing", hint="leave -o out")
        if wanted.fingerprints or wanted.accept_new:
            raise UsageError(
                "--check believes no place: --fingerprint and --accept-new-certificate are for "
                "making a page",
                hint="give the certificate: --cert cluster.pem",
            )
        _check(ui, check, wanted.certs)
        return
    if not wanted.certs:
        raise UsageError("no certificate", hint="name one at least: --cert cluster.pem")
    if output is None and _ui.stdout_is_terminal():
        raise UsageError("a page is nothing for a terminal", hint="name a file: -o seal.html")
    clusters = _clusters(ui, wanted)
    _check_usable(ui, clusters)
    page = build(clusters)
    if output is None:
        _ui.emit(page)
        return
    write_atomic(output, [page])
    ui.note(f"{output}: written, for {', '.join(cluster.name for cluster in clusters)}")


def _clusters(ui: UI, wanted: Wanted) -> list[Cluster]:
    """Whom a page seals for: each certificate is judged, as if it sealed now."""
    from sealer.cli._certificates import judged
    from sealer.page import named

    sources = map(_source, wanted.certs)
    return named((name, judged(source, wanted, ui)) for name, source in sources)


def _read(cert: str) -> tuple[str, Certificate]:
    name, source = _source(cert)
    return name, source.certificate()


def _source(cert: str) -> tuple[str, Source]:
    from sealer.cluster.source import Source

    name, _, place = cert.partition("=") if _is_named(cert) else ("", "", cert)
    if not place:
        raise UsageError("--cert is empty", hint="is the variable set?")
    return name.strip() or _stem(place), Source.file_or_url(place, alone=True)


def _is_named(cert: str) -> bool:
    """Whether it has a NAME: a place may hold a ``=``, but none before its first slash."""
    name, equals, _ = cert.partition("=")
    return bool(equals) and not any(char in name for char in "/\\:?")


def _stem(place: str) -> str:
    from pathlib import PurePath
    from urllib.parse import urlsplit

    # Every controller serves its certificate under the same file name.
    return urlsplit(place).hostname or PurePath(place).stem


def _check_usable(ui: UI, clusters: list[Cluster]) -> None:
    from sealer.cli._certificates import check_certificate
    from sealer.page.clusters import MAX_WIDELY_USABLE_BITS

    now = datetime.now(UTC)
    for cluster in clusters:
        check_certificate(cluster.certificate, cluster.name, ui, now=now)
        if cluster.certificate.bits > MAX_WIDELY_USABLE_BITS:
            bits = cluster.certificate.bits
            ui.warn(f"{cluster.name}: Safari does not seal with an RSA key of {bits} bits")


def _check(ui: UI, path: str, certs: tuple[str, ...]) -> None:
    from sealer import __version__
    from sealer.files.text import display, read_bytes
    from sealer.page import PageError, build, clusters_in, version_in
    from sealer.page.document import MAX_BYTES

    page, place = read_bytes(path, limit=MAX_BYTES), display(path)
    try:
        version, clusters = version_in(page), clusters_in(page)
    except SealerError as error:
        hint = "make a new one: seal page --cert cluster.pem"
        raise PageError(f"{place}: {error.message}", hint=hint) from None
    if version != __version__:
        raise PageError(
            f"{place}: says it is of seal {version}, and this is seal {__version__}",
            hint="check it with that version, or make a new one",
        )
    if build(clusters) != page:
        raise PageError(
            f"{place}: is not what seal {version} makes: somebody changed it",
            hint="do not use it: make a new one",
        )
    if certs:
        _compare(place, clusters, certs)
    for cluster in clusters:
        until = f"{cluster.certificate.not_after:%Y-%m-%d %H:%M} UTC"
        _ui.emit_fields(cluster.name, cluster.certificate.fingerprint, until)
    now = datetime.now(UTC)
    for cluster in clusters:
        try:
            for warning in cluster.certificate.check(now):
                ui.warn(f"{cluster.name}: {warning}")
        except SealerError as error:
            ui.warn(f"{cluster.name}: {error.message}")


def _compare(place: str, clusters: list[Cluster], certs: tuple[str, ...]) -> None:
    """PageError unless the page is for exactly these certificates, by the names that are given."""
    from sealer.page import PageError, named

    wanted = named(map(_read, certs))
    held, given = _names(clusters), _names(wanted)
    for fingerprint in held.keys() - given.keys():
        raise PageError(
            f"{place}: seals for {held[fingerprint][0]} as well, whose certificate was not given",
            hint=f"its fingerprint is {fingerprint}: whose is it?",
        )
    for fingerprint in given.keys() - held.keys():
        raise PageError(f"{place}: does not seal for {given[fingerprint][0]}")
    for fingerprint, names in held.items():
        # Whoever chooses prod must not seal for dev.
        if len(names) > len(given[fingerprint]):
            raise PageError(
                f"{place}: has one certificate under several names: {', '.join(names)}",
                hint="if that is meant, give it under each: --cert NAME=FILE",
            )
    for cluster, cert in zip(wanted, certs, strict=True):
        names = held[cluster.certificate.fingerprint]
        if _is_named(cert) and cluster.name not in names:
            raise PageError(f"{place}: calls {cluster.name} by another name: {', '.join(names)}")


def _names(clusters: list[Cluster]) -> dict[str, list[str]]:
    """The names of each certificate, by its fingerprint."""
    names: dict[str, list[str]] = {}
    for cluster in clusters:
        names.setdefault(cluster.certificate.fingerprint, []).append(cluster.name)
    return names
