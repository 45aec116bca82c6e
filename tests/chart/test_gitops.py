"""examples/gitops: built by the real kustomize, applied to a real API server, unsealed by us."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.keys.renewal import key_secret
from sealer import Certificate, KeyPair, encoding
from sealer.config.rules import RuleFile
from tests.chart.helm import ROOT, Manifest, documents, only, render
from tests.testbed import binaries
from tests.testbed.cluster import ControlPlane, place, wait_for
from tests.testbed.controllers import ours
from tests.testbed.fixtures import need

TREE = ROOT / "examples" / "gitops"
KEYS = Path(__file__).parent / "keys"
FLUX = {"kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io", "source.toolkit.fluxcd.io"}
FLUX |= {"notification.toolkit.fluxcd.io"}

SECRETS: dict[str, dict[str, dict[str, str]]] = {
    "apps/overlays/dev": {
        "shop-dev/shop-db": {
            "DB_HOST": "postgres.shop-dev",
            "DB_USER": "shop",
            "DB_PASSWORD": "dev-example-password",
        }
    },
    "apps/overlays/staging": {
        "shop-staging/shop-db": {
            "DB_HOST": "postgres.shop-staging",
            "DB_USER": "shop",
            "DB_PASSWORD": "staging-example-password",
        }
    },
    "apps/overlays/prod": {
        "shop-prod/shop-db": {
            "DB_HOST": "shop.postgres.database.azure.com",
            "DB_USER": "shop",
            "DB_PASSWORD": "prod-example-password",
        },
        "shop-prod/registry": {
            ".dockerconfigjson": '{"auths":{"ghcr.io":{"username":"example",'
            '"password":"registry-example-password"}}}\n'
        },
    },
    "infrastructure/notifications/dev-cluster": {
        "flux-system/slack-webhook": {"address": "https://hooks.slack.example/services/dev"},
        "flux-system/teams-webhook": {"address": "https://teams.example/workflows/dev"},
    },
    "infrastructure/notifications/prod-cluster": {
        "cluster-config/slack-webhook": {"address": "https://hooks.slack.example/services/prod"},
        "cluster-config/teams-webhook": {"address": "https://teams.example/workflows/prod"},
    },
}
CLUSTERS = {
    "dev-cluster": [
        "infrastructure/notifications/dev-cluster",
        "apps/overlays/dev",
        "apps/overlays/staging",
    ],
    "prod-cluster": ["infrastructure/notifications/prod-cluster", "apps/overlays/prod"],
}


def build(folder: Path) -> list[Manifest]:
    """Build an overlay with the real kustomize."""
    need("kustomize")
    done = subprocess.run(
        [binaries.path("kustomize"), "build", folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return documents(done.stdout)


def cluster(name: str, tmp_path: Path) -> list[Manifest]:
    """Return what Flux finds for a cluster: it makes a kustomization over all files itself."""
    need("kustomize")
    folder = tmp_path / name
    shutil.copytree(TREE / "clusters" / name, folder)
    create = [str(binaries.path("kustomize")), "create", "--autodetect", "--recursive"]
    subprocess.run(create, cwd=folder, check=True, capture_output=True)
    return build(folder)


def key_of(name: str) -> KeyPair:
    """Return the example cluster's sealing key."""
    certificate = (TREE / "clusters" / name / "certificate.pem").read_bytes()
    return KeyPair.from_pem((KEYS / f"{name}.key").read_bytes(), certificate, name=name)


@pytest.mark.parametrize("name", CLUSTERS)
def test_every_overlay_of_a_cluster_ends_in_the_right_secrets(
    plane: ControlPlane, namespace: str, name: str
) -> None:
    plane.api.create(key_secret(key_of(name), prefix="sealed-secrets-key", namespace=namespace))
    expected: dict[str, Mapping[str, str]] = {}
    for folder in CLUSTERS[name]:
        expected |= SECRETS[folder]
    namespaces = sorted({key.split("/")[0] for key in expected})
    for each in namespaces:
        if plane.api.find("Namespace", "", each) is None:
            plane.api.namespace(each)
    watched = f"--additional-namespaces={','.join(namespaces)}"
    with ours(plane, watched, "--key-renew-period=0", namespace=namespace):
        for folder in CLUSTERS[name]:
            for one in build(TREE / folder):
                # Flux's own CRDs are not here; what they say is looked at below.
                if one["apiVersion"].split("/")[0] not in FLUX and one["kind"] != "Namespace":
                    _apply(plane, one)
        for key, data in expected.items():
            wait_for(key, lambda key=key, data=data: _data(plane, key) == data)
    # The next cluster seals the same names with another key.
    for key in expected:
        plane.api.delete("SealedSecret", *key.split("/"))
        wait_for("clean-up", lambda key=key: plane.api.find("Secret", *key.split("/")) is None, 40)


def _apply(plane: ControlPlane, one: Manifest) -> None:
    name = one["metadata"]["name"]
    query = "fieldManager=kustomize-controller&force=true"
    content = "application/apply-patch+yaml"
    plane.api.request("PATCH", f"{place(one)}/{name}?{query}", one, content)


