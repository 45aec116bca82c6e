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
from sealer.check.credentials.verdict import (
    Verdict,
    decoded,
    in_text,
    in_values,
    is_sops_value,
    judge,
    looks_like_credential,
)
from sealer.check.findings import Finding, Place
from sealer.check.rules.charts import blanked, check_template, is_in_clear
from sealer.check.rules.values import check_values
from sealer.check.tree import (
    Source,
    Tree,
    is_core_secret,
    is_kustomization,
    listing,
    mapping,
    read_objects,
    text_of,
    title,
)
from sealer.errors import SealerError
from sealer.fields import Path
from sealer.values.placeholders import is_stand_in

_CURE = "seal it (seal -i FILE), or take it out of Git; what was pushed must be replaced"
_SOPS_LIKE = re.compile(r"ENC\[[^\[\]]*\]")
# What SOPS writes about itself into a .env file.
_SOPS_SETTING = re.compile(
    r"sops_(?:(?:age|kms|pgp|gcp_kms|azure_kv|hc_vault|key_groups)__\w+|mac|version|lastmodified"
    r"|mac_only_encrypted|shamir_threshold|(?:un)?encrypted_(?:suffix|regex|comment_regex))="
)
_SOPS_MAC = re.compile(r"[\"']?\bmac[\"']?\s*[:=]\s*[\"']?ENC\[|^sops_mac=", re.MULTILINE)
_NESTED = re.compile(r"kind[\"']?\s*:\s*[\"']?Secret\b")


def check_raw(tree: Tree, texts: Mapping[str, str]) -> Iterator[Finding]:
    """All raw secrets; ``texts`` holds the files that generators name, where they are there."""
    for source in tree.sources:
        yield from _secrets(source)
        if is_kustomization(source.path):
            yield from _generators(source, texts)
            yield from _patches(source, ())
        yield from _by_kind(source)
    yield from check_values(tree)
    yield from _templates(tree)


def values_of(manifest: Mapping[str, Any], *, template: bool = False) -> Iterator[tuple[Path, str]]:
    """The values in clear of a core Secret that are neither empty nor placeholders, by path.

    In a chart's ``template`` a value with an action in it is looked over as text.
    """
    for field in ("stringData", "data"):
        for key, value in mapping(manifest.get(field)).items():
            if value is None or isinstance(value, (dict, list)):
                continue
            text = decoded(value) if field == "data" and isinstance(value, str) else str(value)
            if template and "{{" in text:
                in_clear = is_in_clear(blanked(text))
            else:
                in_clear = bool(text.strip()) and not is_stand_in(text) and not _is_sops_file(text)
            if in_clear:
                yield (field, key), text


def _is_sops_file(text: str) -> bool:
    """A file that SOPS encrypted, which Flux decrypts within a Secret; nothing in clear beside."""
    if not _SOPS_MAC.search(text) or not any(map(is_sops_value, _SOPS_LIKE.findall(text))):
        return False
    try:
        whole = [one.value for one in read_objects("value.yaml", text)]
    except SealerError:
        return _env_line(text) == 0
    return len(whole) == 1 and "sops" in whole[0] and _all_encrypted(whole[0])


def _all_encrypted(value: Any) -> bool:
    """Whether every text but SOPS' own is encrypted: what it leaves in clear may be a secret."""
    if isinstance(value, dict):
        return all(_all_encrypted(item) for key, item in value.items() if key != "sops")
    if isinstance(value, list):
        return all(map(_all_encrypted, value))
    return not isinstance(value, str) or is_sops_value(value)


def _secrets(source: Source) -> Iterator[Finding]:
    for path, manifest in _nested(source.value, ()):
        if not is_core_secret(manifest):
            continue
        found = list(values_of(manifest, template="templates" in source.path.split("/")))
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
            if value.strip("\"'") and not is_stand_in(value):
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
        if value.strip().strip("\"'") and not is_stand_in(value):
            return number
    return 0


def _file_line(path: str, text: str) -> int:
    """A file of a generator: certificates and public keys are no secret.

    What SOPS encrypted in part holds one only where something left looks like a credential.
    """
    if not text.strip() or is_stand_in(text):
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


def _patches(source: Source, at: Path) -> Iterator[Finding]:
    """JSON patches that put a value into a Secret; ``at`` is where their fields stand."""
    found: Any = source.value
    for step in at:
        found = found[step] if isinstance(step, int) else mapping(found).get(step)
    holder = mapping(found)
    for key in ("patches", "patchesJson6902"):
        for number, patch in enumerate(listing(holder.get(key))):
            target = mapping(mapping(patch).get("target"))
            text = mapping(patch).get("patch")
            if target.get("kind") != "Secret" or not isinstance(text, str):
                continue
            if re.search(r"/(stringData|data)\b", text) and _json_patch_value(text):
                words = "a patch puts a value in clear into a Secret"
                yield Finding(source.place(*at, key, number), "raw-secret", words, _CURE)


def _json_patch_value(text: str) -> bool:
    for found in re.finditer(r"[\"']?value[\"']?\s*:\s*(\S.*)", text):
        value = found[1].strip().rstrip("}],").strip().strip("\"'")
        if value and not is_stand_in(value):
            return True
    return False


def _by_kind(source: Source) -> Iterator[Finding]:
    if source.kind == "Kustomization" and source.group == "kustomize.toolkit.fluxcd.io":
        yield from _substitutes(source)
        yield from _patches(source, ("spec",))
    elif source.kind == "HelmRelease" and source.group == "helm.toolkit.fluxcd.io":
        renderers = listing(mapping(source.value.get("spec")).get("postRenderers"))
        for index in range(len(renderers)):
            yield from _patches(source, ("spec", "postRenderers", index, "kustomize"))


def _substitutes(source: Source) -> Iterator[Finding]:
    at = ("spec", "postBuild", "substitute")
    post_build = mapping(mapping(source.value.get("spec")).get("postBuild"))
    for key, value in mapping(post_build.get("substitute")).items():
        if judge((key,), value) is Verdict.CREDENTIAL:
            words = f"postBuild.substitute.{shown.variable(key)} is in clear"
            cure = "seal it into a Secret and use postBuild.substituteFrom"
            yield Finding(source.place(*at, key), "raw-substitute", words, cure)


def _templates(tree: Tree) -> Iterator[Finding]:
    """Secrets in files that are no YAML, as charts' templates."""
    parsed = {(source.path, source.document.first_line) for source in tree.sources}
    for path, document in tree.documents:
        if (path, document.first_line) not in parsed and _NESTED.search(document.text):
            yield from check_template(path, document)


def holds_credential(text: str) -> bool:
    """For annotations: a Secret, whole or in part, as JSON or YAML, or what looks like one."""
    if looks_like_credential(text):
        return True
    if not re.search(r"[\"']?(?:stringData|data)[\"']?\s*:", text):
        return False
    if _NESTED.search(text) and re.search(r"\"(stringData|data)\"\s*:\s*\{\s*\"", text):
        return True
    try:
        parts = [one.value for one in read_objects("annotation", text)]
    except SealerError:
        return in_text(text) is not None
    return any(True for part in parts for _ in values_of({"stringData": part.get("stringData")}))
