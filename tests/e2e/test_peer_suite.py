"""The peer's own integration tests, with our controller and our kubeseal where its are expected."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop import peers
from tests.testbed import binaries, sources
from tests.testbed.cluster import ROOT, ControlPlane
from tests.testbed.controllers import NAMESPACE, OURS, SERVICE, ours

CRD = "sealedsecrets.bitnami.com"
SPECS = 41
# Two ask that a Secret is not there for a tenth of a second after it was deleted, with nothing to
# keep a controller from making it but the peer's limit of five requests a second: they fail with
# the peer's controller as well, once that limit is off.
TOO_SOON = "should not recreate the secret"


@pytest.fixture(scope="module")
def cluster(plane: ControlPlane, pair: Any, network: bool) -> Iterator[ControlPlane]:
    """A cluster as the peer left it, its CRD included, with our controller behind its Service."""
    if not network:
        pytest.skip("the service proxy needs a network of our own")
    crds = sources.folder("peer") / "helm/sealed-secrets/crds"
    plane.kubectl("replace", "-f", str(crds))
    try:
        with ours(plane) as running:
            plane.publish(NAMESPACE, SERVICE, running.port)
            yield plane
            plane.unpublish(NAMESPACE, SERVICE)
    finally:
        plane.kubectl("replace", "-f", str(ROOT / "crds" / f"{CRD}.yaml"))


@pytest.mark.parametrize("program", ["kubeseal", "seal kubeseal"])
def test_the_peers_own_integration_tests_pass(
    cluster: ControlPlane, program: str, tmp_path: Path
) -> None:
    kubeseal = tmp_path / "kubeseal"
    words = peers.kubeseal() if program == "kubeseal" else peers.ours()
    kubeseal.write_text(f'#!/bin/sh\nexec {" ".join(words)} "$@"\n')
    kubeseal.chmod(0o755)
    report = tmp_path / "report.json"
    done = subprocess.run(
        [
            binaries.path("peer-suite"),
            f"-ginkgo.json-report={report}",
            f"-ginkgo.skip={TOO_SOON}",
            "-ginkgo.no-color",
            f"-kubeconfig={cluster.kubeconfig}",
            f"-kubeseal-bin={kubeseal}",
            f"-controller-bin={OURS}",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-20_000:]
    states = [one["State"] for one in json.loads(report.read_text())[0]["SpecReports"]]
    assert sorted(states) == ["passed"] * (SPECS - 2) + ["skipped"] * 2
