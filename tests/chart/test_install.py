"""The chart on a real API server: every object is taken, and a release's life loses nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from controller.keys.renewal import key_secret
from sealer import KeyPair, Secret, seal
from tests.chart.helm import CHART, HelmError, Release, only, render, template
from tests.chart.matrix import MATRIX
from tests.chart.test_values import peer_chart
from tests.sealing_keys import pair
from tests.testbed.cluster import ApiError, ControlPlane, control_plane, wait_for
from tests.testbed.controllers import ours, peer

# The test key is old enough for renewal; the tests want to see nothing new.
KEEP = "--key-renew-period=0"
ALONE = ("--all-namespaces=false", KEEP)
DATA = {"password": b"correct horse"}


@pytest.mark.parametrize("name", MATRIX)
def test_the_api_server_takes_every_object_without_a_warning(
    plane: ControlPlane, namespace: str, name: str
) -> None:
    plane.kubectl(
        *("apply", "--server-side", "--force-conflicts", "--field-manager=helm"),
        *("--dry-run=server", "--warnings-as-errors", "-f", "-"),
        text=template(MATRIX[name], namespace=namespace),
    )


@pytest.mark.parametrize("name", ["defaults", "key-vault", "notifications"])
def test_the_pod_is_let_into_a_namespace_of_the_restricted_standard(
    plane: ControlPlane, namespace: str, name: str
) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    plane.api.patch("Namespace", "", namespace, {"metadata": {"labels": labels}})
    pod = only(render(MATRIX[name], namespace=namespace), "Deployment")["spec"]["template"]
    metadata = {**pod["metadata"], "name": "controller", "namespace": namespace}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod["spec"]}
    path = f"/api/v1/namespaces/{namespace}/pods?dryRun=All"
    assert plane.api.request("POST", path, manifest)["kind"] == "Pod"
    manifest["spec"]["hostNetwork"] = True
    with pytest.raises(ApiError, match="violates PodSecurity"):
        plane.api.request("POST", path, manifest)


@pytest.fixture
def release(plane: ControlPlane, namespace: str) -> Release:
    """A release to be installed in a namespace of its own."""
    return Release("sealed-secrets", namespace, plane.kubeconfig)


ANY_ACCOUNT = "keyVault.enabled=true,keyVault.serviceAccounts={*}"


def install(release: Release, chart: Path = CHART, **values: Any) -> None:
    """Install; other tests' releases had the CRDs before."""
    release.run("install", str(chart), "--take-ownership", values=values)


def bring_key(plane: ControlPlane, namespace: str, name: str = "one") -> KeyPair:
    """Put a sealing key where the controller looks for it."""
    key = pair(name)
    plane.api.create(key_secret(key, prefix="sealed-secrets-key", namespace=namespace))
    return key


def sealed(namespace: str, name: str = "db", key: str = "one") -> dict[str, Any]:
    """A SealedSecret for a key of ``bring_key``."""
    secret = Secret(name=name, namespace=namespace, data=DATA)
    return seal(secret, pair(key).certificate).to_dict()


def everything(plane: ControlPlane, namespace: str) -> dict[str, str]:
    """Every SealedSecret and Secret but helm's own, with its uid and version."""
    return {
        f"{kind}/{one['metadata']['name']}": (
            f"{one['metadata']['uid']} {one['metadata']['resourceVersion']}"
        )
        for kind in ("SealedSecret", "Secret")
        for one in plane.api.list(kind, namespace)
        if one.get("type") != "helm.sh/release.v1"
    }


