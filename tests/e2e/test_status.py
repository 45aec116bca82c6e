"""`seal status` and `seal doctor` on a real API server, with whatever may be missing missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.keys.renewal import key_secret
from sealer import Secret, encoding, seal, to_yaml
from tests import sealing_keys
from tests.testbed.cluster import ControlPlane, wait_for
from tests.testbed.controllers import SERVICE, ours
from tests.tree import Tree, make_tree

OLD = {"app.kubernetes.io/part-of": "sealer", "app.kubernetes.io/version": "0.0.9"}


class Place:
    """A namespace with a controller behind a Service, and a user who may do nothing."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self.plane, self.namespace = plane, namespace
        account = {"name": "nobody", "namespace": namespace}
        plane.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
        token = plane.service_account_token(namespace, "nobody")
        self.nobody = plane.write_kubeconfig(f"{namespace}-nobody", token)

    def where(self, kubeconfig: Path | None = None) -> tuple[str, ...]:
        """Options for both commands."""
        config = str(kubeconfig or self.plane.kubeconfig)
        return ("--kubeconfig", config, "--controller-namespace", self.namespace)

    def sealed(self, name: str, key: str = "one") -> str:
        """A SealedSecret of this namespace."""
        secret = Secret(name=name, namespace=self.namespace, data={"k": b"v"})
        return to_yaml(seal(secret, sealing_keys.pair(key).certificate).to_dict())

    def apply(self, name: str, key: str = "one") -> None:
        """Make it in the cluster."""
        self.plane.kubectl("apply", "-f", "-", text=self.sealed(name, key))

    def conditions(self, name: str) -> list[dict[str, str]]:
        """Its conditions."""
        found = self.plane.api.get("SealedSecret", self.namespace, name)
        conditions: list[dict[str, str]] = (found.get("status") or {}).get("conditions") or []
        return conditions


