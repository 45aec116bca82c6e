"""The pages about installing are true: their commands run, their values are taken."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from controller.keys.renewal import key_secret
from tests.chart.helm import CHART, ROOT, template
from tests.chart.test_install import everything, sealed
from tests.chart.test_values import peer_chart
from tests.sealing_keys import pair
from tests.testbed import binaries
from tests.testbed.cluster import POD_ADDRESS, ControlPlane, wait_for
from tests.testbed.controllers import ours

PAGES = ("install-helm", "install-flux-aks", "install-argocd", "migrate-from-bitnami")
DOCS = ROOT / "docs"
PUBLISHED = "oci://ghcr.io/sealer/charts/sealer"


def blocks(page: str, language: str, section: str = "") -> list[str]:
    """Return a page's code blocks in one language, of one section or of all."""
    text = (DOCS / f"{page}.md").read_text()
    if section:
        text = re.split(r"^## ", text.split(f"\n## {section}\n")[1], flags=re.MULTILINE)[0]
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    return [re.sub(f"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


def named_values() -> list[tuple[str, str]]:
    return [
        (f"{page} {match.group(1)}", block)
        for page in PAGES
        for block in blocks(page, "yaml")
        if (match := re.match(r"# values: (\S+)", block))
    ]


@pytest.mark.parametrize(("name", "block"), named_values(), ids=[n for n, _ in named_values()])
def test_the_chart_takes_the_values_that_a_page_shows(name: str, block: str) -> None:
    assert template(yaml.safe_load(block))


def test_the_chart_takes_the_values_of_the_argo_cd_application() -> None:
    (block,) = blocks("install-argocd", "yaml")
    application = yaml.safe_load(block)
    source = application["spec"]["source"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (source["chart"], source["targetRevision"]) == (chart["name"], chart["version"])
    assert template(source["helm"]["valuesObject"])


@pytest.mark.parametrize("page", [*PAGES, "../charts/sealer/README", "../examples/gitops/README"])
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    path = DOCS / f"{page}.md"
    for target in re.findall(r"\]\(([\w./-]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target


class Shell:
    """Runs a page's commands as its reader would, against the testbed."""

    def __init__(self, plane: ControlPlane, folder: Path, namespace: str) -> None:
        tools = folder / "bin"
        tools.mkdir()
        for name in ("helm", "kubectl"):
            (tools / name).symlink_to(binaries.path(name))
        self.folder = folder
        self.namespace = namespace
        path = f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        homes = {f"HELM_{what}_HOME": str(folder) for what in ("CACHE", "CONFIG", "DATA")}
        self.environment = {"PATH": path, "HOME": str(folder), "KUBECONFIG": str(plane.kubeconfig)}
        self.environment |= homes

    def run(self, script: str) -> str:
        """Run a block; the published chart is this tree's, the namespace one of the test."""
        script = script.replace(PUBLISHED, str(CHART)).replace("sealer-system", self.namespace)
        done = subprocess.run(
            ["bash", "-ec", script],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture
def shell(plane: ControlPlane, tmp_path: Path, namespace: str) -> Shell:
    """A shell in a folder of its own; its namespace is still to be made."""
    return Shell(plane, tmp_path, f"{namespace}-own")


def bring_key(plane: ControlPlane, namespace: str) -> None:
    """Make the namespace with a sealing key that is known here."""
    if plane.api.find("Namespace", "", namespace) is None:
        plane.api.namespace(namespace)
    plane.api.create(key_secret(pair(), prefix="page-", namespace=namespace))


def lead_service_to(plane: ControlPlane, namespace: str, port: int) -> None:
    """Do what nodes would: give the chart's Service a pod with an address, and endpoints."""
    name = "sealed-secrets-controller"
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"nodeName": "nowhere", "containers": [{"name": "c", "image": "none"}]},
    }
    uid = plane.api.create(pod)["metadata"]["uid"]
    status = {"podIP": POD_ADDRESS, "podIPs": [{"ip": POD_ADDRESS}], "phase": "Running"}
    plane.api.patch("Pod", namespace, name, {"status": status}, "/status")
    target = {"kind": "Pod", "name": name, "namespace": namespace, "uid": uid}
    subset = {
        "addresses": [{"ip": POD_ADDRESS, "targetRef": target}],
        "ports": [{"port": port, "name": "http"}],
    }
    metadata = {"name": name, "namespace": namespace}
    plane.api.create(
        {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset]}
    )


def test_install_with_helm_as_the_page_says(
    plane: ControlPlane, network: bool, shell: Shell, tmp_path: Path
) -> None:
    bring_key(plane, shell.namespace)
    (tmp_path / "secret.yaml").write_text((ROOT / "examples" / "secret.yaml").read_text())
    # The CRDs of the testbed were made by kubectl: the page's last words about that apply.
    install, tell, seal = blocks("install-helm", "sh", "Install")
    shell.run(install.rstrip() + " --take-ownership\n")
    with ours(plane, "--key-renew-period=0", namespace=shell.namespace) as running:
        if network:
            lead_service_to(plane, shell.namespace, running.port)
            shell.run(tell + seal)
            assert "encryptedData" in (tmp_path / "sealed.yaml").read_text()
            assert (tmp_path / "cluster.pem").read_bytes() == pair().certificate.pem
    for block in blocks("install-helm", "sh", "Upgrade, roll back, uninstall"):
        shell.run(block)
    for block in blocks("install-helm", "sh", "When the CRDs are there already"):
        shell.run(block)
    shell.run("helm uninstall sealed-secrets --namespace sealer-system")


def test_migrate_from_the_peer_as_the_page_says(plane: ControlPlane, shell: Shell) -> None:
    page = "migrate-from-bitnami"
    bring_key(plane, "kube-system")
    plane.api.create(sealed("kube-system", "migrated"))
    shell.run(f"helm install sealed-secrets {peer_chart()} --namespace kube-system")
    with ours(plane, "--key-renew-period=0", namespace="kube-system"):
        wait_for("a Secret", lambda: plane.api.find("Secret", "kube-system", "migrated"))
    before = everything(plane, "kube-system")
    for section in ("Before", "In place", "Back"):
        for block in blocks(page, "sh", section):
            shell.run(block)
    assert everything(plane, "kube-system") == before
    for block in blocks(page, "sh", "Into a namespace of its own"):
        shell.run(block)
    assert everything(plane, "kube-system") == before
    with ours(plane, "--key-renew-period=0", namespace=shell.namespace) as controller:
        assert controller.get("/v1/cert.pem")[0] == 200
        keys = [key for key in before if key.startswith("Secret/page-")]
        assert keys
        for key in keys:
            assert plane.api.find("Secret", shell.namespace, key.removeprefix("Secret/"))
    shell.run("helm uninstall sealer --namespace sealer-system")
    plane.api.delete("SealedSecret", "kube-system", "migrated")
    for key in keys:
        plane.api.delete("Secret", "kube-system", key.removeprefix("Secret/"))
