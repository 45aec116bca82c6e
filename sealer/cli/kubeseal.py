"""``seal kubeseal``: kubeseal's command line, its output, errors and exit codes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from sealer.cli import _ui
from sealer.errors import ManifestError, SealerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sealer.kubeseal.controller import Controller
    from sealer.kubeseal.kubeconfig import Kubeconfig
    from sealer.kubeseal.options import Options
    from sealer.kubeseal.sealing import Place, Request

PROGRAM = "seal kubeseal"
_NO_SECRETS = "no secrets found. Ensure the input is valid and UTF-8 encoded"
_NO_SEALED_SECRETS = "no sealed secrets found. Ensure the input is valid and UTF-8 encoded"


class _Raw(click.Command):
    """All arguments are kubeseal's to read, ``--help`` included."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.params["arguments"] = tuple(args)
        return []


@click.command(name="kubeseal", cls=_Raw, add_help_option=False)
def command(arguments: tuple[str, ...]) -> None:
    """Behave as kubeseal."""
    from sealer.kubeseal import VERSION
    from sealer.kubeseal.flagset import HelpWanted
    from sealer.kubeseal.options import flag_set, read

    flags = flag_set()
    try:
        options = read(flags, arguments, os.environ)
    except (UsageError, HelpWanted) as error:
        _emit_notes(flags.notes)
        _ui.say_plainly(f"Usage of {PROGRAM}:")
        words = "" if isinstance(error, HelpWanted) else f"{error.message}\n"
        _ui.emit(flags.listing() + words)
        raise click.exceptions.Exit(2 if words else 0) from None
    _emit_notes(flags.notes)
    if options.version:
        _ui.emit(f"kubeseal version: {VERSION}\n")
    elif options.help:
        _ui.emit(f"Usage of {PROGRAM}:\n{flags.listing()}")
    else:
        _run(options)


def _emit_notes(notes: list[str]) -> None:
    for note in notes:
        _ui.emit(f"{note}\n")


def _run(options: Options) -> None:
    try:
        _dispatch(_Session(options))
    except SealerError as error:
        _ui.say_plainly(f"error: {error.message}")
        raise _ui.Failed("failed") from None


class _Session:
    """One run: the options, and what is read or asked for when it is needed."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.output_file = options.output_file
        self.format = options.format

    @property
    def source(self) -> str:
        """What errors call the input."""
        return self.options.input_file or "<stdin>"

    def input_text(self) -> str:
        """The manifest on standard input or in -f."""
        from sealer.kubeseal.gofiles import read_manifest

        return read_manifest(self.options.input_file)[0]

    def kubeconfig(self) -> Kubeconfig:
        """The cluster that the flags and the environment name."""
        from sealer.kubeseal.kubeconfig import Kubeconfig

        return Kubeconfig(self.options.cluster, os.environ, self.options.kubeconfig)

    def controller(self) -> Controller:
        """The controller in that cluster."""
        from sealer.kubeseal.controller import Controller

        options = self.options
        return Controller(self.kubeconfig(), options.controller_namespace, options.controller_name)

    def certificate_pem(self) -> bytes:
        """The certificate of --cert, or the cluster's."""
        from sealer.kubeseal.certificate import read_certificate

        if self.options.cert:
            return read_certificate(self.options.cert)
        return self.controller().certificate()

    def request(self) -> Request:
        """How to seal, but for the namespace."""
        from datetime import UTC, datetime

        from sealer.kubeseal.sealing import Place, Request, certificate_of
        from sealer.scope import Scope

        return Request(
            certificate=certificate_of(self.certificate_pem(), datetime.now(UTC)),
            scope=Scope(self.options.scope),
            place=Place(),
            name=self.options.name,
            allow_empty=self.options.allow_empty_data,
        )

    def place(self) -> Place:
        """The namespace of -n or the kubeconfig; none where there is no kubeconfig."""
        from sealer.kubeseal.kubeconfig import KubeconfigError
        from sealer.kubeseal.sealing import Place

        try:
            return self.kubeconfig().place()
        except KubeconfigError:
            return Place()

    def emit(self, pieces: Iterable[str | bytes]) -> None:
        """Print results as they come, or write all of them to -w or nothing."""
        if not self.output_file:
            for piece in pieces:
                _ui.emit(piece)
            return
        from sealer.files.atomic import write_atomic
        from sealer.kubeseal import gofiles

        encoded = (one.encode() if isinstance(one, str) else one for one in pieces)
        write_atomic(gofiles.named(self.output_file), encoded, private=True)


def _dispatch(session: _Session) -> None:
    options = session.options
    if options.from_file and not options.raw:
        raise UsageError("--from-file requires --raw")
    _check_input(options)
    if options.re_encrypt and not session.output_file:
        session.output_file = options.input_file
    if session.output_file:
        _check_output(session)
    if options.recovery_unseal:
        _unseal(session)
        return
    if options.recovery_private_key and _ui.stderr_is_terminal():
        _ui.say_plainly(
            "warning: ignoring --recovery-private-key because unseal command not chosen "
            "with --recovery-unseal"
        )
    if options.validate:
        _validate(session)
    elif options.re_encrypt:
        _re_encrypt(session)
    elif options.fetch_cert:
        session.emit([session.certificate_pem()])
    elif options.merge_into:
        _merge(session)
    elif options.raw:
        _seal_raw(session)
    else:
        _seal(session)


