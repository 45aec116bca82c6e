"""examples/gitops, step by step as its README says, with what Flux's own libraries apply.

kustomize-controller is here by its libraries: build with targetNamespace, apply with owner labels,
an inventory, and pruning of what left it. What helm-controller does with the HelmRelease, the real
helm does with its values.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from controller.keys.renewal import KEY_SELECTOR, key_secret
from controller.notify import payloads
from controller.notify.batch import Batcher
from controller.notify.notice import notice_of
from controller.notify.receivers import Receiver
from controller.reasons import Reason
from tests.chart.helm import CHART, HelmError, Release, documents
from tests.chart.test_gitops import CLUSTERS, SECRETS, TREE, cluster, key_of
from tests.testbed.cluster import ControlPlane, control_plane, wait_for
from tests.testbed.controllers import ours
from tests.testbed.fixtures import need
from tests.testbed.flux_argo import Reconciler
from tests.unit.controller.notify.test_batch import FLUX, happening

SYSTEM = "sealer-system"
PRUNE = "kustomize.toolkit.fluxcd.io/prune"
OWNER = "kustomize.toolkit.fluxcd.io/name"
# Kinds that other controllers of Flux fill in; without those their own CRDs are never ready.
PLAIN = (
    ("helm.toolkit.fluxcd.io", "v2", "HelmRelease"),
    ("notification.toolkit.fluxcd.io", "v1beta3", "Alert"),
    ("notification.toolkit.fluxcd.io", "v1beta3", "Provider"),
    ("source.toolkit.fluxcd.io", "v1", "OCIRepository"),
)
HOMES = {"dev-cluster": "flux-system", "prod-cluster": "cluster-config"}


@pytest.fixture(params=CLUSTERS)
def name(request: pytest.FixtureRequest) -> str:
    """A cluster of the example."""
    found: str = request.param
    return found


class Cluster:
    """A cluster that Flux was bootstrapped on, and its repository."""

    def __init__(self, plane: ControlPlane, name: str, folder: Path) -> None:
        self.plane, self.name, self.folder = plane, name, folder
        self.tree = folder / "tree"
        shutil.copytree(TREE, self.tree)
        (folder / "state").mkdir()
        self.flux = Reconciler(plane.kubeconfig, self.tree, folder / "state")
        self.release = Release("sealed-secrets", SYSTEM, plane.kubeconfig)
        self.kustomizations = {one["metadata"]["name"]: one for one in cluster(name, folder)}

    def reconcile(self, name: str) -> dict[str, str]:
        """Reconcile one Kustomization, which has to become ready."""
        done, error = self.flux.run(self.kustomizations[name])
        assert not error, error
        return done

    def install(self) -> None:
        """Do what helm-controller does with the HelmRelease."""
        home = HOMES[self.name]
        release = self.find("helm.toolkit.fluxcd.io/v2", home, "helmreleases", "sealed-secrets")
        assert release["spec"]["targetNamespace"] == SYSTEM
        # Helm made no CRD here: the testbed has ours already.
        self.release.run(
            *("upgrade", str(CHART), "--install", "--take-ownership"),
            values=release["spec"]["values"],
        )

    def find(self, version: str, namespace: str, plural: str, name: str) -> dict[str, Any]:
        """An object of Flux's."""
        path = f"/apis/{version}/namespaces/{namespace}/{plural}/{name}"
        return self.plane.api.request("GET", path)

    def namespace(self, name: str) -> dict[str, Any]:
        """A namespace's metadata, empty where there is none."""
        found = self.plane.api.find("Namespace", "", name) or {}
        metadata: dict[str, Any] = found.get("metadata") or {}
        return metadata

    def keys(self) -> list[str]:
        """The names of the sealing keys."""
        path = f"/api/v1/namespaces/{SYSTEM}/secrets?labelSelector={KEY_SELECTOR}"
        return [one["metadata"]["name"] for one in self.plane.api.request("GET", path)["items"]]

    def secrets(self) -> list[str]:
        """The Secrets that the cluster's folders make."""
        return sorted(place for folder in CLUSTERS[self.name] for place in SECRETS[folder])


@pytest.fixture
def made(name: str, tmp_path: Path) -> Iterator[Cluster]:
    """A cluster of its own: its namespaces have the example's names, and one is pruned."""
    need("etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm", "kustomize")
    need("fluxbuild", "fluxapply")
    with control_plane() as plane:
        for group, version, kind in PLAIN:
            plane.kubectl("apply", "-f", "-", text=json.dumps(plain_crd(group, version, kind)))
        plane.wait_established("crd", "--all")
        plane.api.namespace(HOMES[name])
        yield Cluster(plane, name, tmp_path)


