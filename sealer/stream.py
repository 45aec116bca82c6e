"""A stream of manifests sealed: Secrets in, SealedSecrets out, every other byte untouched.

Pure: lines come in and text goes out, document by document, so that a stream takes no more memory
than its largest document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sealer.changes.edit import doubts
from sealer.errors import ManifestError, ManyErrors, NoDataError, SealerError, UsageError
from sealer.keys.certificate import Certificate
from sealer.manifest import Document, Resource, read_documents, to_json, to_yaml
from sealer.manifest.strangers import explain, passed_over
from sealer.notices import SILENT, Notices
from sealer.scope import SCOPE_ANNOTATIONS, Scope
from sealer.sealing import seal
from sealer.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be done with each Secret of an input."""

    certificate: Certificate | None
    """Without one nothing can be sealed; None until it is known."""
    scope: Scope | None = None
    """Of every Secret, whatever its annotations say."""
    default_scope: Scope | None = None
    """Of those whose annotations say nothing; None for strict."""
    name: str = ""
    """Of the one Secret, whatever the input says."""
    namespace: str = ""
    """Of Secrets that name none; another one is an error."""
    allow_empty: bool = False
    allow_no_secret: bool = False
    fingerprint: bool = True
    """Whether an annotation says which certificate sealed it."""
    output_format: str | None = None
    """``yaml`` or ``json``; None for that of the input."""


@dataclass
class SealingStream:
    """The seal line for one input."""

    request: Request
    source: str
    """The input's name for messages."""
    notices: Notices = SILENT
    end: str = ""
    """The last character of the output; empty at its beginning. An output goes on after another
    input's where that one's is given."""
    secrets: int = 0
    """How many Secrets were met."""
    sealed: int = 0
    sealed_before: int = 0
    """How many SealedSecrets were met."""
    output_format: str | None = None
    errors: list[SealerError] = field(default_factory=list)

    def run(self, lines: Iterable[str] | str) -> Iterator[str]:
        """Yield the output, piece by piece: Secrets sealed, all else as it stood.

        Raises ManyErrors with everything that failed, after the last piece: what was yielded is
        of use only when nothing is raised.
        """
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
            self.notices.note(f"{self.source}: is already sealed")
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
        replaced: dict[tuple[str | int, ...], Any] = {}
        if (fault := passed_over(document)) and self._fits(document):
            self.notices.warn(f"{fault}: passed on as it is, it is no Secret")
            yield from self._separated(document.text, document.newline)
            return
        failed = len(self.errors)
        for resource in document.resources():
            if not resource.is_secret:
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
        value = _with_replaced(document.value, replaced)
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
        if self.request.certificate is None:
            raise UsageError("there is no certificate to seal with")
        secret = self._named(Secret.from_dict(resource.value))
        if secret.dropped:
            where = resource.locate(ManifestError("left out of the sealed form: "))
            self.notices.note(f"{where.message}{', '.join(secret.dropped)}")
        for doubt in doubts(secret):
            self.notices.warn(resource.locate(doubt).message)
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


def _with_replaced(value: Any, replaced: dict[tuple[str | int, ...], Any]) -> Any:
    """The document's value with its Secrets replaced; a SecretList becomes a List."""
    if () in replaced:
        return replaced[()]
    for path, new in replaced.items():
        parent = value
        for step in path[:-1]:
            parent = parent[step]
        parent[path[-1]] = new
    _generic_lists(value)
    return value


def _generic_lists(value: Any) -> None:
    if isinstance(value, dict) and value.get("kind") == "SecretList":
        value.update(apiVersion="v1", kind="List")
        value.pop("metadata", None)
    if isinstance(value, dict) and isinstance(value.get("items"), list):
        for item in value["items"]:
            _generic_lists(item)
