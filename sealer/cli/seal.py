"""``seal seal``, the default command: Secrets in, SealedSecrets out, all else untouched."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import click

from sealer.cli import _options as options
from sealer.cli import _ui
from sealer.cli._certificates import Certificates
from sealer.cli._sealing_rules import by_path
from sealer.cli._ui import UI
from sealer.errors import ManifestError, ManyErrors, NoDataError, SealerError, UsageError
from sealer.inputs.objects import explain, passed_over, with_replaced

if TYPE_CHECKING:
    from sealer.cluster.location import Location
    from sealer.files.text import Encoding
    from sealer.keys.certificate import Certificate
    from sealer.manifest import Document, Resource
    from sealer.scope import Scope
    from sealer.secret import Secret

EPILOG = """\b
Examples:
  seal --cert prod.pem secret.yaml > sealed.yaml
  seal --cert prod.pem -i apps/*/secret.yaml
  kustomize build overlays/prod | seal --cert prod.pem
  kubectl create secret generic db --from-literal=a=b \\
      --dry-run=client -o yaml | seal --cert prod.pem -n prod
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What one run was asked to do with each Secret."""

    certificate: Certificate | None
    scope: Scope | None
    default_scope: Scope | None
    name: str
    namespace: str
    allow_empty: bool
    allow_no_secret: bool
    fingerprint: bool
    output_format: str | None


@click.command(name="seal", epilog=EPILOG)
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
    "--fingerprint/--no-fingerprint",
    default=True,
    help="Note in an annotation which certificate sealed it (default: yes).",
)
@options.words
@click.pass_obj
def command(
    ui: UI,
    /,
    files: tuple[str, ...],
    certs: tuple[str, ...],
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
    paths = options.inputs(files, *certs)
    targets = (write, output_dir, in_place and "-i")
    _check_usage(paths, targets, check, asked)
    request = _request(asked)
    if write and not request.output_format:
        request = replace(request, output_format=_format_of(write))
    if check:
        _check(ui, paths)
        return
    certificates = Certificates(certs, location, ui)
    requests, outputs = by_path(paths, request, certificates, to_rules=not any(targets))
    _seal_to_outputs(ui, outputs)
    if in_place or output_dir:
        _seal_each(ui, requests, output_dir)
    else:
        _seal_together(ui, requests, write)


def _format_of(path: str) -> str | None:
    if path.endswith((".yaml", ".yml")):
        return "yaml"
    return "json" if path.endswith(".json") else None


def _base_name(path: str) -> str:
    return os.path.basename(path)  # noqa: PTH119 pathlib costs 5 ms at start


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
    names = [_base_name(path) for path in paths]
    if output_dir and len(set(names)) < len(names):
        raise UsageError("two inputs have the same file name", hint="use -i, or two runs")


def _seal_to_outputs(ui: UI, outputs: dict[str, list[tuple[str, Request]]]) -> None:
    """Seal one plaintext for several clusters: every form is made before any is written."""
    from sealer.files.atomic import make_directory, write_atomic
    from sealer.files.text import display, open_text

    errors: list[SealerError] = []
    made: list[tuple[str, list[bytes]]] = []
    for path, target, request in [(p, *one) for p, made in outputs.items() for one in made]:
        chosen = replace(request, output_format=request.output_format or _format_of(target))
        try:
            with open_text(path) as (lines, encoding):
                line = _Line(chosen, display(path), ui, encoding)
                made.append((target, [line.bom, *(piece.encode() for piece in line.run(lines))]))
        except SealerError as error:
            errors.append(error)
    ui.finish(errors)
    for target, pieces in made:
        make_directory(os.path.dirname(target) or ".")  # noqa: PTH120
        write_atomic(target, pieces)
        ui.note(f"{target}: written")


def _request(asked: dict[str, Any]) -> Request:
    from sealer.scope import Scope

    scope = asked.pop("scope")
    return Request(
        certificate=None,
        scope=Scope.parse(scope) if scope else None,
        default_scope=options.default_scope(),
        allow_empty=asked.pop("allow_empty_data"),
        **asked,
    )


def _check(ui: UI, paths: tuple[str, ...]) -> None:
    from sealer.files.text import display, open_text
    from sealer.manifest import read_documents

    findings: list[SealerError] = []
    for path in paths:
        try:
            with open_text(path) as (lines, _):
                for document in read_documents(lines, display(path)):
                    _raw_secrets(document, findings)
        except SealerError as error:
            findings.append(error)
    ui.finish(findings)


def _raw_secrets(document: Document, findings: list[SealerError]) -> None:
    if document.is_empty:
        return
    try:
        if not passed_over(document):
            for resource in document.resources():
                if is_secret(resource):
                    problem = ManifestError("is not sealed", hint="seal it: seal -i FILE")
                    findings.append(resource.locate(problem))
    except SealerError as error:
        explain(findings, document, error)


def _seal_each(ui: UI, requests: dict[str, Request], output_dir: str | None) -> None:
    from sealer.files.atomic import BackgroundWriter, make_directory
    from sealer.files.text import display, read_text

    errors: list[tuple[int, SealerError]] = []
    progress = ui.progress(len(requests), "sealing")
    with BackgroundWriter() as writer:
        for at, (path, request) in enumerate(requests.items()):
            try:
                text, encoding = read_text(path)
                line = _Line(request, display(path), ui, encoding)
                pieces = [piece.encode() for piece in line.run(text)]
                if output_dir:
                    make_directory(output_dir)
            except SealerError as error:
                errors.append((at, error))
            else:
                target = f"{output_dir}/{_base_name(path)}" if output_dir else path
                if output_dir or line.sealed:
                    before = None if output_dir else encoding.encode(text)
                    writer.put(at, target, [line.bom, *pieces], expected=before)
            progress.step()
    progress.close()
    errors.extend(writer.errors)
    ui.finish(error for _, error in sorted(errors, key=itemgetter(0)))


def _seal_together(ui: UI, requests: dict[str, Request], write: str | None) -> None:
    from sealer.files.atomic import write_atomic
    from sealer.files.spool import Spool
    from sealer.files.text import display, open_text

    errors: list[SealerError] = []
    with closing(Spool()) as out:
        end = ""
        for path, request in requests.items():
            try:
                with open_text(path) as (lines, encoding):
                    line = _Line(request, display(path), ui, encoding, end=end)
                    for piece in line.run(lines):
                        out.write(piece.encode())
                    end = line.end
            except SealerError as error:
                errors.append(error)
        ui.finish(errors)
        if write:
            write_atomic(write, out.chunks())
        else:
            _ui.emit_all(out.chunks())


def is_secret(resource: Resource) -> bool:
    """Whether this is a core Secret, or was meant to be one; other groups' Secrets are not."""
    return resource.kind.lower() == "secret" and "/" not in resource.api_version


@dataclass
class _Line:
    """The seal line for one input; ``run`` raises everything that failed, after the last piece."""

    request: Request
    source: str
    ui: UI
    encoding: Encoding
    end: str = ""
    """The last character written; empty at the beginning."""
    secrets: int = 0
    sealed: int = 0
    sealed_before: int = 0
    output_format: str | None = None
    errors: list[SealerError] = field(default_factory=list)

    @property
    def bom(self) -> bytes:
        """The byte order mark to keep: UTF-8's; other encodings become UTF-8."""
        return self.encoding.bom if self.encoding.name == "utf-8" else b""

    def run(self, lines: Iterable[str] | str) -> Iterator[str]:
        from sealer.manifest import read_documents

        self.output_format = self.request.output_format
        documents = 0
        for document in read_documents(lines, self.source):
            # Comments without an object may be a Secret that somebody commented out.
            if document.is_empty:
                continue
            documents += 1
            try:
                yield from self._document(document)
            except SealerError as error:
                explain(self.errors, document, error)
        if not documents:
            self.errors.append(ManifestError(f"{self.source}: is empty"))
        elif self.sealed or self.errors or self.request.allow_no_secret:
            pass
        elif self.sealed_before:
            self.ui.note(f"{self.source}: is already sealed")
        else:
            self.errors.append(
                ManifestError(
                    f"{self.source}: there is no Secret in it",
                    hint="if that is right, use --allow-no-secret",
                )
            )
        if self.errors:
            raise ManyErrors(self.errors)

    def _document(self, document: Document) -> Iterator[str]:
        from sealer.manifest import to_json, to_yaml

        replaced: dict[tuple[str | int, ...], Any] = {}
        if (fault := passed_over(document)) and self._fits(document):
            self.ui.warn(f"{fault}: passed on as it is, it is no Secret")
            yield from self._separated(document.text, document.newline)
            return
        failed = len(self.errors)
        for resource in document.resources():
            if not is_secret(resource):
                self.sealed_before += resource.kind == "SealedSecret"
                continue
            self.secrets += 1
            try:
                replaced[resource.path] = self._seal(resource)
                self.sealed += 1
            except SealerError as error:
                # A key that is no string is not among the data: that is told below, as the cause.
                if not (isinstance(error, NoDataError) and document.problems):
                    self.errors.append(resource.locate(error))
        if len(self.errors) > failed:
            return  # a Secret in clear is left in it
        fits = self._fits(document)
        if not replaced and fits:
            yield from self._separated(document.text, document.newline)
            return
        value = with_replaced(document.value, replaced)
        text = (to_json if self.output_format == "json" else to_yaml)(value)
        yield from self._separated(text.replace("\n", document.newline), document.newline)

    def _fits(self, document: Document) -> bool:
        """Whether a document can stand as it is in the output, whose format the first one is."""
        if self.output_format is None:
            self.output_format = "json" if document.json else "yaml"
        as_json = self.output_format == "json"
        # JSON is YAML, too: unless that was asked for, nothing is gained by rewriting it.
        return document.json == as_json or (document.json and not self.request.output_format)

    def _separated(self, text: str, newline: str) -> Iterator[str]:
        if self.end not in ("", "\n"):
            yield newline
        if self.end and self.output_format != "json" and not text.startswith("---"):
            yield f"---{newline}"
        self.end = text[-1]
        yield text

    def _seal(self, resource: Resource) -> dict[str, Any]:
        from sealer.changes.edit import doubts
        from sealer.scope import SCOPE_ANNOTATIONS
        from sealer.sealing import seal
        from sealer.secret import Secret

        assert self.request.certificate is not None  # noqa: S101 only --check goes without
        secret = self._named(Secret.from_dict(resource.value))
        if secret.dropped:
            where = resource.locate(ManifestError("left out of the sealed form: "))
            self.ui.note(f"{where.message}{', '.join(secret.dropped)}")
        for doubt in doubts(secret):
            self.ui.warn(resource.locate(doubt).message)
        scope = self.request.scope
        if scope is None and not SCOPE_ANNOTATIONS & secret.annotations.keys():
            scope = self.request.default_scope
        sealed = seal(
            secret,
            self.request.certificate,
            scope=scope,
            allow_empty=self.request.allow_empty,
            fingerprint=self.request.fingerprint,
        )
        return sealed.to_dict()

    def _named(self, secret: Secret) -> Secret:
        request = self.request
        if request.name and self.secrets > 1:
            raise ManifestError("--name is for one Secret, and there are several")
        name, namespace = request.name or secret.name, secret.namespace
        if request.namespace and namespace and namespace != request.namespace:
            raise ManifestError(
                f"is in namespace {namespace}, and --namespace says {request.namespace}",
                path=("metadata", "namespace"),
                hint="leave one of them out",
            )
        return replace(secret, name=name, namespace=namespace or request.namespace)