def _check_input(options: Options) -> None:
    if options.input_file:
        try:
            with open(options.input_file, "rb"):  # noqa: PTH123 pathlib costs 5 ms at start
                return
        except OSError:
            problem = "Could not read file specified with --secret-file"
            raise UsageError(problem) from None
    if not options.raw and not options.fetch_cert and _ui.stdin_is_terminal():
        _ui.say_plainly("(tty detected: expecting json/yaml k8s resource in stdin)")


def _check_output(session: _Session) -> None:
    """A file that cannot be written is told before anything is done."""
    folder, name = os.path.split(session.output_file)
    if os.path.splitext(name)[1] in (".yaml", ".yml"):  # noqa: PTH122
        session.format = "yaml"
    if folder and not os.path.isdir(folder):  # noqa: PTH112
        raise ManifestError(f"open {folder}/.{name}: no such file or directory")
    if os.path.isdir(session.output_file):  # noqa: PTH112
        raise ManifestError(f"open {session.output_file}: is a directory")


def _seal(session: _Session) -> None:
    from sealer.kubeseal import sealing, writing
    from sealer.kubeseal.reading import read_secrets

    request = session.request()
    secrets = read_secrets(session.input_text(), session.source)
    if not secrets:
        raise ManifestError(_NO_SECRETS)
    homeless = any(not (one.get("metadata") or {}).get("namespace") for one in secrets)
    if homeless or session.options.cluster["namespace"]:
        request = request._replace(place=session.place())
    session.emit(writing.write(sealing.seal(secret, request), session.format) for secret in secrets)


def _seal_raw(session: _Session) -> None:
    from sealer.files.text import read_bytes
    from sealer.kubeseal import gofiles
    from sealer.kubeseal.sealing import check_raw, seal_raw
    from sealer.scope import Scope

    options, request = session.options, session.request()
    if request.scope is not Scope.CLUSTER_WIDE:
        request = request._replace(place=session.kubeconfig().place())
    check_raw(request)
    if len(options.from_file) > 1:
        raise UsageError(
            "must provide only one --from-file when encrypting a single item with --raw"
        )
    if options.from_file:
        before, equals, after = options.from_file[0].partition("=")
        value = gofiles.read(after if equals else before)
    else:
        if _ui.stdin_is_terminal():
            _ui.say_plainly("(tty detected: expecting a secret to encrypt in stdin)")
        value = read_bytes("-")
    session.emit([seal_raw(value, request)])


def _merge(session: _Session) -> None:
    from sealer.files.atomic import write_atomic
    from sealer.files.text import FileError
    from sealer.kubeseal import gofiles, merging, writing
    from sealer.kubeseal.reading import read_secrets

    options, request = session.options, session.request()
    output_format = writing.check_format(session.format) if options.format_given else ""
    text, encoding = gofiles.read_manifest(options.merge_into)
    if not os.access(options.merge_into, os.W_OK):
        raise FileError(f"open {options.merge_into}: permission denied")
    merging.target_of(text, options.merge_into)
    secrets = read_secrets(session.input_text(), session.source)
    if not secrets:
        raise ManifestError(_NO_SECRETS)
    request = request._replace(place=session.place())
    merged = merging.merge(text, options.merge_into, secrets, request, output_format)
    write_atomic(gofiles.named(options.merge_into), [encoding.encode(merged)])


def _unseal(session: _Session) -> None:
    from sealer.keys.ring import KeyRing
    from sealer.kubeseal import gofiles, recovery, writing
    from sealer.kubeseal.reading import decode_sealed_secret, documents_of

    pairs = []
    for path in session.options.recovery_private_key:
        pairs.extend(recovery.read_keys(gofiles.read(path), path))
    ring = KeyRing.of(pairs)
    documents = documents_of(session.input_text(), session.source)
    secrets = [recovery.unseal(decode_sealed_secret(one), ring) for one in documents]
    session.emit([writing.write(secret, session.format) for secret in secrets])


def _validate(session: _Session) -> None:
    from sealer.kubeseal.reading import read_sealed_secrets

    controller = session.controller()
    controller.connect()
    try:
        found = read_sealed_secrets(session.input_text(), session.source)
    except ManifestError:
        raise ManifestError("unable to decrypt sealed secret") from None
    if not found:
        raise ManifestError(_NO_SEALED_SECRETS)
    for _, sealed in found:
        controller.validate(sealed)


def _re_encrypt(session: _Session) -> None:
    from sealer.kubeseal import writing
    from sealer.kubeseal.controller import re_encrypted
    from sealer.kubeseal.reading import read_sealed_secrets
    from sealer.manifest import read_documents

    controller = session.controller()
    controller.connect()
    output_format = writing.check_format(session.format)
    text = session.input_text()
    found = read_sealed_secrets(text, session.source)
    if not found:
        raise ManifestError(_NO_SEALED_SECRETS)
    renewed = {
        document: re_encrypted(document, sealed, controller.rotate(sealed))
        for document, sealed in found
    }
    documents = [renewed.get(one, one) for one in read_documents(text, session.source)]
    source, asked = session.options.input_file, session.options.format_given
    if source and source == session.output_file and not asked:
        # A file that is written in place keeps its form.
        session.emit(one.text for one in documents)
    else:
        session.emit(writing.rewritten(documents, output_format))
