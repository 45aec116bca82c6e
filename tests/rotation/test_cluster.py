"""Keys of a real API server: rotated, saved, restored, retired; kubeseal as the witness."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from sealer import Certificate, Secret, encoding, generate, seal, to_yaml
from sealer.keys.keyfile import key_secret
from sealer.rotation.backup import Recipients, encrypt
from tests import sealing_keys
from tests.changes.test_editing import editor
from tests.cli.test_certificate_sources import SECRET
from tests.e2e.conftest import World
from tests.rotation import corpus
from tests.rotation.test_reencrypt import skeleton, snapshot
from tests.testbed import binaries
from tests.testbed.cluster import ControlPlane, Manifest, control_plane, wait_for
from tests.testbed.controllers import Controller, ours, peer
from tests.testbed.fixtures import need, need_program
from tests.tree import Tree

LABEL = "sealedsecrets.bitnami.com/sealed-secrets-key"


@dataclass
class Cluster:
    """A namespace with a controller of its own, and how `seal` finds them."""

    plane: ControlPlane
    namespace: str
    controller: Controller

    @property
    def where(self) -> tuple[str, ...]:
        """Options for every command."""
        return (
            "--kubeconfig",
            str(self.plane.kubeconfig),
            "--controller-namespace",
            self.namespace,
            "--controller-url",
            f"http://127.0.0.1:{self.controller.port}",
        )

    def certificate(self) -> Certificate:
        """What the controller serves."""
        return Certificate.from_pem(self.controller.get("/v1/cert.pem")[1])

    def key_secrets(self) -> list[Manifest]:
        """The key Secrets."""
        found = self.plane.api.list("Secret", self.namespace)
        return [one for one in found if LABEL in (one["metadata"].get("labels") or {})]

    def sealed(self, name: str, value: str) -> str:
        """A SealedSecret for this cluster."""
        secret = Secret(name=name, namespace=self.namespace, data={"k": value.encode()})
        return to_yaml(seal(secret, self.certificate()).to_dict())

    def value(self, name: str) -> str:
        """The value that the controller made of it, empty while there is none."""
        secret = self.plane.api.find("Secret", self.namespace, name) or {}
        return encoding.decode((secret.get("data") or {}).get("k", "")).decode()


@pytest.fixture
def cluster(plane: ControlPlane, namespace: str) -> Iterator[Cluster]:
    """A fresh controller with one key of its own."""
    with ours(plane, "--all-namespaces=false", namespace=namespace) as controller:
        yield Cluster(plane, namespace, controller)


def shape(secret: Manifest) -> Manifest:
    """What of a key Secret is the same for every key."""
    metadata = secret["metadata"]
    return {
        "labels": metadata["labels"],
        "annotations": metadata.get("annotations"),
        "generateName": metadata["generateName"],
        "type": secret["type"],
        "data": sorted(secret["data"]),
        "heads": [encoding.decode(secret["data"][k])[:27] for k in ("tls.crt", "tls.key")],
    }


def test_rotate_makes_a_key_as_the_peer_does_and_waits_until_it_is_served(
    tree: Tree, cluster: Cluster
) -> None:
    tree.write("apps/db.yaml", "# kept\n" + cluster.sealed("db", "s3cr3t"))
    tree.write("apps/note.yaml", "kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\n")
    before = (tree.root / "apps/db.yaml").read_bytes()
    old = cluster.certificate().fingerprint
    tree.write("passphrase", "correct horse\n")
    safe = ("--backup", "keys.age", "--passphrase-file", "passphrase")

    told = tree.seal("rotate", "--dry-run", *safe, "--reseal", "apps", *cluster.where)
    assert "would re-encrypt 1 SealedSecret below apps" in told.stderr
    assert len(cluster.key_secrets()) == 1
    assert not (tree.root / "keys.age").exists()

    done = tree.seal("rotate", *safe, "--reseal", "apps", *cluster.where)
    new = cluster.certificate().fingerprint
    assert done.stdout == f"old\t{old}\nnew\t{new}\n"
    assert old != new
    after = (tree.root / "apps/db.yaml").read_bytes()
    assert after != before
    assert skeleton(after) == skeleton(before)
    shapes = [shape(one) for one in cluster.key_secrets()]
    assert shapes[0] == shapes[1]
    usage = tree.seal("keys", "usage", "apps", *cluster.where)
    assert usage.stdout.startswith(f"{new}\tapps/db.yaml:2\t")
    # Both keys are in the backup, and none of them in clear.
    assert "2 keys" in done.stderr
    assert oct((tree.root / "keys.age").stat().st_mode)[-3:] == "600"
    listed = tree.seal("keys", "list", *cluster.where).stdout.splitlines()
    assert [line.split("\t")[1] for line in listed] == ["current", "active"]
    assert [line.split("\t")[-1] for line in listed] == [new, old]
    rows = json.loads(tree.seal("keys", "list", "-o", "json", *cluster.where).stdout)
    assert rows[0]["state"] == "current"


def test_a_rotated_key_is_believed_by_whoever_made_it_and_followed_by_everybody_else(
    tree: Tree, cluster: Cluster
) -> None:
    tree.write("s.yaml", SECRET)
    colleague = {"XDG_STATE_HOME": str(tree.home / "colleague")}
    old = cluster.certificate().fingerprint
    pinned = ("s.yaml", "--fingerprint", old, *cluster.where)
    first = "is used for the first time: " + old
    for environment in (colleague, {}):
        assert first in tree.seal("s.yaml", *cluster.where, environment=environment).stderr
    tree.seal("rotate", *cluster.where)
    new = cluster.certificate().fingerprint
    assert tree.seal("s.yaml", *cluster.where).stderr.count(new) == 0
    words = f"has a new certificate, announced by the one that was known: {new}"
    for arguments in (("s.yaml", *cluster.where), pinned):
        done = tree.seal(*arguments, environment=colleague)
        assert words in done.stderr
        assert new in done.stdout
    assert "announced" not in tree.seal("s.yaml", *cluster.where, environment=colleague).stderr
    # The list holds certificates alone.
    status, body = cluster.controller.get("/v1/keys.json")
    assert status == 200
    assert b"PRIVATE KEY" not in body
    assert [one["fingerprint"] for one in json.loads(body)["keys"]] == [new, old]


def test_a_key_that_is_needed_is_not_retired_unless_forced(tree: Tree, cluster: Cluster) -> None:
    need("kubeseal")
    old = cluster.certificate().fingerprint
    tree.write("db.yaml", cluster.sealed("db", "s3cr3t"))
    tree.seal("rotate", *cluster.where)
    kubeseal = [str(binaries.path("kubeseal")), "--validate", "-f", "db.yaml"]
    kubeseal += ["--kubeconfig", str(cluster.plane.kubeconfig)]
    kubeseal += ["--controller-namespace", cluster.namespace, "--controller-name", "ours"]
    cluster.plane.publish(cluster.namespace, "ours", cluster.controller.port)
    tree.run(*kubeseal)

    by_file = tree.seal("keys", "retire", old[:10], "db.yaml", *cluster.where, status=1)
    assert f"db.yaml:1: SealedSecret {cluster.namespace}/db needs it: k" in by_file.stderr
    cluster.plane.kubectl("apply", "-f", str(tree.root / "db.yaml"))
    by_cluster = tree.seal("keys", "retire", old[:10], *cluster.where, status=1)
    assert f"cluster: SealedSecret {cluster.namespace}/db needs it: k" in by_cluster.stderr
    current = cluster.certificate().fingerprint
    sealing = tree.seal("keys", "retire", current[:10], *cluster.where, status=1)
    assert "is the key that seals now" in sealing.stderr
    tree.run(*kubeseal)

    forced = tree.seal("keys", "retire", old[:10], "db.yaml", "--force", *cluster.where)
    assert forced.stdout.endswith(f"{old}\tretired\n")

    def valid() -> bool:
        from subprocess import run

        return run(kubeseal, cwd=tree.root, capture_output=True, check=False).returncode == 0

    wait_for("kubeseal says that it does not open", lambda: not valid())
    tree.seal("keys", "retire", old[:10], "--undo", *cluster.where)
    wait_for("it opens again", valid)
    # Re-encrypted, it is needed no more, and goes for good.
    tree.seal("reencrypt", "db.yaml", "-i", *cluster.where)
    cluster.plane.kubectl("apply", "-f", str(tree.root / "db.yaml"))
    gone = tree.seal("keys", "retire", old[:10], "db.yaml", "--delete", *cluster.where)
    assert gone.stdout.endswith("deleted\n")
    assert len(cluster.key_secrets()) == 1
    tree.run(*kubeseal)


def test_a_key_out_of_a_backup_seals_only_when_it_is_said_so(tree: Tree, cluster: Cluster) -> None:
    """Whoever writes where backups are kept puts a key of his own there, newer than all."""
    need_program("ssh-keygen")
    for name in ("mine", "his"):
        command = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", name)
        tree.run(*command)
    tree.write("passphrase", "correct horse\n")
    safe, opened = ("--passphrase-file", "passphrase"), ("--signed-by", "mine.pub")
    tree.seal("keys", "backup", "keys.age", *safe, "--sign-with", "mine", *cluster.where)
    told = tree.seal("keys", "restore", "keys.age", *safe, *opened, *cluster.where)
    assert "keys.age: signed by SHA256:" in told.stderr
    his = generate(now=datetime.now(UTC) + timedelta(hours=1), validity=timedelta(days=99))
    secret = Secret.from_dict({**key_secret(his, prefix="", namespace="x")})
    evil = encrypt([replace(secret, name="evil")], Recipients(passphrase="correct horse"))
    (tree.root / "keys.age").write_bytes(evil)
    refused = tree.seal("keys", "restore", "keys.age", *safe, *opened, *cluster.where, status=1)
    assert "the signature is not one of this backup" in refused.stderr
    (tree.root / "keys.age.sig").unlink()
    tree.run("ssh-keygen", "-q", "-Y", "sign", "-n", "seal-backup", "-f", "his", "keys.age")
    refused = tree.seal("keys", "restore", "keys.age", *safe, *opened, *cluster.where, status=1)
    assert "the backup is signed by another key: SHA256:" in refused.stderr
    assert len(cluster.key_secrets()) == 1

    # Unchecked, it is made, told of, and handed out to nobody.
    served = cluster.certificate().fingerprint
    careless = tree.seal("keys", "restore", "keys.age", *safe, *cluster.where)
    assert "not checked who made it" in careless.stderr
    world = World(cluster.plane, cluster.namespace, cluster.certificate())
    event = world.wait_event("KeyAdopted", "evil")
    assert event["type"] == "Warning"
    assert "it only unseals" in event["message"]
    assert cluster.certificate().fingerprint == served
    listed = tree.seal("keys", "list", *cluster.where).stdout.splitlines()
    assert [line.split("\t")[1] for line in listed] == ["unseals", "current"]
    assert his.fingerprint in listed[0]
    # Nor after another start, nor if its mark is taken away.
    cluster.plane.kubectl(
        *("annotate", "secret", "evil", "-n", cluster.namespace, "sealer.dev/only-unseals-")
    )
    flags = ("--all-namespaces=false",)
    with ours(cluster.plane, *flags, namespace=cluster.namespace) as second:
        assert Certificate.from_pem(second.get("/v1/cert.pem")[1]).fingerprint == served
    tree.seal("keys", "trust", "evil", *cluster.where)
    wait_for("it is served", lambda: cluster.certificate().fingerprint == his.fingerprint)


@pytest.mark.parametrize("flag", ["seal", "unseal"])
def test_what_a_key_from_outside_may_do_is_the_admins_choice(
    tree: Tree, plane: ControlPlane, namespace: str, flag: str
) -> None:
    flags = ("--all-namespaces=false", f"--adopted-keys={flag}")
    with ours(plane, *flags, namespace=namespace) as controller:
        cluster = Cluster(plane, namespace, controller)
        own = cluster.certificate().fingerprint
        made = generate(now=datetime.now(UTC) + timedelta(hours=1), validity=timedelta(days=99))
        plane.api.create(key_secret(made, prefix="theirs", namespace=namespace))
        wait_for("it is there", lambda: controller.metric("sealed_secrets_controller_keys") == 2)
        wait_for("it is told of", lambda: "did not make" in controller.log)
        wanted = made.fingerprint if flag == "seal" else own
        wait_for("the right one", lambda: cluster.certificate().fingerprint == wanted)
        rows = json.loads(tree.seal("keys", "list", "-o", "json", *cluster.where).stdout)
        current = next(row for row in rows if row["state"] == "current")
        assert current["fingerprint"] == wanted
        if flag == "unseal":
            # What the admin makes with `seal rotate` is no stranger's.
            tree.seal("rotate", *cluster.where)
            assert cluster.certificate().fingerprint not in (own, made.fingerprint)


@pytest.mark.parametrize("form", ["age", "certificate"])
def test_everything_unseals_after_etcd_was_wiped_and_the_keys_restored(
    tree: Tree, network: bool, form: str
) -> None:
    import pyrage  # type: ignore[import-untyped]

    identity = pyrage.x25519.Identity.generate()
    tree.write("id.txt", f"# mine\n{identity}\n")
    to = str(identity.to_public()) if form == "age" else "two.pem"
    open_it = ("--identity", "id.txt") if form == "age" else ("--key", "two.key")
    flags = ("--all-namespaces=false",)
    with control_plane() as first:
        namespace = first.api.namespace("shop")
        with ours(first, *flags, namespace=namespace) as controller:
            cluster = Cluster(first, namespace, controller)
            tree.write("before.yaml", cluster.sealed("before", "one"))
            tree.seal("rotate", *cluster.where)
            tree.write("after.yaml", cluster.sealed("after", "two"))
            tree.seal("keys", "backup", "keys.backup", "--to", to, *cluster.where)
            prints = {key["metadata"]["name"] for key in cluster.key_secrets()}
    backup = (tree.root / "keys.backup").read_bytes()
    assert b"PRIVATE KEY" not in backup
    assert b"tls.key: LS0" not in backup
    # Another etcd, empty.
    with control_plane() as second:
        namespace = second.api.namespace("shop")
        where = ("--kubeconfig", str(second.kubeconfig), "--controller-namespace", namespace)
        dry = tree.seal("keys", "restore", "keys.backup", "--dry-run", *open_it, *where)
        assert len(dry.stdout.splitlines()) == 2
        tree.seal("keys", "restore", "keys.backup", *open_it, *where)
        again = tree.seal("keys", "restore", "keys.backup", *open_it, *where)
        assert again.stdout == ""
        assert again.stderr.count("is there already") == 2
        with ours(second, *flags, namespace=namespace) as controller:
            cluster = Cluster(second, namespace, controller)
            assert {key["metadata"]["name"] for key in cluster.key_secrets()} > prints
            # Whoever wrote the backup may have the others: a key of the controller's own seals.
            listed = tree.seal("keys", "list", *cluster.where).stdout.splitlines()
            assert [line.split("\t")[1] for line in listed] == ["current", "unseals", "unseals"]
            assert listed[0].split("\t")[0] not in prints
            for name, value in (("before", "one"), ("after", "two")):
                second.kubectl("apply", "-f", str(tree.root / f"{name}.yaml"))
                wait_for(f"{name} is unsealed", lambda n=name, v=value: cluster.value(n) == v)


def test_a_tree_goes_through_the_controller_in_lists_and_a_second_time_unchanged(
    tree: Tree, cluster: Cluster
) -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "old", "namespace": cluster.namespace, "labels": {LABEL: "active"}},
        "type": "kubernetes.io/tls",
        "data": {
            "tls.crt": encoding.encode(sealing_keys.pair("one").certificate.pem),
            "tls.key": encoding.encode(sealing_keys.pair("one").private_pem()),
        },
    }
    cluster.plane.api.create(manifest)
    for name, text in corpus.files(160):
        tree.write(f"apps/{name}", text)
    wait_for("the old key opens", lambda: _verifies(tree, cluster))
    before = snapshot(tree.root / "apps")
    done = tree.seal("reencrypt", "apps", "-i", *cluster.where)
    assert "160 files changed" in done.stderr
    after = snapshot(tree.root / "apps")
    assert {name: skeleton(text) for name, text in after.items()} == {
        name: skeleton(text) for name, text in before.items()
    }
    # Forgotten journal: our controller leaves alone what its newest key sealed.
    fresh = {"XDG_STATE_HOME": str(tree.home / "other")}
    again = tree.seal("reencrypt", "apps", "-i", *cluster.where, environment=fresh)
    assert "0 files changed" in again.stderr
    assert snapshot(tree.root / "apps") == after
    # One that no key opens keeps no other from being done.
    lost = tree.write("apps/lost.yaml", cluster.sealed("other", "x").replace("other", "moved"))
    whole = lost.read_bytes()
    refused = tree.seal("reencrypt", "apps", "-i", *cluster.where, status=1)
    assert "the controller cannot re-encrypt it" in refused.stderr
    assert lost.read_bytes() == whole


def test_a_list_is_answered_in_order_with_null_for_what_does_not_open(cluster: Cluster) -> None:
    import yaml

    good = yaml.safe_load(cluster.sealed("db", "x"))
    moved = {**good, "metadata": {**good["metadata"], "name": "moved"}}

    def ask(*items: Manifest) -> tuple[int, bytes]:
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": items}).encode()
        return cluster.controller.ask("POST", "/v1/rotate", body)

    status, body = ask(moved, good)
    assert status == 200
    items = json.loads(body)["items"]
    assert items[0] is None
    assert items[1]["spec"]["encryptedData"] == good["spec"]["encryptedData"]
    assert ask(*[good] * 101)[0] == 500


def _verifies(tree: Tree, cluster: Cluster) -> bool:
    from subprocess import run

    from tests.tree import SEAL

    command = [SEAL, "verify", "apps/app-0/plain-0.yaml", *cluster.where]
    return run(command, cwd=tree.root, capture_output=True, check=False).returncode == 0


def test_the_peers_controller_is_asked_one_by_one_and_a_second_run_changes_nothing(
    tree: Tree, plane: ControlPlane, namespace: str
) -> None:
    with peer(plane, "--all-namespaces=false", namespace=namespace) as controller:
        cluster = Cluster(plane, namespace, controller)
        for number in range(3):
            tree.write(f"apps/{number}.yaml", "# kept\n" + cluster.sealed(f"db-{number}", "x"))
        done = tree.seal("reencrypt", "apps", "-i", *cluster.where)
        assert "3 files changed" in done.stderr
        after = snapshot(tree.root / "apps")
        again = tree.seal("reencrypt", "apps", "-i", *cluster.where)
        assert "0 files changed" in again.stderr
        assert snapshot(tree.root / "apps") == after
        slow = tree.seal("rotate", "--timeout", "0.5", *cluster.where, status=1)
        assert "reads its keys when it starts" in slow.stderr
        shapes = [shape(one) for one in cluster.key_secrets()]
        assert shapes[0] == shapes[1]


def test_edit_shows_what_the_cluster_has_to_those_who_may_read_it(
    tree: Tree, cluster: Cluster
) -> None:
    tree.write("db.yaml", cluster.sealed("db", "s3cr3t"))
    before = (tree.root / "db.yaml").read_bytes()
    cluster.plane.kubectl("apply", "-f", str(tree.root / "db.yaml"))
    wait_for("it is unsealed", lambda: cluster.value("db") == "s3cr3t")
    look = editor(tree, 'assert "k: s3cr3t" in text')
    tree.seal("edit", "db.yaml", "--from-cluster", *cluster.where, environment=look)
    assert (tree.root / "db.yaml").read_bytes() == before


def test_without_rights_the_words_say_which(tree: Tree, cluster: Cluster) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount"}
    cluster.plane.api.create(
        {**account, "metadata": {"name": "dev", "namespace": cluster.namespace}}
    )
    token = cluster.plane.service_account_token(cluster.namespace, "dev")
    config = cluster.plane.write_kubeconfig(f"dev-{cluster.namespace}", token)
    where = ("--kubeconfig", str(config), "--controller-namespace", cluster.namespace)
    for command in (("keys", "list"), ("rotate",), ("keys", "usage")):
        done = tree.seal(*command, *where, status=1)
        assert f"not allowed to list the key Secrets in {cluster.namespace}" in done.stderr


def test_the_unused_keys_go_together_and_what_is_needed_stays(tree: Tree, cluster: Cluster) -> None:
    first = cluster.certificate().fingerprint
    tree.write("apps/db.yaml", cluster.sealed("db", "v"))
    tree.seal("rotate", *cluster.where)
    second = cluster.certificate().fingerprint
    tree.seal("rotate", *cluster.where)
    current = cluster.certificate().fingerprint
    words = ("keys", "retire", "--unused")
    blind = tree.seal(*words, *cluster.where, status=2)
    assert "needs the trees of this cluster" in blind.stderr
    shown = tree.seal(*words, "apps", "--dry-run", *cluster.where).stdout
    assert shown.endswith(f"\t{second}\tunused\n")
    done = tree.seal(*words, "apps", *cluster.where).stdout
    assert done.endswith(f"\t{second}\tretired\n")
    rows = json.loads(tree.seal("keys", "list", "-o", "json", *cluster.where).stdout)
    states = {row["fingerprint"]: row["state"] for row in rows}
    assert states == {current: "current", first: "active", second: "retired"}
    tree.write("apps/broken.yaml", "kind: SealedSecret\n  x: [\n")
    unread = tree.seal(*words, "apps", *cluster.where, status=1)
    assert "apps/broken.yaml" in unread.stderr
    assert (
        "every key is needed" in tree.seal(*words, "--force", *cluster.where, "apps/db.yaml").stderr
    )
