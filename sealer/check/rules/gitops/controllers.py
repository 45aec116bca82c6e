"""Where the tree puts a controller, and with it the sealing keys: Helm releases and Deployments.

Known by the chart's or the image's last name, of ours and of Bitnami's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sealer.check.builds.model import Build, Rendered
from sealer.check.tree import Tree, listing, mapping, text_of

CHARTS = ("sealed-secrets", "sealer")
_IMAGES = ("sealed-secrets-controller", "sealer-controller")


def is_release(item: Rendered, objects: Iterable[Rendered]) -> bool:
    """Whether it is a HelmRelease of a controller; ``objects`` may hold its OCIRepository."""
    if item.kind != "HelmRelease":
        return False
    spec = mapping(item.value.get("spec"))
    chart = text_of(spec, "chart", "spec", "chart")
    if text_of(spec, "chartRef", "kind") == "OCIRepository":
        name = text_of(spec, "chartRef", "name")
        chart = next((_url(one) for one in objects if _is_repository(one, name)), "")
    return chart.rstrip("/").rpartition("/")[2] in CHARTS


def controller_namespaces(builds: Iterable[Build], tree: Tree) -> set[str]:
    """The namespaces that a controller is in, as far as the tree tells."""
    found = {name for build in builds for name in _of_build(build)}
    for one in applications(tree):
        if any(text_of(source, "chart") in CHARTS for source in application_sources(one)):
            found.add(text_of(one, "destination", "namespace"))
    return found - {""}


def applications(tree: Tree) -> Iterator[Mapping[str, Any]]:
    """The ``spec`` of each Argo CD Application, those of ApplicationSets' templates too."""
    for one in tree.of_kind("Application", "argoproj.io"):
        yield mapping(one.value.get("spec"))
    for one in tree.of_kind("ApplicationSet", "argoproj.io"):
        template = mapping(mapping(one.value.get("spec")).get("template"))
        yield mapping(template.get("spec"))


def application_sources(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The sources of an Application, however many it has."""
    return [mapping(one) for one in (spec.get("source"), *listing(spec.get("sources"))) if one]


def _of_build(build: Build) -> Iterator[str]:
    for item in build.objects:
        own = text_of(item.value, "metadata", "namespace")
        if is_release(item, build.objects):
            yield text_of(item.value, "spec", "targetNamespace") or own
        elif item.kind == "Deployment" and _runs_controller(item.value):
            yield own


def _runs_controller(manifest: Mapping[str, Any]) -> bool:
    pod = mapping(mapping(mapping(manifest.get("spec")).get("template")).get("spec"))
    images = [text_of(mapping(one), "image") for one in listing(pod.get("containers"))]
    return any(_image_name(image) in _IMAGES for image in images)


def _image_name(image: str) -> str:
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def _is_repository(item: Rendered, name: str) -> bool:
    return item.kind == "OCIRepository" and text_of(item.value, "metadata", "name") == name


def _url(item: Rendered) -> str:
    return text_of(item.value, "spec", "url")
