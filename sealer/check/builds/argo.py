"""What Argo CD makes of a build: an Application's kustomize settings and its destination namespace.

Argo CD writes ``namePrefix``, ``nameSuffix`` and ``namespace`` into the kustomization before it
builds (``kustomize edit set``), and gives objects without a namespace that of the destination. Only
names and namespaces are looked at. An Application of another repository, one whose settings are
filled later (an ApplicationSet's ``{{ }}``), and a prefix in place of the folder's own say nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sealer.check.builds.model import Build, Rendered
from sealer.check.builds.origins import plain_url
from sealer.check.findings import Related
from sealer.check.tree import Source, Tree, listing, mapping, text_of
from sealer.fields import Path

GROUP = "argoproj.io"
_SPECS: Mapping[str, Path] = {
    "Application": ("spec",),
    "ApplicationSet": ("spec", "template", "spec"),
}
_RENAMES = ("namePrefix", "nameSuffix")


def applied(builds: Iterable[Build], tree: Tree, remote: str) -> list[Build]:
    """The builds as clusters get them: those that Applications apply with their settings.

    ``remote`` is the URL of this repository, empty where nobody knows.
    """
    builds = list(builds)
    made: list[Build] = []
    replaced: set[int] = set()
    for application, at in _applications(tree):
        spec = _below(application.value, at)
        for place, source in _sources(spec, at):
            for index, build in enumerate(builds):
                if build.flux or build.folder != _folder(source) or not _is_here(source, remote):
                    continue
                one = _with_settings(build, application, place, source, spec)
                if one is not None:
                    made.append(one)
                    replaced.add(index)
    return [one for index, one in enumerate(builds) if index not in replaced] + made


def _applications(tree: Tree) -> Iterator[tuple[Source, Path]]:
    for kind, at in _SPECS.items():
        for one in tree.of_kind(kind, GROUP):
            yield one, at


def _sources(spec: Mapping[str, Any], at: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    yield (*at, "source"), mapping(spec.get("source"))
    for index, one in enumerate(listing(spec.get("sources"))):
        yield (*at, "sources", index), mapping(one)


def _folder(source: Mapping[str, Any]) -> str | None:
    path = source.get("path")
    return path.removeprefix("./").strip("/") if isinstance(path, str) else None


def _is_here(source: Mapping[str, Any], remote: str) -> bool:
    return not remote or plain_url(text_of(source, "repoURL")) == plain_url(remote)


def _with_settings(
    build: Build,
    application: Source,
    place: Path,
    source: Mapping[str, Any],
    spec: Mapping[str, Any],
) -> Build | None:
    """The build under the settings; None where they change nothing, or nobody knows what."""
    settings = mapping(source.get("kustomize"))
    prefix, suffix = (text_of(settings, key) for key in _RENAMES)
    namespace = text_of(settings, "namespace")
    target = text_of(spec, "destination", "namespace")
    words = (prefix, suffix, namespace, target)
    if not any(words) or any("{{" in one for one in words):
        return None
    own = [build.kustomizations[path].value for path in build.own_files()]
    if any(text_of(one, key) for one in own for key in _RENAMES if text_of(settings, key)):
        return None

    def renamed(item: Rendered) -> Rendered:
        metadata = dict(mapping(item.value.get("metadata")))
        metadata["name"] = f"{prefix}{text_of(metadata, 'name')}{suffix}"
        space = namespace or text_of(metadata, "namespace") or target
        if space:
            metadata["namespace"] = space
        return replace(item, value={**item.value, "metadata": metadata})

    where = (*place, "kustomize") if settings else (*place[: place.index("spec") + 1],)
    cause = Related(application.place(*where), f"the settings of the {application.kind}")
    return replace(build, objects=tuple(map(renamed, build.objects)), settings=cause)


def _below(value: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    for step in path:
        value = mapping(value.get(str(step)))
    return value