@pytest.fixture(scope="module")
def place(plane: ControlPlane, network: bool) -> Iterator[Place]:
    """All of it, for the whole module."""
    if not network:
        pytest.skip("the service proxy needs a network of our own")
    place = Place(plane, plane.api.namespace("looked-at"))
    pair = sealing_keys.pair("one")
    plane.api.create(key_secret(pair, prefix="sealed-secrets-key", namespace=place.namespace))
    flags = ("--all-namespaces=false", "--key-renew-period=0")
    with ours(plane, *flags, namespace=place.namespace, kubeconfig=plane.kubeconfig) as running:
        plane.publish(place.namespace, SERVICE, running.port)
        place.apply("good")
        place.apply("bad", "two")
        for name in ("good", "bad"):
            wait_for(f"{name} has no status", lambda name=name: place.conditions(name))
        yield place


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A folder with two key pairs."""
    return make_tree(tmp_path)


def findings(tree: Tree, *words: str, status: int = 0) -> dict[str, tuple[str, str, str]]:
    """What the doctor finds: level, words and cure by subject."""
    done = tree.seal("doctor", "-o", "json", *words, status=status)
    rows = json.loads(done.stdout)
    return {row["subject"]: (row["level"], row["says"], row["cure"]) for row in rows}


def test_status_tells_state_key_and_cure(tree: Tree, place: Place) -> None:
    good = tree.seal("status", "good", "-n", place.namespace, *place.where()).stdout
    assert f"SealedSecret {place.namespace}/good\n  state:    ready (Synced)" in good
    fingerprint = sealing_keys.pair("one").certificate.fingerprint
    assert f"sealed for {fingerprint[:16]}, the cluster's certificate" in good
    bad = tree.seal("status", "bad", "-n", place.namespace, *place.where(), status=1).stdout
    other = sealing_keys.pair("two").certificate.fingerprint
    assert "state:    failed (NoKey)" in bad
    assert "no key could decrypt secret (k)" in bad
    assert "cure:     seal it again for this cluster" in bad
    assert f"sealed for {other[:16]}; the cluster seals with {fingerprint[:16]} now" in bad
    assert "ErrUnsealFailed" in bad


def test_status_lists_a_namespace_and_reads_files(tree: Tree, place: Place) -> None:
    listed = tree.seal("status", "-n", place.namespace, *place.where(), status=1).stdout
    names = [f"SealedSecret {place.namespace}/{name}" for name in ("bad", "good")]
    assert listed == f"failed\tNoKey\t{names[0]}\nready\tSynced\t{names[1]}\n"
    tree.write("db.yaml", place.sealed("good"))
    rows = json.loads(tree.seal("status", "db.yaml", "-o", "json", *place.where()).stdout)
    assert [(row["name"], row["state"], row["cure"]) for row in rows] == [("good", "ready", "")]
    assert rows[0]["events"][0]["reason"] == "Unsealed"
    tree.write("new.yaml", place.sealed("new"))
    missing = tree.seal("status", "-f", "new.yaml", *place.where(), status=1).stderr
    assert f"new does not exist in namespace {place.namespace}" in missing


def test_status_of_what_nobody_looks_at_says_so(
    tree: Tree, place: Place, plane: ControlPlane
) -> None:
    elsewhere = plane.api.namespace("unwatched")
    secret = Secret(name="db", namespace=elsewhere, data={"k": b"v"})
    text = to_yaml(seal(secret, sealing_keys.pair("one").certificate).to_dict())
    plane.kubectl("apply", "-f", "-", text=text)
    done = tree.seal("status", "db", "-n", elsewhere, *place.where(), status=1)
    assert "state:    waiting" in done.stdout
    assert "is the controller running" in done.stdout


def test_whoever_may_not_look_is_told_which_role_lets_them(tree: Tree, place: Place) -> None:
    words = ("-n", place.namespace, *place.where(place.nobody))
    for object_ in ((), ("good",)):
        done = tree.seal("status", *object_, *words, status=3)
        assert "not allowed to" in done.stderr
        assert "rbac.aggregate.enabled" in done.stderr
    keys = tree.seal("keys", "list", *place.where(place.nobody), status=1)
    assert "rbac.keyAdmin.subjects" in keys.stderr
    cert = tree.seal("cert", *place.where(place.nobody), status=1)
    assert "rbac.serviceProxier.subjects" in cert.stderr


def test_the_doctor_finds_nothing_where_all_is_well(tree: Tree, place: Place) -> None:
    found = findings(tree, *place.where())
    assert {level for level, _, _ in found.values()} <= {"ok", "note"}
    assert found["controller"] == ("ok", "answers", "")
    assert found["right: read the sealing keys"][0] == "ok"
    assert found["certificate"][1].startswith(sealing_keys.pair("one").fingerprint[:16])
    assert tree.seal("doctor", *place.where()).stdout.count("\nok:") > 5


def test_the_doctor_names_each_right_that_is_missing(tree: Tree, place: Place) -> None:
    found = findings(tree, *place.where(place.nobody), status=1)
    for subject in ("find the controller", "fetch the certificate", "verify and re-encrypt"):
        level, says, cure = found[f"right: {subject}"]
        assert (level, says) == ("warning", "no")
        assert "rbac.serviceProxier.subjects" in cure
    assert found["right: read the sealing keys"][0] == "note"
    assert "rbac.aggregate.enabled" in found["right: see SealedSecrets in default"][2]
    level, says, cure = found["controller"]
    assert level == "error"
    assert "cannot get Service" in says
    assert "rbac.serviceProxier.subjects" in cure


def test_the_doctor_tells_of_an_old_controller(
    tree: Tree, place: Place, plane: ControlPlane
) -> None:
    plane.api.patch("Service", place.namespace, SERVICE, {"metadata": {"labels": OLD}})
    level, says, cure = findings(tree, *place.where())[f"Service {place.namespace}/{SERVICE}"]
    assert level == "warning"
    assert "the controller is 0.0.9" in says
    assert cure == "helm upgrade the controller"
    peers = {"app.kubernetes.io/part-of": None, "app.kubernetes.io/version": "0.36.6"}
    plane.api.patch("Service", place.namespace, SERVICE, {"metadata": {"labels": peers}})
    found = findings(tree, *place.where())[f"Service {place.namespace}/{SERVICE}"]
    assert found[0] == "note"
    assert "not Sealer's" in found[1]


def test_the_doctor_tells_a_controller_that_is_away_from_one_that_never_was(
    tree: Tree, place: Place, plane: ControlPlane
) -> None:
    namespace = plane.api.namespace("away")
    where = ("--kubeconfig", str(plane.kubeconfig), "--controller-namespace", namespace)
    level, says, cure = findings(tree, *where, status=1)["controller"]
    assert level == "error"
    assert says == f"there is no Service {namespace}/{SERVICE}"
    assert "--controller-namespace" in cure
    ports = [{"port": 8080, "name": "http"}]
    metadata = {"name": SERVICE, "namespace": namespace}
    service = {"spec": {"ports": ports}, "metadata": metadata}
    plane.api.create({"apiVersion": "v1", "kind": "Service", **service})
    plane.api.create({"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": []})
    level, says, cure = findings(tree, *where, status=1)["controller"]
    assert level == "error"
    assert says == "the controller does not answer (status 503)"
    assert cure.startswith("is its pod running?")


def test_the_doctor_tells_of_an_expired_certificate(
    tree: Tree, place: Place, plane: ControlPlane, network: bool
) -> None:
    namespace = plane.api.namespace("expired")
    long_ago = datetime.now(UTC) - timedelta(days=30)
    key = sealing_keys.rsa_key(2048)
    data = {
        "tls.crt": encoding.encode(
            sealing_keys.certificate_pem(key, start=long_ago, end=long_ago + timedelta(days=9))
        ),
        "tls.key": encoding.encode(sealing_keys.private_pem(key)),
    }
    manifest = key_secret(sealing_keys.pair("one"), prefix="k", namespace=namespace)
    plane.api.create({**manifest, "data": data})
    flags = ("--all-namespaces=false", "--key-renew-period=0")
    with ours(plane, *flags, namespace=namespace, kubeconfig=plane.kubeconfig) as running:
        url = f"http://127.0.0.1:{running.port}"
        level, says, cure = findings(tree, "--controller-url", url, status=1)["certificate"]
    assert level == "error"
    assert says.startswith("the certificate expired on ")
    assert cure == "seal rotate makes a new key"


def test_a_kubeconfig_that_cannot_be_used_is_told_with_its_contexts(
    tree: Tree, place: Place, plane: ControlPlane
) -> None:
    there = json.loads(plane.kubeconfig.read_text())["current-context"]
    level, says, cure = findings(
        tree, "--context", "nosuch", "--kubeconfig", str(plane.kubeconfig), status=1
    )["kubeconfig"]
    assert (level, says) == ("error", "the context nosuch does not exist")
    assert cure == f"there are: {there}"


def test_rotate_looks_for_the_controller_before_it_makes_a_key(
    tree: Tree, place: Place, plane: ControlPlane
) -> None:
    namespace = plane.api.namespace("nobody-serves")
    where = ("--kubeconfig", str(plane.kubeconfig), "--controller-namespace", namespace)
    for more in ((), ("--dry-run",)):
        done = tree.seal("rotate", *more, *where, status=1)
        assert f"there is no Service {namespace}/" in done.stderr
    assert plane.api.list("Secret", namespace) == []
