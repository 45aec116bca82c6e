"""The real helm on our chart: rendered objects, refusals, releases."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.testbed import binaries
from tests.testbed.fixtures import need

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "sealer"
# What is rendered for; helm's own guess without a cluster is older than what the chart asks for.
KUBE_VERSION = "1.35.0"
# What an API server of that version tells helm that it has.
POLICIES = "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy"
Values = Mapping[str, Any]
Manifest = dict[str, Any]


class HelmError(Exception):
    """helm said no; the text is what it printed."""


@dataclass(frozen=True)
class Release:
    """A release on a cluster: what helm is told every time."""

    name: str
    namespace: str
    kubeconfig: Path

    def run(self, verb: str, *arguments: str, values: Values | None = None) -> str:
        """Run a verb on this release."""
        place = ["--namespace", self.namespace, "--kubeconfig", str(self.kubeconfig)]
        return helm(verb, self.name, *arguments, *place, values=values)


def helm(*arguments: str, values: Values | None = None) -> str:
    """Run helm and return its standard output; HelmError with all it printed."""
    need("helm")
    with tempfile.TemporaryDirectory(prefix="helm-") as home:
        file = Path(home) / "values.json"
        file.write_text(json.dumps(values or {}))
        given = ["--values", str(file)] if values is not None else []
        done = subprocess.run(
            [binaries.path("helm"), *arguments, *given],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "HELM_CACHE_HOME": home, "HELM_DATA_HOME": home},
        )
    if done.returncode:
        raise HelmError(done.stdout + done.stderr)
    return done.stdout


def template(
    values: Values | None = None,
    *arguments: str,
    name: str = "sealer",
    namespace: str = "sealer-system",
) -> str:
    """Return what the chart renders to."""
    place = ["--namespace", namespace, "--kube-version", KUBE_VERSION, "--api-versions", POLICIES]
    return helm("template", name, str(CHART), *place, *arguments, values=values or {})


def render(values: Values | None = None, **where: str) -> list[Manifest]:
    """Return the rendered objects."""
    return documents(template(values, **where))


def documents(text: str) -> list[Manifest]:
    """Return the objects of a YAML stream."""
    return [one for one in yaml.load_all(text, Loader=yaml.CSafeLoader) if one]


def only(objects: Sequence[Manifest], kind: str, name: str | None = None) -> Manifest:
    """Return the one object of a kind (and name)."""
    found = [
        one for one in objects if one["kind"] == kind and name in (None, one["metadata"]["name"])
    ]
    assert len(found) == 1, f"{len(found)} of {kind} {name or ''}"
    return found[0]


def container(objects: Sequence[Manifest]) -> Manifest:
    """Return the controller's container."""
    made: Manifest = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    return made
