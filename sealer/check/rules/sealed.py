"""What is wrong with a SealedSecret as it is written, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sealer import encoding
from sealer.check import shown
from sealer.check.credentials.verdict import in_text, is_credential, is_credential_name
from sealer.check.findings import Finding
from sealer.check.rules.cleartext import holds_credential
from sealer.check.rules.judge import Judge
from sealer.check.tree import Source, mapping
from sealer.crypto import wrapped_key_bytes
from sealer.errors import UnsealError
from sealer.scope import Scope
from sealer.sealed import FINGERPRINT_ANNOTATION

_SPEC = {"encryptedData", "template", "data"}
_TEMPLATE = {"metadata", "type", "immutable", "data"}
_STRINGS = ("labels", "annotations")


def check_sealed(
    source: Source,
    judge: Judge,
    scope_for: Callable[[str], Scope | None],
    built: Sequence[Mapping[str, Any]] = (),
) -> Iterator[Finding]:
    """Everything about one SealedSecret of the tree but whether it opens.

    ``built`` holds the ``metadata`` of what builds make of it.
    """
    yield from _items(source)
    yield from _template(source)
    yield from _annotations(source)
    yield from _differs(source, built)
    yield from _scope(source, scope_for(source.path))
    yield from _booleans(source)
    yield from _pruned(source)
    newer = judge.superseded_by(source.path, source.value)
    if newer:
        words = f"{source.title} is sealed with an old certificate"
        words += f"; the newest is of {newer.not_before:%Y-%m-%d}"
        cure = "seal reencrypt, before the old key is retired"
        place = source.place("metadata", "annotations", FINGERPRINT_ANNOTATION)
        yield Finding(place, "superseded-certificate", words, cure)


def _items(source: Source) -> Iterator[Finding]:
    spec = mapping(source.value.get("spec"))
    for key, item in mapping(spec.get("encryptedData")).items():
        # An empty text is nobody's value: what a build makes of it is judged there.
        if item is None or item == "":
            continue
        try:
            if not isinstance(item, str) or wrapped_key_bytes(encoding.decode(item)) < 128:
                raise UnsealError("no sealed value")
        except (ValueError, UnsealError):
            words = (
                f"{source.title}: {shown.key(key)} is not a sealed value: is it the value itself?"
            )
            cure = "seal it: seal raw, or seal merge"
            place = source.place("spec", "encryptedData", key)
            yield Finding(place, "not-ciphertext", words, cure)


def _template(source: Source) -> Iterator[Finding]:
    template = mapping(mapping(source.value.get("spec")).get("template"))
    cure = "seal the value and refer to it: {{ .key }}"
    for field in ("data", "stringData"):
        for key, text in mapping(template.get(field)).items():
            if not isinstance(text, str):
                continue
            at = ("spec", "template", field, key)
            literal = "{{" not in text and text.strip() != ""
            if (literal and is_credential(key, text)) or in_text(text):
                words = (
                    f"{source.title}: the template of {shown.key(key)} holds a credential in clear"
                )
                yield Finding(source.place(*at), "cleartext-in-template", words, cure)
            elif field == "stringData":
                words = f"{source.title}: {shown.key(key)} stands in the template in clear"
                words += ", and is dropped"
                yield Finding(source.place(*at), "cleartext-in-template", words, cure)


def _annotations(source: Source) -> Iterator[Finding]:
    for at in (("metadata",), ("spec", "template", "metadata")):
        value: Any = source.value
        for step in at:
            value = mapping(value).get(step)
        for field in _STRINGS:
            for key, text in mapping(mapping(value).get(field)).items():
                if not isinstance(text, str):
                    continue
                name = key.rpartition("/")[2]
                short = is_credential_name(name) and is_credential(name, text)
                if holds_credential(text) or short:
                    words = f"{source.title}: {field} {shown.qualified_key(key)}"
                    words += " holds a credential in clear"
                    yield Finding(
                        source.place(*at, field, key), "cleartext-in-annotation", words,
                        "take it out; a value that was pushed must be replaced",
                    )  # fmt: skip


def _differs(source: Source, built: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    outer = mapping(source.value.get("metadata"))
    spec = mapping(source.value.get("spec"))
    inner = mapping(mapping(spec.get("template")).get("metadata"))
    for key in ("name", "namespace"):
        mine, theirs = outer.get(key), inner.get(key)
        # Sealed for the name that a build gives it: the cluster takes that one.
        if built and all(one.get(key) == theirs for one in built):
            continue
        if isinstance(mine, str) and isinstance(theirs, str) and mine != theirs:
            words = f"{source.title}: the template's {key} is {shown.name(theirs)}"
            words += f"; the cluster takes {shown.name(mine)}"
            place = source.place("spec", "template", "metadata", key)
            cure = f"a {key} is changed by sealing again, not by editing"
            yield Finding(place, "template-differs", words, cure)


def _scope(source: Source, wanted: Scope | None) -> Iterator[Finding]:
    annotations = mapping(mapping(source.value.get("metadata")).get("annotations"))
    scope = Scope.of(annotations)
    if scope is Scope.STRICT or scope is wanted:
        return
    (name,) = scope.annotations
    words = f"{source.title} may be opened {_REACH[scope]}"
    cure = f'seal it strict, or say scope = "{scope.value}" in a rule of .seal.toml'
    yield Finding(source.place("metadata", "annotations", name), "wide-scope", words, cure)


_REACH = {
    Scope.NAMESPACE_WIDE: "under any name of its namespace",
    Scope.CLUSTER_WIDE: "in any namespace, under any name",
}


def _booleans(source: Source) -> Iterator[Finding]:
    for at in (("metadata",), ("spec", "template", "metadata")):
        value: Any = source.value
        for step in at:
            value = mapping(value).get(step)
        metadata = mapping(value)
        fields: list[tuple[tuple[str, ...], Any]] = [
            ((*at, key), metadata.get(key)) for key in ("name", "namespace")
        ]
        for field in _STRINGS:
            entries = mapping(metadata.get(field)).items()
            fields += [((*at, field, key), text) for key, text in entries]
        for path, found in fields:
            if isinstance(found, bool):
                words = f"{source.title}: {shown.qualified_key(path[-1])} is read as"
                words += f" the boolean {str(found).lower()}"
                yield Finding(source.place(*path), "yaml-boolean", words, "quote it")


def _pruned(source: Source) -> Iterator[Finding]:
    spec = mapping(source.value.get("spec"))
    template = mapping(spec.get("template"))
    places: list[tuple[tuple[str, ...], str]] = [
        (("spec", key), key) for key in spec.keys() - _SPEC
    ]
    places += [(("spec", "template", key), key) for key in template.keys() - _TEMPLATE]
    for path, key in places:
        words = f"{source.title}: {'.'.join(map(shown.key, path))} is no field of a SealedSecret"
        yield Finding(source.place(*path), "pruned-field", words, f"remove {shown.key(key)}")
