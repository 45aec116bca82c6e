"""The roles for people, CI and Flux, each used by an account that has nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.keys.renewal import key_secret
from sealer import Secret, seal
from sealer.manifest import to_yaml
from tests.chart.helm import render
from tests.interop import peers
from tests.sealing_keys import pair
from tests.testbed import binaries
from tests.testbed.cluster import ControlPlane, wait_for
from tests.testbed.controllers import SERVICE, ours
from tests.testbed.flux_argo import flux_apply

ACCOUNTS = ("ci", "admin", "flux", "viewer", "editor", "nobody")
RIGHTS = ("Role", "RoleBinding", "ClusterRole", "ServiceAccount")


@dataclass
class Place:
    """A namespace with the chart's roles, a controller, and accounts."""

    plane: ControlPlane
    namespace: str
    kubeconfigs: dict[str, Path]

    def run(self, account: str, *command: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command as an account, which its kubeconfig says."""
        return subprocess.run(
            [*command, "--kubeconfig", str(self.kubeconfigs[account])],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )

    def at_controller(self, program: str, account: str, *words: str, text: str = "") -> str:
        """Run kubeseal or seal against the controller; what it prints, or its error."""
        place = ("--controller-name", SERVICE, "--controller-namespace", self.namespace)
        command = peers.kubeseal() if program == "kubeseal" else [peers.SEAL]
        done = self.run(account, *command, *words, *place, text=text)
        return done.stdout if done.returncode == 0 else f"failed: {done.stderr}"

    def kubectl(self, account: str, *words: str, text: str = "") -> str:
        """Run kubectl in the namespace; what it prints, or its error."""
        command = [str(binaries.path("kubectl")), "--namespace", self.namespace, *words]
        done = self.run(account, *command, text=text)
        return done.stdout.strip() or done.stderr.strip()

    def sealed(self, name: str = "db") -> str:
        """A SealedSecret as text."""
        secret = Secret(name=name, namespace=self.namespace, data={"k": b"hunter2"})
        return to_yaml(seal(secret, pair().certificate).to_dict())


@pytest.fixture(scope="module")
def place(plane: ControlPlane, network: bool) -> Iterator[Place]:
    """All of it; the roles are the chart's alone."""
    if not network:
        pytest.skip("the service proxy needs a network of our own")
    namespace = plane.api.namespace("people")
    subject = {"kind": "ServiceAccount", "namespace": namespace}
    values = {
        "fullnameOverride": SERVICE,
        "rbac": {
            "serviceProxier": {"subjects": [subject | {"name": one} for one in ("ci", "admin")]},
            "keyAdmin": {"subjects": [subject | {"name": "admin"}]},
            "fluxApplier": {
                "create": True,
                "namespaces": [namespace],
                "serviceAccountName": "flux",
            },
        },
        "keyVault": {"enabled": True, "serviceAccounts": ["*"]},
    }
    made = [one for one in render(values, namespace=namespace) if one["kind"] in RIGHTS]
    for one in made:
        plane.api.create(one)
    kubeconfigs = {}
    for name in ACCOUNTS:
        metadata = {"name": name, "namespace": namespace}
        plane.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
        token = plane.service_account_token(namespace, name)
        kubeconfigs[name] = plane.write_kubeconfig(f"{namespace}-{name}", token)
    for name, role in (("viewer", "view"), ("editor", "edit")):
        plane.kubectl(
            *("create", "rolebinding", name, f"--clusterrole={role}"),
            *(f"--serviceaccount={namespace}:{name}", "--namespace", namespace),
        )
    plane.api.create(key_secret(pair(), prefix="sealed-secrets-key", namespace=namespace))
    flags = ("--all-namespaces=false", "--key-renew-period=0")
    with ours(plane, *flags, namespace=namespace, kubeconfig=plane.kubeconfig) as running:
        plane.publish(namespace, SERVICE, running.port)
        yield Place(plane, namespace, kubeconfigs)
    for one in made:
        if one["kind"] == "ClusterRole":
            plane.api.delete("ClusterRole", "", one["metadata"]["name"])


@pytest.mark.parametrize("account", ["ci", "admin"])
def test_the_service_proxier_seals_verifies_and_encrypts_anew(place: Place, account: str) -> None:
    certificate = pair().certificate.pem.decode()
    assert place.at_controller("kubeseal", account, "--fetch-cert") == certificate
    assert place.at_controller("kubeseal", account, "--validate", text=place.sealed()) == ""
    again = place.at_controller("kubeseal", account, "--re-encrypt", text=place.sealed())
    assert "encryptedData" in again
    assert pair().certificate.fingerprint in place.at_controller("seal", account, "cert")
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {k: v}\n"
    sealed = place.at_controller("seal", account, "-n", place.namespace, text=secret)
    assert "kind: SealedSecret" in sealed


@pytest.mark.parametrize("account", ["nobody", "viewer", "flux"])
def test_others_do_not_reach_the_controller(place: Place, account: str) -> None:
    assert "cannot get resource" in place.at_controller("kubeseal", account, "--fetch-cert")
    assert place.at_controller("seal", account, "cert").startswith("failed: seal: error: ")


@pytest.mark.parametrize("account", ["ci", "nobody", "flux", "viewer"])
def test_nobody_but_the_key_admin_reads_secrets(place: Place, account: str) -> None:
    for verb in ("get", "list", "watch", "create"):
        assert place.kubectl(account, "auth", "can-i", verb, "secrets") == "no"
    assert place.at_controller("seal", account, "keys", "list").startswith("failed: ")


def test_the_key_admin_lists_backs_up_and_rotates_keys(place: Place, tmp_path: Path) -> None:
    fingerprint = pair().certificate.fingerprint
    assert fingerprint in place.at_controller("seal", "admin", "keys", "list", "-o", "json")
    backup = tmp_path / "keys.pem"
    recipient = tmp_path / "recipient.pem"
    recipient.write_bytes(pair("two").certificate.pem)
    words = ("keys", "backup", str(backup), "--to", str(recipient))
    assert "failed" not in place.at_controller("seal", "admin", *words)
    assert backup.exists()
    told = place.at_controller("seal", "admin", "rotate", "--bits", "2048")
    assert "failed" not in told
    assert fingerprint not in place.at_controller("kubeseal", "ci", "--fetch-cert")
    # Only in the controller's namespace.
    assert place.kubectl("admin", "auth", "can-i", "list", "secrets", "-n", "default") == "no"


def test_flux_applies_waits_and_prunes_with_the_flux_applier_alone(place: Place) -> None:
    done = flux_apply(place.kubeconfigs["flux"], place.sealed("applied"))
    assert done == ({"applied": "created"}, "")
    assert place.plane.api.find("Secret", place.namespace, "applied") is not None
    assert "deleted" in place.kubectl("flux", "delete", "sealedsecret", "applied")


def test_view_and_edit_have_the_sealed_kinds_and_view_has_no_secrets(place: Place) -> None:
    kinds = ("sealedsecrets", "keyvaults", "keyvaultsecrets")

    def may(account: str, verb: str) -> set[str]:
        return {place.kubectl(account, "auth", "can-i", verb, kind) for kind in kinds}

    wait_for("the roles are put together", lambda: may("viewer", "list") == {"yes"})
    assert may("viewer", "create") == may("nobody", "list") == {"no"}
    assert may("editor", "create") == may("editor", "delete") == may("editor", "get") == {"yes"}
    # Who may edit makes no vault that all may use.
    assert place.kubectl("editor", "auth", "can-i", "create", "clusterkeyvaults") == "no"
