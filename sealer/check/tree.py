"""The manifests of a Git tree: parsed once, only where their text has something to do with us.

A tree may hold thousands of files of which a few matter; a text is looked over with one regular
expression before it is parsed. What does not parse is kept as a fault, never passed over.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sealer import errors
from sealer.check import shown
from sealer.check.findings import Finding, Place
from sealer.errors import ManifestError, SealerError, each
from sealer.fields import Path
from sealer.manifest import Document, Resource, read_documents

KUSTOMIZATION_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
MANIFEST_ENDINGS = (".yaml", ".yml", ".json")
_INTERESTING = re.compile(
    r"Secret|HelmRelease|kustomize|toolkit\.fluxcd\.io"
    r"|argoproj\.io|helmCharts|sealed-secrets|PRIVATE KEY"
    r"|bitnami\.com|sealedsecrets|keyvault\.sealer\.dev|values[\w.-]*\.ya?ml\s*:",
)
_FIELDS = (
    "apiVersion kind resources bases components crds configurations generators transformers "
    "validators patches patchesJson6902 patchesStrategicMerge replacements secretGenerator "
    "configMapGenerator openapi helmCharts helmChartInflationGenerator valuesInline namespace "
    "namePrefix nameSuffix name path paths patch target env envs files literals"
)
_FIELD_NAMES = {name.casefold(): name for name in _FIELDS.split()}
# What people may call as they like.
_FREE = {"commonlabels", "commonannotations", "labels", "annotations", "pairs", "metadata"}
_MUST_PARSE = re.compile(
    r"kind\W+(?:(?:Sealed)?Secret|HelmRelease)\b|kustomize\.toolkit\.fluxcd\.io"
    r"|keyvault\.sealer\.dev"
)
MAX_PARSED_CHARACTERS = 64 * 2**20
"""A second or two a MiB: a stranger's tree must not cost more minutes of CI than that."""


def is_manifest(path: str) -> bool:
    """Whether a path may hold Kubernetes manifests."""
    return path.endswith(MANIFEST_ENDINGS) or posixpath.basename(path) == "Kustomization"


def is_kustomization(path: str) -> bool:
    """Whether a path is a kustomization file."""
    return posixpath.basename(path) in KUSTOMIZATION_NAMES


def is_values(path: str) -> bool:
    """Whether a path is a Helm values file, by its name."""
    return re.fullmatch(r"(.*[._-])?values([._-].*)?\.ya?ml", posixpath.basename(path)) is not None


@dataclass(frozen=True, slots=True)
class Source:
    """A Kubernetes object (or kustomization) of the tree and the text it stands in."""

    path: str
    document: Document
    at: Path
    value: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Its ``kind``, empty where that is no string."""
        kind = self.value.get("kind")
        return kind if isinstance(kind, str) else ""

    @property
    def api_version(self) -> str:
        """Its ``apiVersion``, empty where that is no string."""
        version = self.value.get("apiVersion")
        return version if isinstance(version, str) else ""

    @property
    def group(self) -> str:
        """The API group; empty for core."""
        return self.api_version.rpartition("/")[0]

    @property
    def title(self) -> str:
        """``Secret prod/db``, for messages."""
        return title(self.value)

    def place(self, *path: str | int) -> Place:
        """Where a field of it stands."""
        return Place(self.path, self.document.line((*self.at, *path)))


@dataclass(frozen=True, slots=True)
class Tree:
    """Everything of the tree that the rules look at."""

    texts: Mapping[str, str] = field(repr=False)
    """Every manifest's text by path."""
    sources: tuple[Source, ...]
    documents: tuple[tuple[str, Document], ...] = field(repr=False)
    """Documents that were looked into, with their path; those that do not parse too."""
    faults: tuple[Finding, ...] = ()

    def of_kind(self, kind: str, group: str) -> list[Source]:
        """Objects of a kind, by API group."""
        return [item for item in self.sources if item.kind == kind and item.group == group]

    def in_file(self, path: str) -> list[Source]:
        """All objects of a file, of whatever kind; none where it cannot be read."""
        try:
            return list(read_objects(path, self.texts.get(path, "")))
        except SealerError:
            return []