def plain_crd(group: str, version: str, kind: str) -> dict[str, Any]:
    """A CRD that takes anything."""
    plural = f"{kind.lower()}s".replace("ys", "ies")
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = {"name": version, "served": True, "storage": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "scope": "Namespaced",
            "versions": [{**served, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def set_up(made: Cluster) -> None:
    """The first steps of the README, until the controller could start with the cluster's key."""
    made.reconcile("sealer-namespace")
    made.reconcile("sealer")
    made.install()
    key = key_secret(key_of(made.name), prefix="sealed-secrets-key", namespace=SYSTEM)
    made.plane.api.create(key)


def controller(made: Cluster) -> Any:
    """The controller with the chart's own account."""
    token = made.plane.service_account_token(SYSTEM, "sealed-secrets-controller")
    kubeconfig = made.plane.write_kubeconfig("sealer", token)
    flags = ("--key-renew-period=0", "--additional-namespaces=" + ",".join(_spaces(made)))
    return ours(made.plane, *flags, namespace=SYSTEM, kubeconfig=kubeconfig)


def _spaces(made: Cluster) -> list[str]:
    return sorted({place.split("/")[0] for place in made.secrets()})


def without_workloads(made: Cluster) -> None:
    """No kubelet is here, and no vault: a Deployment and a KeyVaultSecret never get ready."""
    for overlay in made.tree.glob("apps/overlays/*/kustomization.yaml"):
        text = overlay.read_text()
        for entry in ("  - ../../base\n", "  - key-vault.yaml\n"):
            text = text.replace(entry, "")
        overlay.write_text(text.split("replicas:\n")[0])


def test_each_step_of_the_readme_leaves_what_it_says(made: Cluster) -> None:
    home = HOMES[made.name]
    before = made.namespace(home)["labels"]
    assert made.reconcile("sealer-namespace") == {f"Namespace/{SYSTEM}": "created"}
    done = made.reconcile("sealer")
    assert done == {
        f"OCIRepository/{home}/sealer": "created",
        f"HelmRelease/{home}/sealed-secrets": "created",
    }
    made.install()
    assert made.namespace(home)["labels"] == before
    assert made.namespace(SYSTEM)["labels"][OWNER] == "sealer-namespace"

    key = key_secret(key_of(made.name), prefix="sealed-secrets-key", namespace=SYSTEM)
    made.plane.api.create(key)
    without_workloads(made)
    with controller(made):
        for each in made.kustomizations:
            made.reconcile(each)
        for place in made.secrets():
            assert made.plane.api.find("Secret", *place.split("/")), place
        for each in made.kustomizations:
            assert set(made.reconcile(each).values()) == {"unchanged"}


def test_taking_the_controller_out_of_git_keeps_its_namespace_and_keys(made: Cluster) -> None:
    set_up(made)
    without_workloads(made)
    with controller(made):
        for each in made.kustomizations:
            made.reconcile(each)
    keys = made.keys()
    assert len(keys) == 1
    # Both folders are emptied, and then both Kustomizations taken out.
    for folder in ("sealer", "sealer-namespace"):
        (made.tree / "infrastructure" / folder / "kustomization.yaml").write_text("resources: []\n")
    pruned = made.flux.delete(made.kustomizations["sealer"])
    assert pruned[f"HelmRelease/{HOMES[made.name]}/sealed-secrets"] == "deleted"
    made.release.run("uninstall")
    kept = made.flux.delete(made.kustomizations["sealer-namespace"])
    assert kept == {f"Namespace/{SYSTEM}": "skipped"}
    assert "deletionTimestamp" not in made.namespace(SYSTEM)
    assert made.keys() == keys

    # Put back: everything opens, what was sealed meanwhile as well.
    shutil.rmtree(made.tree / "infrastructure")
    shutil.copytree(TREE / "infrastructure", made.tree / "infrastructure")
    made.reconcile("sealer-namespace")
    made.reconcile("sealer")
    made.install()
    place = made.secrets()[0]
    made.plane.api.delete("Secret", *place.split("/"))
    with controller(made):
        wait_for("opened again", lambda: made.plane.api.find("Secret", *place.split("/")))
        for each in made.kustomizations:
            assert "deleted" not in made.reconcile(each).values()
        assert made.keys() == keys


def as_it_was(made: Cluster, annotations: Mapping[str, str]) -> None:
    """The example's folder of the first versions: the Namespace under a targetNamespace."""
    folder = made.tree / "infrastructure" / "sealer"
    metadata = {"name": SYSTEM, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    value = {"apiVersion": "v1", "kind": "Namespace"}
    value["metadata"] = {**metadata, "annotations": dict(annotations)}  # type: ignore[assignment]
    (folder / "namespace.yaml").write_text(json.dumps(value))
    file = folder / "kustomization.yaml"
    file.write_text(file.read_text() + "  - namespace.yaml\n")


def test_a_cluster_of_the_first_version_is_mended_as_the_changelog_says(made: Cluster) -> None:
    home = HOMES[made.name]
    good = {
        name: (TREE / "infrastructure/sealer" / name).read_text()
        for name in ("kustomization.yaml",)
    }
    as_it_was(made, {})
    assert made.reconcile("sealer")[f"Namespace/{home}"] == "configured"
    assert not made.namespace(SYSTEM)
    with pytest.raises(HelmError, match=f'namespaces "{SYSTEM}" not found'):
        made.install()

    # The first commit; the second is this example.
    (made.tree / "infrastructure/sealer/kustomization.yaml").write_text(good["kustomization.yaml"])
    as_it_was(made, {PRUNE: "disabled"})
    assert made.reconcile("sealer")[f"Namespace/{home}"] == "configured"
    (made.tree / "infrastructure/sealer/namespace.yaml").unlink()
    (made.tree / "infrastructure/sealer/kustomization.yaml").write_text(good["kustomization.yaml"])
    made.reconcile("sealer-namespace")
    assert made.reconcile("sealer")[f"Namespace/{home}"] == "skipped"
    made.install()
    stays = made.namespace(home)
    assert "deletionTimestamp" not in stays
    assert stays["labels"] == {
        "kubernetes.io/metadata.name": home,
        OWNER: "sealer",
        "kustomize.toolkit.fluxcd.io/namespace": home,
        "pod-security.kubernetes.io/enforce": "restricted",
    }
    assert stays["annotations"][PRUNE] == "disabled"
    assert made.namespace(SYSTEM)["labels"][OWNER] == "sealer-namespace"


@pytest.mark.parametrize("name", ["prod-cluster"])
def test_a_tenant_applies_its_secrets_with_what_the_chart_gives_flux_applier(
    made: Cluster,
) -> None:
    release = made.tree / "infrastructure/sealer/release.yaml"
    text = release.read_text()
    assert "      fluxApplier:\n        create: true\n" in text
    more = "        create: true\n        namespaces: [shop-prod]\n"
    release.write_text(text.replace("        create: true\n", more))
    without_workloads(made)
    made.plane.api.namespace("shop-prod")
    account = {"name": "flux-applier", "namespace": "shop-prod"}
    made.plane.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    set_up(made)
    overlay = made.tree / "apps/overlays/prod/kustomization.yaml"
    overlay.write_text(overlay.read_text().replace("  - namespace.yaml\n", ""))
    tenant = {**made.kustomizations["shop-prod"]}
    tenant["metadata"] = {"name": "shop", "namespace": "shop-prod"}
    tenant["spec"] = {**tenant["spec"], "targetNamespace": "shop-prod"}
    user = "system:serviceaccount:shop-prod:flux-applier"
    with controller(made):
        done, error = made.flux.run(tenant, user=user)
        assert (error, set(done.values())) == ("", {"created"})
        assert set(done) == {"SealedSecret/shop-prod/registry", "SealedSecret/shop-prod/shop-db"}
        assert made.plane.api.find("Secret", "shop-prod", "shop-db")
    (made.tree / "apps/overlays/prod/kustomization.yaml").write_text(
        "resources: [sealed-db.yaml]\n"
    )
    with controller(made):
        done, error = made.flux.run(tenant, user=user)
    assert (error, done["SealedSecret/shop-prod/registry"]) == ("", "deleted")


@pytest.mark.parametrize("alert", ["slack", "teams"])
def test_the_example_tells_of_an_edited_secret(alert: str) -> None:
    (release,) = documents((TREE / "infrastructure/sealer/release.yaml").read_text())
    (receiver,) = release["spec"]["values"]["notifications"]["receivers"]
    told = notice_of(happening(Reason.DRIFT_CORRECTED, labels=FLUX))
    failed = notice_of(happening(Reason.UNSEAL_FAILED, labels=FLUX))
    assert told is not None
    assert failed is not None
    ours = Receiver(name="flux", kind=receiver["kind"], url_file="x", reasons=("Drift*",))
    assert list(ours.reasons) == receiver["reasons"]
    # A failure fails its Kustomization, and Flux tells that itself.
    assert (ours.wants(told), ours.wants(failed)) == (True, False)
    batcher, now = Batcher(ours.window), told.at
    batcher.add(told, now)
    (batch,) = batcher.due(now, all_of_them=True)
    event = payloads.flux(batch, keys=False, revision="", now=now)
    assert event is not None
    objects = documents((TREE / f"infrastructure/notifications/base/{alert}.yaml").read_text())
    (passed,) = (one["spec"] for one in objects if one["metadata"]["name"] == f"{alert}-drift")
    assert (passed["eventSeverity"], event["severity"]) == ("info", "info")
    assert any(re.search(one, event["message"]) for one in passed["inclusionList"])
    assert not any(re.search(one, "Reconciliation finished") for one in passed["inclusionList"])
    assert event["involvedObject"]["kind"] == passed["eventSources"][0]["kind"]
