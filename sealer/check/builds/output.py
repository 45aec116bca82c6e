"""From kustomize's output to the objects that the rules look at, with origins taken off.

Pure: text in, values out. A build's output may be long (CRDs); a document is parsed only when
its kind matters here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sealer.check.builds.flux import FluxKustomization
from sealer.check.builds.model import Build, Rendered
from sealer.check.builds.substitution import Substitution, is_disabled
from sealer.check.tree import mapping, text_of
from sealer.errors import SealerError
from sealer.manifest import read_documents

_ORIGIN = "config.kubernetes.io/origin"
_STEPS = "alpha.config.kubernetes.io/transformations"
_KINDS = re.compile(
    r"^kind: (SealedSecret|Secret|Pod|PodTemplate|CronJob|Deployment|StatefulSet|DaemonSet"
    r"|ReplicaSet|ReplicationController|Job|ServiceAccount|Ingress|Gateway|HelmRelease"
    r"|Kustomization|Namespace|OCIRepository|ExternalSecret|Certificate|KeyVaultSecret|KeyVault|ClusterKeyVault|ConfigMap)\s*$"
    r"|^  name: sealedsecrets\.bitnami\.com\s*$",
    re.MULTILINE,
)


def read_output(
    text: str, path_of: Callable[[str], str], *, variables: bool
) -> tuple[Rendered, ...]:
    """Read kustomize's output; ``path_of`` turns a noted path into one of the tree.

    With ``variables`` every document that holds ``${`` is read as well.
    """
    found = []
    for document in read_documents(text, "kustomize"):
        if _KINDS.search(document.text) or (variables and "${" in document.text):
            try:
                value = document.value
            except SealerError:
                continue
            if isinstance(value, dict):
                found.append(_rendered(value, path_of))
    return tuple(found)


def with_flux(
    objects: tuple[Rendered, ...], flux: FluxKustomization, variables: Mapping[str, str] | None
) -> tuple[Rendered, ...]:
    """The objects as Flux applies them: variables replaced, ``commonMetadata`` added."""
    done = []
    for item in objects:
        value: Any = item.value
        if variables is not None and not is_disabled(value):
            value = Substitution(variables).apply(value)
        done.append(Rendered(flux.common_metadata(value), item.origin, item.steps))
    return tuple(done)


def _rendered(value: dict[str, Any], path_of: Callable[[str], str]) -> Rendered:
    metadata = dict(mapping(value.get("metadata")))
    annotations = dict(mapping(metadata.get("annotations")))
    origin = str(annotations.pop(_ORIGIN, ""))
    steps = str(annotations.pop(_STEPS, ""))
    if annotations:
        metadata["annotations"] = annotations
    else:
        metadata.pop("annotations", None)
    found = re.search(r"^path: (.*)$", origin, re.MULTILINE)
    places = re.findall(
        r"configuredIn: (\S+)\n\s+configuredBy:\n\s+apiVersion: \S+\n\s+kind: (\S+)", steps
    )
    return Rendered(
        {**value, "metadata": metadata},
        path_of(found[1].strip()) if found else "",
        tuple((path_of(path), kind) for path, kind in places),
    )


def config_maps(builds: Mapping[str, Build]) -> dict[tuple[str, str], dict[str, str]]:
    """The data of every ConfigMap that a build makes."""
    return {
        (text_of(one.value, "metadata", "namespace"), text_of(one.value, "metadata", "name")): {
            key: str(text) for key, text in mapping(one.value.get("data")).items()
        }
        for build in builds.values()
        for one in build.objects
        if one.kind == "ConfigMap"
    }