def read_tree(texts: Mapping[str, str], *, most: int = MAX_PARSED_CHARACTERS) -> Tree:
    """Parse what matters of the texts, by path relative to the root: ``most`` characters of it.

    What is beyond is a fault each, as what cannot be read is.
    """
    left = most
    sources: list[Source] = []
    documents: list[tuple[str, Document]] = []
    faults: list[Finding] = []
    for path, text in sorted(texts.items()):
        if not (is_kustomization(path) or is_values(path) or _INTERESTING.search(text)):
            continue
        try:
            for document in read_documents(text, path):
                if document.is_empty or not _wanted(path, document):
                    continue
                left -= len(document.text)
                if left < 0:
                    faults.append(unreadable(Place(path), "too much for one run"))
                    break
                documents.append((path, document))
                sources.extend(_sources(path, document, faults))
        except SealerError:
            faults.append(unreadable(Place(path), "too large"))
    return Tree(dict(texts), tuple(sources), tuple(documents), tuple(faults))


def read_objects(path: str, text: str) -> Iterator[Source]:
    """Parse every object of one text; faults raise SealerError."""
    for document in read_documents(text, path):
        if not document.is_empty:
            for resource in document.resources():
                yield Source(path, resource.document, resource.path, resource.value)


def unreadable(place: Place, why: str) -> Finding:
    """A manifest that cannot be read; ``why`` quotes nothing of it."""
    return Finding(place, "unreadable", f"cannot be read: {why}", "correct the manifest")


def unreadable_at(at: errors.Place, error: SealerError) -> Finding:
    """What cannot be read, at its place; its words name fields and quote no value."""
    words = f"{at.field}: {error.problem}" if at.field else error.problem
    found = unreadable(Place(at.file, at.line), words)
    return replace(found, hint=error.hint) if error.hint else found


def title(value: Mapping[str, Any]) -> str:
    """``Secret prod/db``, for messages; only what is a name is named."""
    metadata = mapping(value.get("metadata"))
    names = [metadata.get(key) for key in ("namespace", "name")]
    kind = value.get("kind")
    words = "/".join(shown.name(name) for name in names if isinstance(name, str) and name)
    return f"{shown.kind(kind) if isinstance(kind, str) else 'object'} {words}".strip()


def mapping(value: Any) -> Mapping[str, Any]:
    """The value where it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def listing(value: Any) -> list[Any]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text_of(value: Mapping[str, Any], *path: str) -> str:
    """The string at a path of mappings, empty where there is none."""
    found: Any = value
    for step in path:
        found = mapping(found).get(step)
    return found if isinstance(found, str) else ""


def as_kustomize_names(value: Any) -> Any:
    """Give a kustomization's fields their names: kustomize, as Go's JSON, ignores their case."""
    if isinstance(value, list):
        return [as_kustomize_names(item) for item in value]
    if not isinstance(value, dict):
        return value
    named: dict[str, Any] = {}
    for key, item in sorted(value.items()):
        name = _FIELD_NAMES.get(key.casefold())
        if name is None:
            named[key] = item if key.casefold() in _FREE else as_kustomize_names(item)
            continue
        item, before = as_kustomize_names(item), named.get(name)
        # The same field in two spellings: look at both.
        if isinstance(item, list) and isinstance(before, list):
            item = before + item
        elif isinstance(item, dict) and isinstance(before, dict):
            item = {**before, **item}
        named[name] = item
    return named


def _wanted(path: str, document: Document) -> bool:
    return (
        is_kustomization(path) or is_values(path) or _INTERESTING.search(document.text) is not None
    )


def _sources(path: str, document: Document, faults: list[Finding]) -> Iterable[Source]:
    try:
        if is_kustomization(path) or is_values(path):
            value = document.value
            if is_kustomization(path):
                value = as_kustomize_names(value)
            return [Source(path, document, (), value)] if isinstance(value, dict) else []
        return [Source(path, item.document, item.path, item.value) for item in _tolerant(document)]
    except SealerError as error:
        # Charts' templates and the like are not manifests; what calls itself one must be.
        must_parse = is_values(path) or _MUST_PARSE.search(document.text)
        if is_kustomization(path) or (must_parse and "{{" not in document.text):
            faults.extend(_faults(path, error))
        return []


def _tolerant(document: Document) -> Iterator[Resource]:
    """The objects of a document; what is not a mapping has none."""
    if isinstance(document.value, dict):
        yield from document.resources()


def _faults(path: str, error: SealerError) -> Iterator[Finding]:
    for one in each(error):
        # A boolean key or name is told by a rule of its own, and a doubled key has its words.
        if isinstance(one, ManifestError) and one.place:
            yield replace(unreadable_at(one.place, one), hint="correct the manifest")


def is_core_secret(manifest: Mapping[str, Any]) -> bool:
    """Whether this is Kubernetes' own Secret; other groups have kinds of that name."""
    version = manifest.get("apiVersion", "v1")
    kind = manifest.get("kind")
    return isinstance(kind, str) and kind.lower() == "secret" and version in ("v1", "", None)