def test_upgrade_rollback_and_uninstall_keep_keys_and_secrets(
    plane: ControlPlane, namespace: str, release: Release
) -> None:
    install(release)
    bring_key(plane, namespace)
    plane.api.create(sealed(namespace))
    with ours(plane, *ALONE, namespace=namespace):
        wait_for("the Secret", lambda: plane.api.find("Secret", namespace, "db"))
        wait_for("the status", lambda: _synced(plane, namespace))
    before = everything(plane, namespace)
    assert set(before) >= {"SealedSecret/db", "Secret/db", "Secret/sealed-secrets-key-record"}
    assert len(before) == 4
    crd = plane.api.get("CustomResourceDefinition", "", "sealedsecrets.bitnami.com")

    release.run("upgrade", str(CHART), values={"drift": "report", "keyVault": {"enabled": False}})
    deployment = plane.api.get("Deployment", namespace, "sealed-secrets-controller")
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--drift=report" in arguments
    assert everything(plane, namespace) == before

    release.run("rollback", "1")
    assert everything(plane, namespace) == before

    kept = release.run("uninstall")
    assert "sealedsecrets.bitnami.com" in kept
    assert plane.api.find("Deployment", namespace, "sealed-secrets-controller") is None
    assert everything(plane, namespace) == before
    now = plane.api.get("CustomResourceDefinition", "", "sealedsecrets.bitnami.com")
    assert now["metadata"]["uid"] == crd["metadata"]["uid"]

    # Installed again under its name, it takes up what it left, without a word about ownership.
    release.run("install", str(CHART), values={})
    assert everything(plane, namespace) == before


def test_an_upgrade_brings_the_crds_up_to_date(
    plane: ControlPlane, release: Release, tmp_path: Path
) -> None:
    older = tmp_path / "sealer"
    shutil.copytree(CHART, older)
    crd = older / "files" / "crds" / "sealedsecrets.bitnami.com.yaml"
    crd.write_text(crd.read_text().replace("shortNames: [ss]", "shortNames: []"))
    install(release, older)

    def short_names() -> list[str]:
        found = plane.api.get("CustomResourceDefinition", "", "sealedsecrets.bitnami.com")
        names: list[str] = found["spec"]["names"].get("shortNames", [])
        return names

    assert short_names() == []
    release.run("upgrade", str(CHART), values={})
    assert short_names() == ["ss"]


VAULT_CRDS = [f"{one}.keyvault.sealer.dev" for one in ("keyvaults", "keyvaultsecrets")]


def vault_objects(namespace: str) -> list[dict[str, Any]]:
    """A KeyVault and a KeyVaultSecret."""
    auth = {"workloadIdentity": {"serviceAccountName": "shop"}}
    data = [{"key": "password", "from": {"secret": "db-password"}}]
    specs = {
        "KeyVault": {"url": "https://shop.vault.azure.net", "auth": auth},
        "KeyVaultSecret": {"vaultRef": {"name": "shop"}, "data": data},
    }
    metadata = {"name": "shop", "namespace": namespace}
    version = "keyvault.sealer.dev/v1alpha1"
    return [
        {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}
        for kind, spec in specs.items()
    ]


@pytest.mark.usefixtures("network")
def test_key_vault_is_switched_on_off_and_on_again_and_nothing_is_lost(tmp_path: Path) -> None:
    older = tmp_path / "sealer"
    shutil.copytree(CHART, older)
    crd = older / "files" / "crds" / "keyvault.sealer.dev_keyvaultsecrets.yaml"
    crd.write_text(crd.read_text().replace("shortNames: [kvs]", "shortNames: []"))

    with control_plane() as plane:
        release = Release("sealed-secrets", plane.api.namespace("sealer"), plane.kubeconfig)
        # A cluster that has never heard of them.
        for one in plane.api.list("CustomResourceDefinition"):
            plane.api.delete("CustomResourceDefinition", "", one["metadata"]["name"])
        wait_for("no CRD", lambda: not plane.api.list("CustomResourceDefinition"))

        def crds() -> dict[str, Any]:
            found = plane.api.list("CustomResourceDefinition")
            return {one["metadata"]["name"]: one for one in found}

        def told() -> str:
            deployment = plane.api.get("Deployment", "sealer", "sealed-secrets-controller")
            roles = [*plane.api.list("ClusterRole"), *plane.api.list("Role", "sealer")]
            rules = [one["rules"] for one in roles if "sealed" in one["metadata"]["name"]]
            return json.dumps([deployment["spec"], rules]).lower()

        def uids() -> list[str]:
            found = [plane.api.get(one["kind"], "sealer", "shop") for one in made]
            return [one["metadata"]["uid"] for one in found]

        release.run("install", str(older), values={})
        assert set(crds()) == {"sealedsecrets.bitnami.com"}
        assert "vault" not in told()

        keep = "--reset-then-reuse-values"
        release.run("upgrade", str(older), keep, "--set", ANY_ACCOUNT)
        assert set(VAULT_CRDS) < set(crds())
        assert "--key-vault=true" in told()
        assert "keyvaultsecrets/status" in told()
        plane.wait_established(*(f"crd/{one}" for one in VAULT_CRDS))
        made = [plane.api.create(one) for one in vault_objects("sealer")]
        before = uids()

        release.run("upgrade", str(older), keep, "--set", "keyVault.enabled=false")
        assert "vault" not in told()
        assert set(VAULT_CRDS) < set(crds())
        assert uids() == before

        # Switched on by a newer chart, it takes up what was left and brings it up to date.
        release.run("upgrade", str(CHART), keep, "--set", ANY_ACCOUNT)
        assert "--key-vault=true" in told()
        assert crds()[VAULT_CRDS[1]]["spec"]["names"]["shortNames"] == ["kvs"]
        assert uids() == before

        release.run("rollback", "1")
        assert "vault" not in told()
        release.run("uninstall")
        assert uids() == before


