"""Secrets in clear anywhere in a tree: as manifests, in generators, Helm values, substitutions.

Not findings: values that SOPS encrypted, ExternalSecrets, empty data, placeholders, and other
groups' kinds that are called Secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sealer.check import shown
from sealer.check.builds.kustomizations import join
from sealer.check.builds.named import generator_files
from sealer.check.findings import Finding, Place
from sealer.check.rules.credentials import (
    decoded,
    in_text,
    in_values,
    is_credential,
    is_credential_name,
    is_placeholder,
    is_sops_value,
    looks_like_credential,
)
from sealer.check.tree import (
    Source,
    Tree,
    is_core_secret,
    is_kustomization,
    is_values,
    listing,
    mapping,
    read_objects,
    text_of,
    title,
)
from sealer.errors import SealerError
from sealer.fields import Path

_CURE = "seal it (seal -i FILE), or take it out of Git; what was pushed must be replaced"
_TEMPLATE_KIND = re.compile(r"^kind:\s*[\"']?Secret[\"']?\s*$", re.MULTILINE)
_ENTRY = re.compile(r"^(\s+)[\"']?([\w.-]+)[\"']?:\s*(\S.*)$")
_SOPS_LIKE = re.compile(r"ENC\[[^\[\]]*\]")
# What SOPS writes about itself into a .env file.
_SOPS_SETTING = re.compile(
    r"sops_(?:(?:age|kms|pgp|gcp_kms|azure_kv|hc_vault|key_groups)__\w+|mac|version|lastmodified"
    r"|mac_only_encrypted|shamir_threshold|(?:un)?encrypted_(?:suffix|regex|comment_regex))="
)
_NESTED = re.compile(r"kind[\"']?\s*:\s*[\"']?Secret\b")


def check_raw(tree: Tree, texts: Mapping[str, str]) -> Iterator[Finding]:
    """All raw secrets; ``texts`` holds the files that generators name, where they are there."""
    for source in tree.sources:
        yield from _secrets(source)
        if is_kustomization(source.path):
            yield from _generators(source, texts)
            yield from _patches(source)
        elif is_values(source.path) and not source.kind:
            yield from _helm_values(source, ())
        yield from _by_kind(source)
    yield from _templates(tree)


def values_of(manifest: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """The values in clear of a core Secret that are neither empty nor placeholders, by path."""
    for field in ("stringData", "data"):
        for key, value in mapping(manifest.get(field)).items():
            if value is None or isinstance(value, (dict, list)):
                continue
            text = decoded(value) if field == "data" and isinstance(value, str) else str(value)
            if text.strip() and not _is_stand_in(text):
                yield (field, key), text


def _is_stand_in(text: str) -> bool:
    """A Secret's value is a placeholder only by its form, never because it is a weak password."""
    if re.fullmatch(r"\s*<[^<>]+>\s*", text) or is_sops_value(text):
        return True
    return "${" in text and is_placeholder(text)


def _secrets(source: Source) -> Iterator[Finding]:
    for path, manifest in _nested(source.value, ()):
        if not is_core_secret(manifest):
            continue
        found = list(values_of(manifest))
        if found:
            first = found[0][0]
            names = ", ".join(sorted({shown.key(where[-1]) for where, _ in found}))
            place = source.place(*path, *first)
            yield Finding(place, "raw-secret", f"{title(manifest)} is in clear: {names}", _CURE)
    yield from _in_strings(source)