def _data(plane: ControlPlane, key: str) -> dict[str, str]:
    secret = plane.api.find("Secret", *key.split("/")) or {}
    data = secret.get("data") or {}
    return {name: encoding.decode(value).decode() for name, value in data.items()}


@pytest.mark.parametrize("name", CLUSTERS)
def test_flux_applies_what_was_tested_and_the_controller_before_it(
    name: str, tmp_path: Path
) -> None:
    kustomizations = cluster(name, tmp_path)
    paths = {one["spec"]["path"].removeprefix("./") for one in kustomizations}
    assert paths == {
        *CLUSTERS[name],
        "infrastructure/sealer",
        "infrastructure/sealer-namespace",
    }
    for one in kustomizations:
        is_sealer = one["metadata"]["name"] == "sealer"
        is_namespace = one["metadata"]["name"] == "sealer-namespace"
        assert one["spec"]["wait"] is True
        renaming = {"targetNamespace", "namePrefix", "nameSuffix", "postBuild"} & set(one["spec"])
        assert renaming == ({"targetNamespace"} if is_sealer else set())
        before = [other["name"] for other in one["spec"].get("dependsOn", ())]
        assert before == ([] if is_namespace else ["sealer-namespace" if is_sealer else "sealer"])


@pytest.mark.parametrize("name", CLUSTERS)
def test_no_flux_object_looks_into_another_namespace(name: str, tmp_path: Path) -> None:
    # AKS forbids it: the lockdown refuses references that cross namespaces.
    kustomizations = cluster(name, tmp_path)
    (home,) = {one["metadata"]["namespace"] for one in kustomizations}
    assert {one["spec"].get("targetNamespace", home) for one in kustomizations} == {home}
    objects = build(TREE / "infrastructure" / "notifications" / name)
    assert {one["metadata"]["namespace"] for one in objects} == {home}
    for one in (*objects, *build(TREE / "infrastructure" / "sealer")):
        if one["kind"] in ("Alert", "HelmRelease", "OCIRepository", "Provider"):
            text = str({**one["spec"], "values": None})
            assert "'namespace'" not in text


def test_the_helm_release_has_values_that_the_chart_takes() -> None:
    objects = build(TREE / "infrastructure" / "sealer")
    release = only(objects, "HelmRelease")
    repository = only(objects, "OCIRepository", release["spec"]["chartRef"]["name"])
    assert repository["spec"]["url"].endswith("/charts/sealer")
    rendered = render(
        release["spec"]["values"],
        name=release["spec"]["releaseName"],
        namespace=release["spec"]["targetNamespace"],
    )
    assert only(rendered, "Service", "sealed-secrets-controller")


@pytest.mark.parametrize("path", sorted(TREE.rglob("*.yaml")), ids=lambda path: path.name)
def test_no_cleartext_lies_in_the_tree(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"^kind: Secret$", text, re.MULTILINE)
    for secrets in SECRETS.values():
        for data in secrets.values():
            assert not [value for value in data.values() if len(value) > 8 and value in text]


def test_every_file_is_used() -> None:
    used: set[str] = set()
    for file in TREE.rglob("kustomization.yaml"):
        for one in documents(file.read_text()):
            entries: list[Any] = [*one.get("resources", ())]
            entries += [patch["path"] for patch in one.get("patches", ())]
            used |= {str((file.parent / entry).resolve()) for entry in entries}
    unused = {
        path
        for path in TREE.rglob("*.yaml")
        if path.name != "kustomization.yaml" and str(path.resolve()) not in used
    }
    unused.discard(TREE / ".pre-commit-config.yaml")
    assert {path.parent.parent.name for path in unused} == {"clusters"}


@pytest.mark.parametrize("path", ["apps/overlays/prod", "infrastructure/notifications/dev-cluster"])
def test_the_rule_file_knows_the_certificate_of_every_sealed_file(path: str) -> None:
    rules = RuleFile.from_dict(tomllib.loads((TREE / ".seal.toml").read_text()), "", ".seal.toml")
    sealed = [one for one in TREE.rglob("sealed-*.yaml") if path in str(one)]
    assert sealed
    for one in sealed:
        rule = rules.rule_for(str(one.relative_to(TREE)))
        assert rule
        (cert,) = rule.certs
        known = Certificate.from_pem((TREE / cert).read_bytes())
        for each in documents(one.read_text()):
            noted = each["metadata"]["annotations"]["sealer.dev/certificate-fingerprint"]
            assert noted == known.fingerprint


def test_seal_check_finds_nothing_in_the_example(tmp_path: Path) -> None:
    need("kustomize")
    shutil.copytree(TREE, tmp_path / "tree")
    command = [str(Path(sys.executable).parent / "seal"), "check", "--strict"]
    command += ["--kustomize", str(binaries.path("kustomize"))]
    done = subprocess.run(
        command, cwd=tmp_path / "tree", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_hooks_of_the_example_are_those_there_are() -> None:
    offered = {one["id"] for one in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    (config,) = documents((TREE / ".pre-commit-config.yaml").read_text())
    assert {hook["id"] for repo in config["repos"] for hook in repo["hooks"]} == offered
