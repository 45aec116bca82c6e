"""Flags that change what the controller does, each on a controller of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from typing import Any

from controller.keys.renewal import KEY_SELECTOR, key_secret
from sealer import Certificate, KeyPair, encoding
from sealer.keys.keyfile import read_keys
from tests.e2e.conftest import World, new_pair
from tests.testbed.cluster import ControlPlane, Manifest, wait_for
from tests.testbed.controllers import OURS

Start = Callable[..., Any]


def keys_in(plane: ControlPlane, namespace: str) -> list[Manifest]:
    """The key Secrets of a namespace, newest first."""
    path = f"/api/v1/namespaces/{namespace}/secrets?labelSelector={KEY_SELECTOR}"
    items: list[Manifest] = plane.api.request("GET", path)["items"]
    return sorted(items, key=lambda one: str(one["metadata"]["creationTimestamp"]), reverse=True)


def own(namespace: str, *flags: str) -> tuple[str, ...]:
    """Flags of a controller that minds its own namespace."""
    return ("--all-namespaces=false", *flags)


def served(controller: Any) -> Certificate:
    """The certificate that the controller hands out."""
    return Certificate.from_pem(controller.get("/v1/cert.pem")[1])


def test_the_version_is_printed_as_the_peer_prints_it() -> None:
    done = subprocess.run([OURS, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("controller version: v")


def test_a_wrong_flag_is_a_usage_error() -> None:
    done = subprocess.run([OURS, "--key-ttl=soon"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--key-ttl invalid duration 'soon'" in done.stderr


def test_the_first_start_makes_a_key_as_the_peer_writes_it(
    plane: ControlPlane, namespace: str, start: Start
) -> None:
    flags = own(
        namespace,
        "--key-prefix=mykey-",
        "--my-cn=shop",
        "--key-ttl=48h",
        "--privatekey-labels=team=a,stage=prod",
        "--privatekey-annotations=note=x",
    )
    with start(*flags, namespace=namespace) as controller:
        [secret] = keys_in(plane, namespace)
        assert secret["metadata"]["name"].startswith("mykey-")
        assert secret["type"] == "kubernetes.io/tls"
        labels = secret["metadata"]["labels"]
        assert (labels["team"], labels["stage"]) == ("a", "prod")
        assert secret["metadata"]["annotations"] == {"note": "x"}
        certificate = served(controller)
        assert certificate.subject == "CN=shop"
        assert (certificate.not_after - certificate.not_before).days == 2
        [pair] = read_keys(str(encoding.decode(secret["data"]["tls.key"]), "ascii"), "key")
        assert pair.fits(certificate)
    with start(*flags, namespace=namespace):
        assert len(keys_in(plane, namespace)) == 1


def test_no_key_is_made_where_that_is_switched_off(
    plane: ControlPlane, namespace: str, start: Start
) -> None:
    flags = own(namespace, "--generate-key=false")
    with start(*flags, namespace=namespace, wait=False) as controller:
        wait_for("HTTP", lambda: controller.get("/healthz")[0] == 200)
        assert controller.get("/readyz")[0] == 503
        assert controller.get("/v1/cert.pem")[0] == 500
        assert controller.get("/v1/keys.json")[0] == 500
        pair = new_pair()
        plane.api.create(key_secret(pair, prefix="brought-", namespace=namespace))
        wait_for("ready", controller.is_ready)
        assert pair.fits(served(controller))


def test_an_old_key_is_renewed_and_kept(plane: ControlPlane, namespace: str, start: Start) -> None:
    old = new_pair(days_ago=31)
    plane.api.create(key_secret(old, prefix="old-", namespace=namespace))
    with start(*own(namespace), namespace=namespace) as controller:
        wait_for("a second key", lambda: len(keys_in(plane, namespace)) == 2)
        wait_for("it is served", lambda: not old.fits(served(controller)))
        world = World(plane, namespace, old.certificate)  # type: ignore[arg-type]
        world.apply(world.sealed())
        world.wait_synced()


def test_renewal_can_be_switched_off(plane: ControlPlane, namespace: str, start: Start) -> None:
    old = new_pair(days_ago=400)
    plane.api.create(key_secret(old, prefix="old-", namespace=namespace))
    with start(*own(namespace, "--key-renew-period=0"), namespace=namespace) as controller:
        assert old.fits(served(controller))
        assert len(keys_in(plane, namespace)) == 1


def test_the_cutoff_time_asks_for_one_new_key_at_start(
    plane: ControlPlane, namespace: str, start: Start
) -> None:
    plane.api.create(key_secret(new_pair(days_ago=2), prefix="old-", namespace=namespace))
    future = "Tue, 01 Jan 2036 00:00:00 +0000"
    with start(*own(namespace, f"--key-cutoff-time={future}"), namespace=namespace) as controller:
        wait_for("a second key", lambda: len(keys_in(plane, namespace)) == 2)
        wait_for("ready", controller.is_ready)
        assert len(keys_in(plane, namespace)) == 2


def test_keys_are_ordered_by_their_secrets_age_where_asked(
    plane: ControlPlane, namespace: str, start: Start
) -> None:
    young, restored = new_pair(days_ago=1), new_pair(days_ago=300)
    for pair, prefix in ((young, "young-"), (restored, "restored-")):
        plane.api.create(key_secret(pair, prefix=prefix, namespace=namespace))
        first = keys_in(plane, namespace)[0]["metadata"]["creationTimestamp"]
        wait_for("the next second", lambda first=first: _now(plane) > first)
    flags = own(namespace, "--key-order-priority=SecretCreationTimestamp")
    with start(*flags, namespace=namespace) as controller:
        assert restored.fits(served(controller))
    with start(*own(namespace), namespace=namespace) as controller:
        assert young.fits(served(controller))


def _now(plane: ControlPlane) -> str:
    """The API server's clock, as it stamps objects."""
    probe = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "clock-"}}
    path = "/api/v1/namespaces?dryRun=All"
    return str(plane.api.request("POST", path, probe)["metadata"]["creationTimestamp"])