def test_two_releases_live_side_by_side(
    plane: ControlPlane, namespace: str, release: Release
) -> None:
    install(release)
    other = Release("second", plane.api.namespace(f"{namespace}-b"), plane.kubeconfig)
    other.run("install", str(CHART), values={"crds": {"create": False}})
    assert json.loads(other.run("status", "--output=json"))["info"]["status"] == "deployed"


def test_notes_tell_the_next_three_commands(release: Release) -> None:
    notes = release.run("install", str(CHART), "--take-ownership", values={})
    for step in ("1. ", "2. ", "3. "):
        assert f"\n{step}" in notes
    assert f"--controller-namespace {release.namespace}" in notes


def test_the_crds_of_another_release_are_not_taken_silently(
    plane: ControlPlane, namespace: str, release: Release
) -> None:
    install(release)
    other = Release("second", plane.api.namespace(f"{namespace}-b"), plane.kubeconfig)
    with pytest.raises(HelmError, match="invalid ownership metadata"):
        other.run("install", str(CHART), values={})


@pytest.mark.parametrize("fullname", ["sealed-secrets-controller", ""])
def test_a_release_goes_from_the_peers_chart_to_ours_and_back(
    plane: ControlPlane, namespace: str, release: Release, fullname: str
) -> None:
    theirs = {
        "fullnameOverride": fullname,
        "keyrenewperiod": "0",
        "rbac": {"clusterRoleName": f"{namespace}-unsealer"},
    }
    install(release, peer_chart(), **theirs)
    bring_key(plane, namespace)
    plane.api.create(sealed(namespace))
    only_here = f"--additional-namespaces={namespace}"
    with peer(plane, only_here, KEEP, namespace=namespace):
        wait_for("the Secret", lambda: plane.api.find("Secret", namespace, "db"))
        wait_for("the status", lambda: _synced(plane, namespace))
    before = everything(plane, namespace)
    secrets = {key: value for key, value in before.items() if key.startswith("Secret/")}

    release.run("upgrade", str(CHART), "--take-ownership", values=theirs)
    with ours(plane, *ALONE, namespace=namespace) as controller:
        plane.api.create(sealed(namespace, "more"))
        wait_for("one more", lambda: plane.api.find("Secret", namespace, "more"))
        assert controller.get("/v1/cert.pem")[1] == pair("one").certificate.pem
    now = everything(plane, namespace)
    # Not one write: no workload that mounts or watches the Secret notices.
    assert {key: now[key] for key in secrets} == secrets

    release.run("rollback", "1")
    with peer(plane, only_here, KEEP, namespace=namespace):
        plane.api.create(sealed(namespace, "last"))
        wait_for("the last", lambda: plane.api.find("Secret", namespace, "last"))
    now = everything(plane, namespace)
    assert {key: now[key] for key in secrets} == secrets
    # The peer's cluster-wide names leave room for one release at a time.
    release.run("uninstall")


def _synced(plane: ControlPlane, namespace: str, name: str = "db") -> bool:
    status = plane.api.get("SealedSecret", namespace, name).get("status") or {}
    conditions = status.get("conditions") or [{}]
    return bool(conditions[0].get("status") == "True")
