"""Whose a Secret is: what the Key Vault half writes between others, on a real API server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from controller.api.cluster import Manifest
from controller.api.connection import connect
from controller.api.errors import ConflictError
from controller.api.kubernetes import KubernetesCluster
from controller.keyvault.cluster import ClusterObjects
from controller.keyvault.target.desired import Desired
from controller.keyvault.target.ownership import ADOPT, MADE_BY, TargetError, manager
from controller.keyvault.target.targets import Targets
from sealer import encoding
from sealer.keys.custody import KEY_LABEL, Custody
from sealer.keyvault.resource import KIND, KeyVaultSecret
from tests.testbed.cluster import ControlPlane
from tests.testbed.vault_world import API


def filler(plane: ControlPlane, namespace: str, name: str = "db", **target: Any) -> KeyVaultSecret:
    """A KeyVaultSecret that is really there: or else its Secret would be garbage."""
    made = plane.api.create(
        {
            "apiVersion": API,
            "kind": KIND,
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "vaultRef": {"name": "shop"},
                "data": [{"key": "a", "from": {"secret": "a"}}],
                "target": {"name": "app", **target},
            },
        }
    )
    return KeyVaultSecret.from_dict(made)


def write(
    plane: ControlPlane,
    secret: KeyVaultSecret,
    data: str | dict[str, bytes],
    live: Manifest | None,
    *,
    custody: Custody | None = None,
) -> Manifest:
    """Write as the controller does that found ``live`` a moment ago."""

    async def main() -> Manifest:
        cluster: KubernetesCluster = await connect(kubeconfig=str(plane.kubeconfig))
        try:
            made = Desired({"a": data.encode()} if isinstance(data, str) else data, ())
            targets = Targets(ClusterObjects(cluster), custody or Custody())
            return await targets.write(secret, made, live)
        finally:
            await cluster.close()

    return asyncio.run(main())


def find(plane: ControlPlane, secret: KeyVaultSecret) -> Manifest | None:
    """Look as the controller does before it writes."""

    async def main() -> Manifest | None:
        cluster: KubernetesCluster = await connect(kubeconfig=str(plane.kubeconfig))
        try:
            return await Targets(ClusterObjects(cluster)).find(secret)
        finally:
            await cluster.close()

    return asyncio.run(main())


def foreign(namespace: str, **data: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "app", "namespace": namespace},
        "stringData": data,
    }


def test_a_secret_that_is_not_there_is_made_by_one_apply(
    plane: ControlPlane, namespace: str
) -> None:
    secret = filler(plane, namespace)
    made = write(plane, secret, "x", None)
    entries = made["metadata"]["managedFields"]
    assert [(one["manager"], one["operation"]) for one in entries] == [(manager("db"), "Apply")]
    again = write(plane, secret, "y", made)
    assert again["metadata"]["uid"] == made["metadata"]["uid"]
    assert again["data"] == {"a": encoding.encode(b"y")}


@pytest.mark.parametrize("prefix", ["app", "ap"])
@pytest.mark.parametrize("creation", ["Owner", "Orphan", "Merge"])
def test_a_secret_that_would_be_taken_for_a_sealing_key_is_never_written(
    plane: ControlPlane, namespace: str, creation: str, prefix: str
) -> None:
    secret = filler(plane, namespace, creation=creation)
    with pytest.raises(TargetError) as caught:
        write(plane, secret, "ours", None, custody=Custody(namespace, prefix))
    assert caught.value.reason == "TargetNotOwned"
    assert plane.api.find("Secret", namespace, "app") is None


@pytest.mark.parametrize("value", ["active", "retired", ""])
@pytest.mark.parametrize("creation", ["Owner", "Orphan", "Merge"])
def test_a_sealing_key_is_never_touched_wherever_it_is(
    plane: ControlPlane, namespace: str, creation: str, value: str
) -> None:
    secret = filler(plane, namespace, creation=creation, adopt="IfUnowned")
    key = foreign(namespace, a="theirs")
    key["metadata"]["labels"] = {KEY_LABEL: value}
    # As one that an earlier version wrote: what is ours may be taken out of it by nobody, either.
    key["metadata"]["annotations"] = {MADE_BY: secret.name}
    reference = {"apiVersion": API, "kind": KIND, "name": secret.name, "uid": secret.uid}
    key["metadata"]["ownerReferences"] = [{**reference, "controller": True}]
    there = plane.api.create(key)

    async def main() -> None:
        cluster: KubernetesCluster = await connect(kubeconfig=str(plane.kubeconfig))
        try:
            targets = Targets(ClusterObjects(cluster))
            made = Desired({"a": b"ours"}, ())
            for attempt in (
                targets.find(secret),
                targets.write(secret, made, there),
                targets.write(secret, made, None),
            ):
                with pytest.raises(TargetError, match="is a sealing key"):
                    await attempt
            await targets.leave(secret, "app")
            targets.note(there["metadata"])
            await targets.unmerge_all((namespace, secret.name))
            if creation != "Merge":
                with pytest.raises(TargetError, match="is a sealing key"):
                    await targets.delete(secret, there)
            else:
                await targets.delete(secret, there)
        finally:
            await cluster.close()

    asyncio.run(main())
    assert plane.api.get("Secret", namespace, "app") == there


@pytest.mark.parametrize("creation", ["Owner", "Orphan"])
@pytest.mark.parametrize("key", ["a", "other"])
def test_a_secret_that_somebody_made_meanwhile_is_not_touched(
    plane: ControlPlane, namespace: str, key: str, creation: str
) -> None:
    there = plane.api.create(foreign(namespace, **{key: "theirs"}))
    with pytest.raises(TargetError) as caught:
        write(plane, filler(plane, namespace, creation=creation), "ours", None)
    assert caught.value.reason == "TargetNotOwned"
    assert plane.api.get("Secret", namespace, "app") == there


def test_a_secret_that_another_of_us_made_meanwhile_is_not_touched(
    plane: ControlPlane, namespace: str
) -> None:
    there = write(plane, filler(plane, namespace, "one"), "one", None)
    with pytest.raises(TargetError) as caught:
        write(plane, filler(plane, namespace, "two"), "two", None)
    assert caught.value.reason == "TargetNotOwned"
    assert plane.api.get("Secret", namespace, "app") == there


def test_what_may_be_adopted_is_looked_at_first(plane: ControlPlane, namespace: str) -> None:
    adoptable = {**foreign(namespace, other="theirs"), "type": "example.com/a"}
    adoptable["metadata"]["annotations"] = {ADOPT: "true"}
    there = plane.api.create(adoptable)
    with pytest.raises(TargetError) as caught:
        write(plane, filler(plane, namespace, "odd", adopt="IfUnowned"), "ours", None)
    assert caught.value.reason == "TargetTypeRefused"
    assert plane.api.get("Secret", namespace, "app") == there
    secret = filler(plane, namespace, adopt="IfUnowned", type="example.com/a")
    written = write(plane, secret, "ours", None)
    assert {key: encoding.decode(item) for key, item in written["data"].items()} == {
        "a": b"ours",
        "other": b"theirs",
    }


def test_a_secret_that_was_changed_meanwhile_is_looked_at_again(
    plane: ControlPlane, namespace: str
) -> None:
    secret = filler(plane, namespace)
    made = write(plane, secret, "x", None)
    plane.api.patch("Secret", namespace, "app", {"metadata": {"ownerReferences": None}})
    with pytest.raises(TargetError) as caught:
        write(plane, secret, "y", made)
    assert caught.value.reason == "TargetNotOwned"
    assert plane.api.get("Secret", namespace, "app")["data"] == made["data"]


@pytest.mark.parametrize("creation", ["Owner", "Orphan", "Merge"])
def test_several_fill_one_secret_and_each_takes_back_its_own(
    plane: ControlPlane, namespace: str, creation: str
) -> None:
    one = filler(plane, namespace, "one", creation=creation)
    live = plane.api.create(foreign(namespace, other="theirs")) if creation == "Merge" else None
    write(plane, one, {"a": b"one", "c": b"stale"}, live)
    two = filler(plane, namespace, "two", creation="Merge")
    write(plane, two, {"b": b"two"}, find(plane, two))
    written = write(plane, one, {"a": b"anew"}, find(plane, one))
    theirs = {"other": b"theirs"} if creation == "Merge" else {}
    assert values(written) == {"a": b"anew", "b": b"two", **theirs}
    with pytest.raises(TargetError, match="filled by KeyVaultSecret two") as caught:
        write(plane, one, {"a": b"one", "b": b"one"}, find(plane, one))
    assert caught.value.reason == "KeyConflict"
    unmerge(plane, two)
    left = plane.api.get("Secret", namespace, "app")
    assert values(left) == {"a": b"anew", **theirs}
    assert left.get("type") == "Opaque"
    with pytest.raises(TargetError, match=r"made by KeyVaultSecret one|not ours") as caught:
        find(plane, filler(plane, namespace, "three"))
    assert caught.value.reason == "TargetNotOwned"


def values(secret: Manifest) -> dict[str, bytes]:
    return {key: encoding.decode(item) for key, item in (secret.get("data") or {}).items()}


def unmerge(plane: ControlPlane, secret: KeyVaultSecret) -> None:
    """Do as the controller does when the KeyVaultSecret is deleted."""

    async def main() -> None:
        cluster: KubernetesCluster = await connect(kubeconfig=str(plane.kubeconfig))
        try:
            targets = Targets(ClusterObjects(cluster))
            live = plane.api.get("Secret", secret.namespace, secret.target.name)
            assert targets.note(live["metadata"]) >= {(secret.namespace, secret.name)}
            await targets.unmerge_all((secret.namespace, secret.name))
        finally:
            await cluster.close()

    asyncio.run(main())


def test_a_merge_finds_its_way_back(plane: ControlPlane, namespace: str) -> None:
    live = plane.api.create(foreign(namespace, other="theirs"))
    secret = filler(plane, namespace, creation="Merge")
    written = write(plane, secret, "one", live)
    assert find(plane, secret) == written
    plane.api.replace(foreign(namespace, other="anew"))
    again = write(plane, secret, "two", find(plane, secret))
    assert {key: encoding.decode(item) for key, item in again["data"].items()} == {
        "a": b"two",
        "other": b"anew",
    }


def test_a_merge_makes_no_secret_where_the_target_went_meanwhile(
    plane: ControlPlane, namespace: str
) -> None:
    there = plane.api.create(foreign(namespace, theirs="x"))
    secret = filler(plane, namespace, creation="Merge")
    plane.api.delete("Secret", namespace, "app")
    with pytest.raises((ConflictError, TargetError)):
        write(plane, secret, "ours", there)
    assert plane.api.find("Secret", namespace, "app") is None


@pytest.mark.parametrize(
    ("type_", "theirs", "demanded", "left"),
    [
        ("kubernetes.io/tls", {"tls.crt": "theirs", "tls.key": "x"}, "tls.key", b""),
        ("kubernetes.io/ssh-auth", {"ssh-privatekey": "x"}, "ssh-privatekey", b"\n"),
        ("kubernetes.io/basic-auth", {"password": "x"}, "password", b""),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": "{}"}, ".dockerconfigjson", b"{}"),
        ("kubernetes.io/dockercfg", {".dockercfg": "{}"}, ".dockercfg", b"{}"),
    ],
)
def test_a_key_that_the_type_demands_loses_its_value_when_its_filler_goes(
    plane: ControlPlane,
    namespace: str,
    type_: str,
    theirs: dict[str, str],
    demanded: str,
    left: bytes,
) -> None:
    adoptable = {**foreign(namespace, **theirs), "type": type_}
    adoptable["metadata"]["annotations"] = {ADOPT: "true"}
    live = plane.api.create(adoptable)
    secret = filler(plane, namespace, creation="Merge")
    ours = b'{"auths": {}}'

    async def main() -> None:
        cluster: KubernetesCluster = await connect(kubeconfig=str(plane.kubeconfig))
        try:
            targets = Targets(ClusterObjects(cluster))
            written = await targets.write(secret, Desired({demanded: ours, "a": ours}, ()), live)
            assert encoding.decode(written["data"][demanded]) == ours
            await targets.unmerge_all((namespace, secret.name))
        finally:
            await cluster.close()

    asyncio.run(main())
    after = plane.api.get("Secret", namespace, "app")
    expected = {key: value.encode() for key, value in theirs.items()} | {demanded: left}
    assert {key: encoding.decode(item or "") for key, item in after["data"].items()} == expected
