"""Will the ciphertext open after the build? Names, namespaces and scopes before and after.

A private key decides. Without one, what stands in the sealed file says for which namespace, name
and scope it was sealed: the SealedSecret's own metadata, or the template's, which ``seal`` and
kubeseal write there and people rarely change. Items are recognised by their ciphertext, so that
patches and generators on the way do not hide where they come from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sealer.check import shown
from sealer.check.builds.model import Build, Rendered, SealedIndex, items_of
from sealer.check.findings import Finding, Place
from sealer.check.rules.judge import Judge, Verdict
from sealer.check.tree import Source, mapping, text_of, title
from sealer.errors import SealerError
from sealer.scope import Scope, label


@dataclass(frozen=True, slots=True)
class Identity:
    """What binds a ciphertext: namespace, name, scope."""

    namespace: str
    name: str
    scope: Scope

    @classmethod
    def of(cls, metadata: Any) -> Identity:
        """Read it from a ``metadata``."""
        metadata = mapping(metadata)
        return cls(
            namespace=text_of(metadata, "namespace"),
            name=text_of(metadata, "name"),
            scope=Scope.of(mapping(metadata.get("annotations"))),
        )

    def label(self) -> bytes | None:
        """The OAEP label, None where a part of it is not known."""
        try:
            return label(self.namespace, self.name, self.scope)
        except SealerError:
            return None

    def __str__(self) -> str:
        place = "/".join(shown.name(one) for one in (self.namespace, self.name) if one)
        return place if self.scope is Scope.STRICT else f"{place} ({self.scope.value})"


def check_build(build: Build, index: SealedIndex, judge: Judge) -> Iterable[Finding]:
    """Whether every SealedSecret of a build opens."""
    for rendered in build.sealed():
        found: dict[tuple[str, Place], Finding] = {}
        for key, item in items_of(rendered.value).items():
            source = index.find(item, build, rendered)
            if source is None:
                finding = _put_in(rendered, index.at(rendered), key, item, judge)
            elif item:
                finding = _check_item(build, rendered, source, key, item, judge)
            else:
                finding = _empty(source, key)
            if finding:
                found.setdefault((finding.rule, finding.place), finding)
        yield from found.values()


def _put_in(
    rendered: Rendered, source: Source | None, key: str, item: str, judge: Judge
) -> Finding | None:
    """An item that a JSON patch puts in: for whom it was sealed, a key alone can tell."""
    if source is None or not judge.keys:
        return None
    final = Identity.of(rendered.value.get("metadata"))
    before = Identity.of(source.value.get("metadata"))
    inside = mapping(mapping(source.value.get("spec")).get("template")).get("metadata")
    labels = [one.label() for one in (before, Identity.of(inside))]
    verdict = judge.item(source.path, item, source.value, final.label(), labels)
    if verdict not in (Verdict.NO_KEY, Verdict.ELSEWHERE):
        return None
    words = f"{title(rendered.value)}: key {shown.key(key)}, which a patch puts in, does not open"
    cure = f"seal the patch's value for {final}"
    return Finding(source.place("spec", "encryptedData"), "does-not-open", words, cure)


def _empty(source: Source, key: str) -> Finding:
    words = f"{title(source.value)}: {shown.key(key)} is empty where it is applied"
    place = source.place("spec", "encryptedData", key)
    return Finding(place, "not-ciphertext", words, "seal a value: seal raw, or seal merge")


def check_alone(source: Source, judge: Judge) -> Iterable[Finding]:
    """Whether a SealedSecret that no kustomization includes opens as it stands."""
    yield from check_build(
        Build("", (Rendered(source.value, source.path),), frozenset({source.path})),
        SealedIndex([source]),
        judge,
    )


def _check_item(
    build: Build, rendered: Rendered, source: Source, key: str, item: str, judge: Judge
) -> Finding | None:
    final = _effective(Identity.of(rendered.value.get("metadata")), source, build)
    template = mapping(mapping(source.value.get("spec")).get("template")).get("metadata")
    before = Identity.of(source.value.get("metadata"))
    inside = Identity.of(template)
    # A namespace or name that one of the two leaves out is the other's.
    sealed_for = [
        Identity(before.namespace or inside.namespace, before.name or inside.name, before.scope),
        Identity(inside.namespace or before.namespace, inside.name or before.name, before.scope),
    ]
    if build.flux and not final.namespace and final.scope is not Scope.CLUSTER_WIDE:
        return _moved(build, rendered, source, sealed_for[0], final, certain=False)
    verdict = judge.item(
        source.path, item, source.value, final.label(), [one.label() for one in sealed_for]
    )
    if verdict is Verdict.OPENS:
        return None
    if verdict is Verdict.NO_KEY:
        words = f"{title(source.value)}: key {shown.key(key)}: no private key given opens it"
        return Finding(
            source.place("spec", "encryptedData", key), "does-not-open", words,
            "seal it for this cluster, or give the key that opens it with --key",
        )  # fmt: skip
    if verdict is Verdict.UNKNOWN_CERTIFICATE:
        return _unknown_certificate(source, key, judge)
    if verdict is Verdict.ELSEWHERE or not _same_place(final, sealed_for):
        return _moved(
            build, rendered, source, sealed_for[0], final, certain=verdict is Verdict.ELSEWHERE
        )
    return None


def _effective(final: Identity, source: Source, build: Build) -> Identity:
    """Whoever applies an object without a namespace gives it one: presumably the right one."""
    if final.namespace or build.flux:
        return final
    template = mapping(mapping(source.value.get("spec")).get("template")).get("metadata")
    namespace = Identity.of(source.value.get("metadata")).namespace
    return Identity(namespace or Identity.of(template).namespace, final.name, final.scope)


def _same_place(final: Identity, sealed_for: list[Identity]) -> bool:
    for one in sealed_for:
        if one.scope is not final.scope:
            continue
        # An unknown namespace can be any.
        same_namespace = not one.namespace or one.namespace == final.namespace
        if final.scope is Scope.CLUSTER_WIDE or (
            same_namespace and (final.scope is Scope.NAMESPACE_WIDE or one.name == final.name)
        ):
            return True
    return False


def _moved(
    build: Build,
    rendered: Rendered,
    source: Source,
    before: Identity,
    final: Identity,
    *,
    certain: bool,
) -> Finding:
    if before.scope is not final.scope:
        rule, what, field_path = "scope-changed", "annotations", ("metadata", "annotations")
        words = f"is sealed {before.scope.value}, and an annotation makes it {final.scope.value}"
        cure = f"take the annotation away, or seal it again with --scope {final.scope.value}"
    elif before.namespace != final.namespace and final.scope is not Scope.CLUSTER_WIDE:
        rule, what, field_path = "moved", "namespace", ("metadata", "namespace")
        there = (
            f"namespace {shown.name(final.namespace)}" if final.namespace else "no namespace at all"
        )
        home = shown.name(before.namespace) if before.namespace else "(none)"
        words = f"is sealed for namespace {home} and ends up in {there}"
        cure = f"seal it for {final}, or drop the setting that moves it"
        if not final.namespace:
            cure = "set metadata.namespace, or the Flux Kustomization's targetNamespace"
    else:
        rule, what, field_path = "renamed", "name", ("metadata", "name")
        words = f"is sealed for {before} and ends up as {final}"
        cure = (
            f"seal it for {final}, or with --scope namespace-wide and the Component of "
            "docs/kustomize-flux.md"
        )
    sure = "it does not open" if certain else "it will not open"
    return Finding(
        source.place(*field_path),
        rule,
        f"{title(source.value)} {words}: {sure}",
        cure,
        build.cause(rendered, what),
    )


def _unknown_certificate(source: Source, key: str, judge: Judge) -> Finding:
    from sealer.sealed import FINGERPRINT_ANNOTATION

    annotations = mapping(mapping(source.value.get("metadata")).get("annotations"))
    if FINGERPRINT_ANNOTATION in annotations:
        place = source.place("metadata", "annotations", FINGERPRINT_ANNOTATION)
        words = "its fingerprint is none of the certificates for this file"
    else:
        place = source.place("spec", "encryptedData", key)
        words = f"key {shown.key(key)} is sealed for an RSA key of another size or another key"
    return Finding(
        place,
        "unknown-certificate",
        f"{title(source.value)}: {words}{judge.known(source.path)}",
        "seal it with the right certificate; a private key (--key) makes this certain",
    )