def _nested(value: Any, path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The value and every mapping in it that says what kind it is."""
    if isinstance(value, dict):
        if isinstance(value.get("kind"), str) or not path:
            yield path, value
        for key, item in value.items():
            if isinstance(item, (dict, list)):
                yield from _nested(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _nested(item, (*path, index))


def _in_strings(source: Source) -> Iterator[Finding]:
    """Secrets written out as text in another object: patches, ConfigMaps, Helm values."""
    if source.kind == "SealedSecret":
        return
    for path, text in _strings(source.value, ()):
        if not _NESTED.search(text):
            continue
        try:
            inner = list(read_objects(source.path, text))
        except SealerError:
            continue
        for item in inner:
            if is_core_secret(item.value) and any(True for _ in values_of(item.value)):
                words = f"{title(item.value)}, written out as text, is in clear"
                yield Finding(source.place(*path), "raw-secret", words, _CURE)


def _strings(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, (*path, index))


def _generators(source: Source, texts: Mapping[str, str]) -> Iterator[Finding]:
    folder = source.path.rpartition("/")[0]
    for number, generator in enumerate(listing(source.value.get("secretGenerator"))):
        name = shown.name(text_of(mapping(generator), "name"))
        for index, literal in enumerate(listing(mapping(generator).get("literals"))):
            key, _, value = str(literal).partition("=")
            if value.strip("\"'") and not _is_stand_in(value):
                place = source.place("secretGenerator", number, "literals", index)
                words = f"secretGenerator {name}: the literal {shown.key(key)} is in clear"
                yield Finding(place, "raw-generator", words, _CURE)
        for where, file in generator_files(generator):
            path = join(folder, file)
            text = texts.get(path)
            if text is None:
                continue
            line = _env_line(text) if where[0] in ("env", "envs") else _file_line(path, text)
            if line:
                words = f"secretGenerator {name} reads {path}, which is in clear"
                yield Finding(Place(path, line), "raw-generator", words, _CURE)


def _env_line(text: str) -> int:
    for number, line in enumerate(text.splitlines(), 1):
        comment = line.lstrip().startswith("#") or _SOPS_SETTING.match(line)
        value = "" if comment else line.partition("=")[2]
        if value.strip().strip("\"'") and not _is_stand_in(value):
            return number
    return 0


def _file_line(path: str, text: str) -> int:
    """A file of a generator: certificates and public keys are no secret.

    What SOPS encrypted in part holds one only where something left looks like a credential.
    """
    if not text.strip() or _is_stand_in(text):
        return 0
    if any(map(is_sops_value, _SOPS_LIKE.findall(text))):
        try:
            found = any(True for one in read_objects(path, text) for _ in in_values(one.value))
        except SealerError:
            found = False
        return in_text(text) or int(found)
    rest = re.sub(
        r"-----BEGIN (CERTIFICATE|PUBLIC KEY)-----(?:(?!-----BEGIN).)*?-----END \1-----",
        "",
        text,
        flags=re.DOTALL,
    )
    return 1 if rest.strip() else 0


def _patches(source: Source) -> Iterator[Finding]:
    """JSON patches that put a value into a Secret."""
    for key in ("patches", "patchesJson6902"):
        for number, patch in enumerate(listing(source.value.get(key))):
            target = mapping(mapping(patch).get("target"))
            text = mapping(patch).get("patch")
            if target.get("kind") != "Secret" or not isinstance(text, str):
                continue
            if re.search(r"/(stringData|data)\b", text) and _json_patch_value(text):
                words = "a patch puts a value in clear into a Secret"
                yield Finding(source.place(key, number), "raw-secret", words, _CURE)


def _json_patch_value(text: str) -> bool:
    for found in re.finditer(r"[\"']?value[\"']?\s*:\s*(\S.*)", text):
        value = found[1].strip().rstrip("}],").strip().strip("\"'")
        if value and not _is_stand_in(value):
            return True
    return False


def _helm_values(source: Source, at: Path) -> Iterator[Finding]:
    value: Any = source.value
    for step in at:
        value = mapping(value).get(step) if isinstance(step, str) else listing(value)[step]
    if isinstance(value, str):
        yield from _values_text(source, at, value)
        return
    for path in in_values(value):
        words = f"Helm value {'.'.join(map(shown.key, path))} is in clear"
        cure = "put it into a sealed Secret that the chart reads (existingSecret, valuesFrom)"
        yield Finding(source.place(*at, *path), "raw-helm-values", words, cure)


def _values_text(source: Source, at: Path, text: str) -> Iterator[Finding]:
    """Values that are written as a text in another manifest."""
    try:
        inner = next(iter(read_objects(source.path, text)), None)
    except SealerError:
        return
    for path in in_values(inner.value) if inner else ():
        words = f"Helm value {'.'.join(map(shown.key, path))} is in clear"
        cure = "put it into a sealed Secret that the chart reads"
        yield Finding(source.place(*at), "raw-helm-values", words, cure)


def _by_kind(source: Source) -> Iterator[Finding]:
    if source.kind == "HelmRelease" and source.group == "helm.toolkit.fluxcd.io":
        yield from _helm_values(source, ("spec", "values"))
    elif source.kind == "Application" and source.group == "argoproj.io":
        for at in _argo_helm(source.value):
            yield from _helm_values(source, at)
    elif source.kind == "Kustomization" and source.group == "kustomize.toolkit.fluxcd.io":
        yield from _substitutes(source)
    for index, chart in enumerate(listing(source.value.get("helmCharts"))):
        if isinstance(mapping(chart).get("valuesInline"), dict):
            yield from _helm_values(source, ("helmCharts", index, "valuesInline"))


def _argo_helm(value: Mapping[str, Any]) -> Iterator[Path]:
    spec = mapping(value.get("spec"))
    places: list[tuple[Path, Any]] = [(("spec", "source"), spec.get("source"))]
    places += [(("spec", "sources", i), one) for i, one in enumerate(listing(spec.get("sources")))]
    for at, source in places:
        helm = mapping(mapping(source).get("helm"))
        for key in ("values", "valuesObject", "parameters"):
            if helm.get(key):
                yield (*at, "helm", key)


def _substitutes(source: Source) -> Iterator[Finding]:
    at = ("spec", "postBuild", "substitute")
    post_build = mapping(mapping(source.value.get("spec")).get("postBuild"))
    for key, value in mapping(post_build.get("substitute")).items():
        if is_credential(key, value) or (
            is_credential_name(key) and value and not is_placeholder(str(value))
        ):
            words = f"postBuild.substitute.{shown.variable(key)} is in clear"
            cure = "seal it into a Secret and use postBuild.substituteFrom"
            yield Finding(source.place(*at, key), "raw-substitute", words, cure)


def _templates(tree: Tree) -> Iterator[Finding]:
    """Secrets in files that are no YAML, as charts' templates: entries without an action."""
    parsed = {source.path for source in tree.sources}
    for path, document in tree.documents:
        if path in parsed or not _TEMPLATE_KIND.search(document.text):
            continue
        inside = False
        for number, line in enumerate(document.text.splitlines()):
            if not line.startswith((" ", "\t")):
                inside = re.match(r"(string)?[dD]ata:\s*$", line) is not None
                continue
            entry = _ENTRY.match(line) if inside else None
            value = entry[3].strip("\"'") if entry else ""
            if not entry or value in ("", "|", "|-", ">", ">-") or "{{" in value:
                continue
            if not _is_stand_in(decoded(value)):
                place = Place(path, document.first_line + number)
                words = f"a Secret in a template holds {shown.key(entry[2])} in clear"
                yield Finding(place, "raw-secret", words, _CURE)
                break


def holds_credential(text: str) -> bool:
    """For annotations: a whole Secret as JSON, or anything that looks like a credential."""
    return looks_like_credential(text) or (
        _NESTED.search(text) is not None
        and re.search(r"\"(stringData|data)\"\s*:\s*\{\s*\"", text) is not None
    )