def test_sigusr1_makes_a_key(plane: ControlPlane, namespace: str, start: Start) -> None:
    with start(*own(namespace), namespace=namespace) as controller:
        first = served(controller)
        controller.process.send(signal.SIGUSR1)
        wait_for("another certificate", lambda: served(controller) != first)
        assert len(keys_in(plane, namespace)) == 2


def test_a_key_that_is_added_deleted_or_relabelled_counts_at_once(
    plane: ControlPlane, namespace: str, start: Start
) -> None:
    with start(*own(namespace), namespace=namespace) as controller:
        first, added = served(controller), new_pair(days_ago=-0.001)
        # Not before now: the newest by its certificate.
        made = plane.api.create(key_secret(added, prefix="added-", namespace=namespace))
        wait_for("the added key is served", lambda: added.fits(served(controller)))
        name = made["metadata"]["name"]
        label = {KEY_SELECTOR.split("=")[0]: "compromised"}
        plane.api.patch("Secret", namespace, name, {"metadata": {"labels": label}})
        wait_for("the first is served again", lambda: served(controller) == first)


def test_one_bad_key_secret_is_told_of_and_stops_nobody(
    plane: ControlPlane, namespace: str, start: Start
) -> None:
    good = new_pair()
    plane.api.create(key_secret(good, prefix="good-", namespace=namespace))
    bad = key_secret(new_pair(), prefix="bad-", namespace=namespace)
    bad["data"]["tls.key"] = encoding.encode(b"canary-not-a-key")
    made = plane.api.create(bad)
    with start(*own(namespace), namespace=namespace) as controller:
        assert good.fits(served(controller))
        world = World(plane, namespace, good.certificate)  # type: ignore[arg-type]
        event = world.wait_event("KeyRejected", made["metadata"]["name"])
        assert "there is no PEM private key in it" in event["message"]
        assert controller.metric("sealed_secrets_controller_keys_rejected") == 1
        assert controller.metric("sealed_secrets_controller_keys") == 1
        assert "canary" not in controller.log
        world.apply(world.sealed())
        world.wait_synced()


def test_only_named_namespaces_are_served_and_one_may_appear_later(
    plane: ControlPlane, pair: KeyPair, namespace: str, start: Start
) -> None:
    home, late = namespace, f"late-{os.urandom(3).hex()}"
    elsewhere = plane.api.namespace(f"else-{os.urandom(3).hex()}")
    plane.api.create(key_secret(pair, prefix="key-", namespace=home))
    # " a, b": as people write it.
    with start(f"--additional-namespaces= {late}, other", namespace=home):
        for name in (home, elsewhere, plane.api.namespace(late)):
            world = World(plane, name, pair.certificate)  # type: ignore[arg-type]
            world.apply(world.sealed())
        World(plane, home, pair.certificate).wait_synced()  # type: ignore[arg-type]
        World(plane, late, pair.certificate).wait_synced()  # type: ignore[arg-type]
        assert World(plane, elsewhere, pair.certificate).secret() is None  # type: ignore[arg-type]


