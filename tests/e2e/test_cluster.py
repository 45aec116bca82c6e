"""The one client of the API server, against a real one: what its answers are taken for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from controller.api.connection import connect
from controller.api.errors import (
    AlreadyExistsError,
    ClusterError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)
from controller.api.kubernetes import KubernetesCluster
from controller.keyvault.cluster import ClusterObjects
from tests.testbed.cluster import ControlPlane, free_port


def run(plane: ControlPlane, body: Callable[[KubernetesCluster], Awaitable[None]]) -> None:
    async def main() -> None:
        cluster = await connect(kubeconfig=str(plane.kubeconfig))
        try:
            await body(cluster)
        finally:
            await cluster.close()

    asyncio.run(main())


def secret(namespace: str, name: str = "db", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, **more}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"a": "eA=="}}


def test_each_no_has_its_class(plane: ControlPlane, namespace: str) -> None:
    async def body(cluster: KubernetesCluster) -> None:
        with pytest.raises(NotFoundError):
            await cluster.get_secret(namespace, "none")
        made = await cluster.create_secret(secret(namespace))
        with pytest.raises(AlreadyExistsError):
            await cluster.create_secret(secret(namespace))
        with pytest.raises(InvalidError):
            await cluster.create_secret(secret(namespace, "Not A Name"))
        await cluster.replace_secret({**made, "data": {"a": "eQ=="}})
        with pytest.raises(ConflictError):
            await cluster.replace_secret({**made, "data": {"a": "eg=="}})
        with pytest.raises(ConflictError):
            await cluster.delete_secret(namespace, "db", "another-uid")
        await cluster.delete_secret(namespace, "db", made["metadata"]["uid"])

    run(plane, body)


def test_a_status_is_written_on_the_state_it_is_about_only(
    plane: ControlPlane, namespace: str
) -> None:
    manifest = {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": "db", "namespace": namespace},
        "spec": {"encryptedData": {}},
    }

    async def body(cluster: KubernetesCluster) -> None:
        old = plane.api.create(manifest)["metadata"]["resourceVersion"]
        plane.api.delete("SealedSecret", namespace, "db")
        new = plane.api.create(manifest)["metadata"]["resourceVersion"]
        status = {"observedGeneration": 1, "conditions": []}
        with pytest.raises(ConflictError):
            await cluster.patch_status(namespace, "db", status, old)
        written = await cluster.patch_status(namespace, "db", status, new)
        assert written["status"] == status
        # What the order of events is told by.
        versions = [int(one) for one in (old, new, written["metadata"]["resourceVersion"])]
        assert versions == sorted(set(versions))

    run(plane, body)


SHY = "hunter2"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({"data": {"a b": "eA=="}}, "data[a b] is invalid", id="key"),
        pytest.param({"data": {"a": SHY}}, "answers", id="no-base64"),
        pytest.param({"data": {"a": 7654321}}, "answers", id="no-text"),
        pytest.param({"type": "kubernetes.io/tls"}, "data[tls.crt] is required", id="type"),
    ],
)
@pytest.mark.parametrize("verb", ["create", "apply"])
def test_a_refused_secret_is_not_quoted(
    plane: ControlPlane, namespace: str, changes: dict[str, Any], told: str, verb: str
) -> None:
    async def body(cluster: KubernetesCluster) -> None:
        manifest = {**secret(namespace), **changes}
        created = cluster.create_secret
        applied = partial(
            ClusterObjects(cluster).apply_secret, manager="sealer-keyvault.a", force=True
        )
        with pytest.raises(ClusterError) as caught:
            await (created if verb == "create" else applied)(manifest)
        assert told in caught.value.message
        assert SHY not in str(caught.value)
        assert "7654321" not in str(caught.value)

    run(plane, body)


def test_a_policys_words_about_a_secret_are_not_told(plane: ControlPlane, namespace: str) -> None:
    version = "admissionregistration.k8s.io/v1"
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["secrets"],
    }
    quote = {"expression": "!('a' in object.data)", "messageExpression": "'It is ' + object.data.a"}
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    metadata = {"name": f"vet-{namespace}"}
    policy = {
        "apiVersion": version,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": metadata,
        "spec": {"matchConstraints": {"resourceRules": [rule]}, "validations": [quote]},
    }
    binding = {
        "apiVersion": version,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": metadata,
        "spec": {
            "policyName": metadata["name"],
            "validationActions": ["Deny"],
            "matchResources": here,
        },
    }
    made = {"validatingadmissionpolicies": policy, "validatingadmissionpolicybindings": binding}
    for plural, manifest in made.items():
        plane.api.request("POST", f"/apis/{version}/{plural}", manifest)

    async def until_it_counts(cluster: KubernetesCluster) -> None:
        for attempt in range(200):
            await cluster.create_secret(secret(namespace, f"s-{attempt}"))
            await asyncio.sleep(0.2)

    async def body(cluster: KubernetesCluster) -> None:
        with pytest.raises(ClusterError) as caught:
            await until_it_counts(cluster)
        assert f"ValidatingAdmissionPolicy '{metadata['name']}'" in caught.value.message
        assert "eA==" not in str(caught.value)

    try:
        run(plane, body)
    finally:
        for plural in reversed(made):
            plane.api.request("DELETE", f"/apis/{version}/{plural}/{metadata['name']}")


def test_a_metadata_watch_brings_no_data(plane: ControlPlane, namespace: str) -> None:
    async def body(cluster: KubernetesCluster) -> None:
        await cluster.create_secret(secret(namespace, "before"))
        seen: list[tuple[str, str]] = []
        async for event in cluster.watch_secrets(namespace):
            assert "data" not in event.object
            seen.append((event.type, event.object.get("metadata", {}).get("name", "")))
            if event.type == "LISTED":
                await cluster.create_secret(secret(namespace, "after"))
            if event.type == "ADDED":
                break
        assert seen == [("EXISTS", "before"), ("LISTED", ""), ("ADDED", "after")]

    run(plane, body)


def test_the_largest_metadata_does_not_end_a_watch(plane: ControlPlane, namespace: str) -> None:
    """The API server takes 256 KiB of annotations, and writes six characters for one ``<``."""
    large = {"annotations": {"a": "<" * (256 * 1024 - 1)}}

    async def body(cluster: KubernetesCluster) -> None:
        lists = 0
        async for event in cluster.watch_secrets(namespace):
            lists += event.type == "LISTED"
            if event.type == "LISTED":
                await cluster.create_secret(secret(namespace, "large", **large))
                await cluster.create_secret(secret(namespace, "after"))
            if event.object.get("metadata", {}).get("name") == "after":
                assert event.type == "ADDED"
                break
        assert lists == 1

    run(plane, body)


def test_many_watches_leave_room_for_the_work(plane: ControlPlane, namespace: str) -> None:
    """As with more than a hundred --additional-namespaces."""
    listed = asyncio.Semaphore(0)
    seen = asyncio.Semaphore(0)

    async def follow(cluster: KubernetesCluster) -> None:
        async for event in cluster.watch_secrets(namespace):
            (listed if event.type == "LISTED" else seen).release()

    async def body(cluster: KubernetesCluster) -> None:
        watches = [asyncio.create_task(follow(cluster)) for _ in range(110)]
        try:
            async with asyncio.timeout(20):
                for _ in watches:
                    await listed.acquire()
                await cluster.create_secret(secret(namespace))
                for _ in watches:
                    await seen.acquire()
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)

    run(plane, body)


def test_a_stranger_is_forbidden(plane: ControlPlane, namespace: str) -> None:
    identity = {"name": "stranger", "namespace": namespace}
    plane.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": identity})
    token = plane.service_account_token(namespace, "stranger")

    async def body() -> None:
        kubeconfig = plane.write_kubeconfig(f"stranger-{namespace}", token)
        cluster = await connect(kubeconfig=str(kubeconfig))
        with pytest.raises(ForbiddenError):
            await cluster.get_secret(namespace, "db")
        await cluster.close()

    asyncio.run(body())


def test_nobody_there_is_unavailable_and_no_kubeconfig_is_said(plane: ControlPlane) -> None:
    async def body(cluster: KubernetesCluster) -> None:
        cluster._api.configuration.host = f"https://127.0.0.1:{free_port()}"
        with pytest.raises(UnavailableError, match="cannot reach the API server"):
            await cluster.get_secret("default", "db")
        with pytest.raises(ClusterError, match="cannot find the cluster"):
            await connect(kubeconfig="/nowhere")

    run(plane, body)
