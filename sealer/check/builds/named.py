"""What a kustomization, or a plugin that is built into kustomize, names: paths, URLs, texts.

Only fields and forms that are known are read; another one is told as such, and never passed over.
Source: kustomize ``api/types/kustomization.go`` and ``api/internal/builtins``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sealer.check.tree import as_kustomize_names, listing, mapping
from sealer.errors import SealerError
from sealer.manifest import read_documents, to_yaml

INCLUDED = ("resources", "bases", "components")
PLUGINS = ("generators", "transformers", "validators")
_STRINGS = (*INCLUDED, *PLUGINS, "crds", "configurations", "patchesStrategicMerge")
_PATCHES = ("patches", "patchesJson6902", "replacements")
_GENERATORS = ("configMapGenerator", "secretGenerator")
_HELM = ("helmCharts", "helmChartInflationGenerator")
_HARMLESS = (
    "apiversion kind metadata nameprefix namesuffix namespace commonlabels labels "
    "commonannotations images imagetags replicas vars sortoptions helmglobals generatoroptions "
    "inventory buildmetadata"
)
_HARMLESS_PLUGINS = (
    "AnnotationsTransformer HashTransformer ImageTagTransformer LabelTransformer "
    "LegacyOrderTransformer NamespaceTransformer PrefixSuffixTransformer PrefixTransformer "
    "ReplicaCountTransformer SortOrderTransformer SuffixTransformer"
)


@dataclass(frozen=True, slots=True)
class Named:
    """One thing that is named; ``name`` is None where its form, or the field, is not known."""

    field: str
    name: str | None


def named(value: Mapping[str, Any]) -> Iterator[Named]:
    """Everything that a kustomization names, in the order of its fields."""
    for field, item in value.items():
        if item is None or field.casefold() in _HARMLESS.split():
            continue
        if field in _STRINGS:
            yield from _strings(field, item)
        elif field in _PATCHES:
            yield from _patches(field, item)
        elif field in _GENERATORS:
            for generator in item if isinstance(item, list) else [item]:
                yield from _generator(field, generator)
        elif field == "openapi":
            yield from _path(field, item)
        elif field not in _HELM:
            yield Named(field, None)


def needs_helm(value: Mapping[str, Any]) -> bool:
    """Whether a kustomization inflates a chart."""
    return any(value.get(field) for field in _HELM)


def is_written_out(name: str) -> bool:
    """Whether an entry is a plugin or patch itself and not the path of one."""
    return "\n" in name or name.lstrip().startswith("{")


def plugins(text: str) -> tuple[list[Named], str]:
    """What the plugins of a text name, and the text as it was understood; raises SealerError."""
    found: list[Named] = []
    texts: list[str] = []
    for document in read_documents(text, "plugin"):
        if document.is_empty:
            continue
        value = as_kustomize_names(document.value)
        found += _plugin(mapping(value))
        texts.append(written(value))
    return found, "---\n".join(texts)


def as_understood(value: Mapping[str, Any]) -> dict[str, Any]:
    """A kustomization whose plugins' texts are those that were understood; raises SealerError."""
    changed = dict(value)
    for field in PLUGINS:
        if field in value:
            changed[field] = [
                plugins(entry)[1] if isinstance(entry, str) and is_written_out(entry) else entry
                for entry in listing(value[field])
            ]
    return changed


def written(value: Any) -> str:
    """A value as YAML that nobody reads in another way; raises SealerError.

    As JSON where that is the same to every reader of YAML, for it is much faster to write.
    """
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        raise SealerError("no JSON") from None
    # kustomize looks for the old field's name in the text, as block style has it.
    return to_yaml(value) if "\\u" in text or "imageTags" in text else f"{text}\n"


def generator_files(entry: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The env and other files of one generator, each with its path in the generator."""
    generator = mapping(entry)
    if isinstance(generator.get("env"), str):
        yield ("env",), generator["env"]
    for key in ("envs", "files"):
        for index, name in enumerate(listing(generator.get(key))):
            if isinstance(name, str):
                yield (key, index), name.partition("=")[2] or name if key == "files" else name


def _strings(field: str, value: Any) -> Iterator[Named]:
    for entry in value if isinstance(value, list) else [None]:
        yield Named(field, entry if isinstance(entry, str) else None)


def _patches(field: str, value: Any) -> Iterator[Named]:
    for entry in value if isinstance(value, list) else [None]:
        # kustomize takes texts under "patches" for patchesStrategicMerge.
        if isinstance(entry, str) and field == "patches":
            yield Named("patchesStrategicMerge", entry)
        else:
            yield from _path(field, entry)


def _path(field: str, value: Any) -> Iterator[Named]:
    if not isinstance(value, dict):
        yield Named(field, None)
    elif value.get("path") not in (None, ""):
        yield from _strings(field, [value["path"]])


def _generator(field: str, value: Any) -> Iterator[Named]:
    generator = mapping(value)
    shapes = [isinstance(value, dict), isinstance(generator.get("env"), str | None)]
    for key in ("envs", "files"):
        entries = generator.get(key)
        shapes.append(entries is None or isinstance(entries, list))
        shapes += [isinstance(entry, str) for entry in listing(entries)]
    if not all(shapes):
        yield Named(field, None)
    yield from (Named(field, name) for _, name in generator_files(value) if name)


def _plugin(value: Mapping[str, Any]) -> Iterator[Named]:
    kind = value.get("kind") if value.get("apiVersion") == "builtin" else None
    if kind == "ConfigMapGenerator":
        yield from _generator("configMapGenerator", value)
    elif kind == "SecretGenerator":
        yield from _generator("secretGenerator", value)
    elif kind in ("PatchTransformer", "PatchJson6902Transformer"):
        yield from _path("patches", value)
    elif kind == "PatchStrategicMergeTransformer":
        if value.get("paths") is not None:
            yield from _strings("patchesStrategicMerge", value["paths"])
    elif kind == "ReplacementTransformer":
        if value.get("replacements") is not None:
            yield from _patches("replacements", value["replacements"])
    elif kind not in _HARMLESS_PLUGINS.split():
        raise SealerError("a plugin that is not known")
