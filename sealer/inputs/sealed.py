"""SealedSecrets out of files and streams, with every fault on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from sealer.changes.noted import by_key
from sealer.errors import ManifestError, SealerError
from sealer.files.text import STDIN, display, open_text
from sealer.manifest import Document, Resource, read_documents
from sealer.manifest.strangers import explain, passed_over
from sealer.notices import SILENT, Notices
from sealer.scope import Scope
from sealer.sealed import API_VERSION, KIND, SealedSecret


@dataclass
class SealedInputs:
    """Iterate once; then ``errors`` holds what failed, a file without SealedSecrets included."""

    notices: Notices
    errors: list[SealerError] = field(default_factory=list)
    namespace: str = ""
    """Of SealedSecrets that name none; the default is that of their file's rule."""

    def read(self, paths: tuple[str, ...]) -> Iterator[tuple[Resource, SealedSecret]]:
        """Yield each SealedSecret with its place."""
        for path in paths:
            found, failures = False, len(self.errors)
            try:
                with open_text(path) as (lines, _):
                    for document in read_documents(lines, display(path)):
                        for item in self.of(document):
                            found = True
                            warn_of_templates(self.notices, *item)
                            yield item
            except SealerError as error:
                self.errors.append(error)
                continue
            if not found and len(self.errors) == failures:
                problem = f"{display(path)}: there is no SealedSecret in it"
                self.errors.append(ManifestError(problem))

    def of(self, document: Document) -> Iterator[tuple[Resource, SealedSecret]]:
        """Yield the SealedSecrets of one document; others are passed over."""
        if document.is_empty:
            return
        try:
            if fault := passed_over(document):
                self.notices.warn(f"{fault}: passed over, it is no SealedSecret")
                return
            for resource in document.resources():
                if resource.kind != KIND or resource.api_version.split("/")[0] != "bitnami.com":
                    continue
                try:
                    sealed = SealedSecret.from_dict(resource.value)
                except SealerError as error:
                    self.errors.append(resource.locate(error))
                    continue
                self._warn_of_pruned(resource, sealed)
                yield resource, self._placed(sealed, document.source)
        except SealerError as error:
            explain(self.errors, document, error)

    def _placed(self, sealed: SealedSecret, source: str) -> SealedSecret:
        """With the namespace that kustomize, Flux or ``kubectl -n`` will give it."""
        if sealed.namespace or sealed.scope is Scope.CLUSTER_WIDE:
            return sealed
        namespace = self.namespace or _rules_namespace(source)
        if not namespace:
            return sealed
        return replace(sealed, metadata={**sealed.metadata, "namespace": namespace})

    def _warn_of_pruned(self, resource: Resource, sealed: SealedSecret) -> None:
        for name in sealed.pruned():
            problem = ManifestError(f"{name} is no field of {API_VERSION}: the cluster drops it")
            self.notices.warn(resource.locate(problem).message)


def _rules_namespace(source: str) -> str:
    from sealer.config.rulefile import find_rule

    found = None if source == display(STDIN) else find_rule(source)
    return found[0].namespace if found else ""


def warn_of_templates(notices: Notices, resource: Resource, sealed: SealedSecret) -> None:
    """Warn of templates that do not parse, or want a key that is not there."""
    if not sealed.template.data:
        return
    from sealer.templating import doubts

    for doubt in doubts(sealed.template.data, sealed.encrypted_data):
        notices.warn(resource.locate(doubt).message)


def warn_of_result(notices: Notices, documents: Iterable[Document]) -> None:
    """Warn of what changed documents hold: templates without their key, two clusters' items."""
    for document in documents:
        for resource, sealed in SealedInputs(SILENT).of(document):
            warn_of_templates(notices, resource, sealed)
            if len(set(by_key(sealed.fingerprint, sealed.encrypted_data).values())) > 1:
                mixed = ManifestError(
                    "its items are sealed with different certificates now: unless these are of one "
                    "cluster, no cluster opens it"
                )
                notices.warn(resource.locate(mixed).message)
