"""``seal krm``: a KRM function for kustomize, as generator and as validator.

The generator hands out SealedSecrets whose names kustomize hashes, so that a change of a value
rolls the workloads; ciphertext must not be bound to its name then. The validator looks at what a
build made. Source: Kubernetes' KRM Functions Specification (ResourceList v1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from sealer.check import shown
from sealer.check.builds.model import GROUP, KIND
from sealer.check.findings import Finding
from sealer.check.rules import cleartext, identity, misspelt
from sealer.check.rules import sealed as sealed_rules
from sealer.check.rules.judge import Judge
from sealer.check.tree import Source, Tree, listing, mapping, read_objects, text_of, title
from sealer.errors import ManifestError
from sealer.manifest import Document, read_documents
from sealer.scope import Scope

GENERATOR = "SealedSecretGenerator"
VALIDATOR = "SealedSecretValidator"
NEEDS_HASH = "kustomize.config.k8s.io/needs-hash"


def read_request(text: str) -> tuple[Document, Mapping[str, Any]]:
    """The ResourceList on standard input, and its value; ManifestError for anything else."""
    documents = [one for one in read_documents(text, "<stdin>") if not one.is_empty]
    if len(documents) != 1 or documents[0].kind != "ResourceList":
        raise ManifestError(
            "standard input is no ResourceList",
            hint="kustomize runs this as a function; see docs/kustomize-flux.md",
        )
    return documents[0], documents[0].value


def generate(texts: Mapping[str, str], *, hashed: bool) -> list[dict[str, Any]]:
    """The SealedSecrets of these files; with ``hashed`` kustomize adds a hash to their names.

    Raises ManifestError for a file without one, and for strict ciphertext with a hashed name.
    """
    made: list[dict[str, Any]] = []
    for path, text in texts.items():
        found = [one for one in read_objects(path, text) if one.kind == KIND]
        if not found:
            raise ManifestError(f"{path}: there is no SealedSecret in it")
        made += [_generated(one, hashed=hashed) for one in found]
    return made


def validate(document: Document, value: Mapping[str, Any], judge: Judge) -> Iterator[Finding]:
    """What is wrong with the objects of a build, as far as they tell by themselves."""
    sources = [
        Source("<stdin>", document, ("items", index), item)
        for index, item in enumerate(listing(value.get("items")))
        if isinstance(item, dict)
    ]
    tree = Tree({}, tuple(sources), ())
    yield from cleartext.check_raw(tree, {})
    yield from misspelt.check_misspelt(tree)
    for source in sources:
        if source.kind != KIND or source.group != GROUP:
            continue
        intended = partial(_intended, Scope.of(_annotations(source)))
        yield from sealed_rules.check_sealed(source, judge, intended)
        alone = list(identity.check_alone(source, judge))
        yield from alone
        if not alone and not judge.keys:
            yield from _renamed(source)


def _intended(scope: Scope, path: str) -> Scope:
    """A build has no rule file: a wide scope is taken for meant."""
    return scope


def _renamed(source: Source) -> Iterator[Finding]:
    """A build renames the object and not its template: that is how it shows in a validator."""
    outer = identity.Identity.of(source.value.get("metadata"))
    template = mapping(mapping(source.value.get("spec")).get("template"))
    inner = identity.Identity.of(template.get("metadata"))
    if outer.scope is Scope.STRICT and inner.name and inner.name != outer.name:
        words = f"{source.title} is sealed for {shown.name(inner.name)}, and the build renames it"
        yield Finding(source.place("metadata", "name"), "renamed", words, "seal it for that name")
    elif outer.scope is not Scope.CLUSTER_WIDE and inner.namespace not in ("", outer.namespace):
        words = f"{source.title} is sealed for namespace {shown.name(inner.namespace)}"
        words += ", and the build moves it"
        place = source.place("metadata", "namespace")
        yield Finding(place, "moved", words, "seal it for that namespace")


def _generated(source: Source, *, hashed: bool) -> dict[str, Any]:
    scope = Scope.of(_annotations(source))
    if not hashed:
        return dict(source.value)
    if scope is Scope.STRICT:
        raise ManifestError(
            f"{source.path}: {title(source.value)} is sealed strict, and a hash changes its name",
            hint="seal it with --scope namespace-wide, or set spec.hash to false",
        )
    metadata = dict(mapping(source.value.get("metadata")))
    metadata["annotations"] = {**_annotations(source), NEEDS_HASH: "true"}
    return {**source.value, "metadata": metadata}


def _annotations(source: Source) -> Mapping[str, Any]:
    return mapping(mapping(source.value.get("metadata")).get("annotations"))


def files_of(config: Mapping[str, Any], key: str) -> list[str]:
    """A list of file names in a function's configuration."""
    return [one for one in listing(mapping(config.get("spec")).get(key)) if isinstance(one, str)]


def is_hashed(config: Mapping[str, Any]) -> bool:
    """Whether generated names get a hash: yes, unless ``spec.hash`` is false."""
    return mapping(config.get("spec")).get("hash") is not False


def kind_of(config: Any) -> str:
    """The kind of a function's configuration."""
    return text_of(mapping(config), "kind")