def test_the_label_selector_filters_sealed_secrets_only(world: World, start: Start) -> None:
    with start("--label-selector=stage in (prod)"):
        for name, stage in (("yes", "prod"), ("no", "dev")):
            manifest = world.sealed(name=name)
            manifest["metadata"]["labels"] = {"stage": stage}
            world.apply(manifest)
        world.wait_synced("yes")
        assert world.secret("no") is None
        world.plane.api.delete("Secret", world.namespace, "yes")
        world.wait_data({"password": b"s3cr3t"}, name="yes")


def test_status_can_be_switched_off(world: World, start: Start) -> None:
    with start("--update-status=false") as controller:
        world.apply(world.sealed())
        world.wait_data({"password": b"s3cr3t"})
        bad = world.sealed(name="bad")
        bad["spec"]["encryptedData"]["password"] = "AgAA"
        world.apply(bad)
        world.wait_event("ErrUnsealFailed", "bad")
        assert world.status() == world.status("bad") == {"observedGeneration": -1}
        world.plane.api.patch("Secret", world.namespace, "db", {"data": {"password": "eA=="}})
        world.wait_data({"password": b"s3cr3t"})
        assert controller.get("/healthz")[0] == 200


def test_token_types_can_be_allowed(world: World, start: Start) -> None:
    with start("--allow-service-account-tokens"):
        annotations = {"kubernetes.io/service-account.name": "default"}
        kind = "kubernetes.io/service-account-token"
        world.apply(world.sealed(type=kind, template={"annotations": annotations}))
        assert world.wait_synced()["type"] == kind


def test_immutable_secrets_and_types_can_be_re_made(world: World, start: Start) -> None:
    with start("--recreate-immutable"):
        world.apply(world.sealed(immutable=True))
        uid = world.wait_synced()["metadata"]["uid"]
        world.apply(world.sealed(data={"password": b"other"}, type="example.com/x", immutable=True))
        world.wait_data({"password": b"other"})
        secret = world.wait_synced()
        assert secret["metadata"]["uid"] != uid
        assert secret["type"] == "example.com/x"


def test_a_secret_that_could_not_be_re_made_stays(world: World, start: Start) -> None:
    with start("--recreate-immutable"):
        world.apply(world.sealed(immutable=True))
        uid = world.wait_synced()["metadata"]["uid"]
        world.apply(world.sealed(data={"a": b"other"}, type="kubernetes.io/tls", immutable=True))
        refused = world.wait_condition("Stalled", "True")
        assert refused["reason"] == "Invalid"
        secret = world.secret()
        assert secret is not None
        assert secret["metadata"]["uid"] == uid
        assert world.data() == {"password": b"s3cr3t"}
        assert [
            one["metadata"]["name"] for one in world.plane.api.list("Secret", world.namespace)
        ] == ["db"]


def test_the_old_garbage_collection_deletes_only_what_is_ours(world: World, start: Start) -> None:
    with start("--old-gc-behavior"):
        template = {"annotations": {"sealedsecrets.bitnami.com/skip-set-owner-references": "true"}}
        world.apply(world.sealed(template=template))
        world.apply(world.sealed(name="theirs", template=template))
        world.wait_synced()
        world.wait_synced("theirs")
        change = {"metadata": {"annotations": {"sealer.dev/sealed-secret": None}}}
        world.plane.api.patch("Secret", world.namespace, "theirs", change)
        world.wait_condition("Synced", "False", name="theirs")
        world.plane.api.delete("SealedSecret", world.namespace, "theirs")
        world.plane.api.delete("SealedSecret", world.namespace, "db")
        wait_for("ours is gone", lambda: world.secret() is None)
        assert world.secret("theirs") is not None


def test_logs_can_be_json_with_info_on_standard_output(world: World, start: Start) -> None:
    with start("--log-format=json", "--log-info-stdout") as controller:
        world.apply(world.sealed())
        world.wait_synced()
        wait_for("a line", lambda: '"msg": "unsealed"' in controller.log)


def test_flags_come_from_the_environment_too(
    plane: ControlPlane, namespace: str, start: Start
) -> None:
    environment = {"SEALED_SECRETS_MY_CN": "from-env", "SEALED_SECRETS_ALL_NAMESPACES": "false"}
    with start(namespace=namespace, environment=environment) as controller:
        assert served(controller).subject == "CN=from-env"


def test_sigterm_ends_it_cleanly(plane: ControlPlane, namespace: str, start: Start) -> None:
    with start(*own(namespace), namespace=namespace) as controller:
        code = controller.process.stop(signal.SIGTERM, 15)
        assert code == 0
        assert controller.log.rstrip().endswith("msg=stopped")
