"""SealedSecrets become Secrets: what is made, who owns it, and what is left alone."""

from __future__ import annotations

import pytest

from sealer import Scope
from tests.e2e.conftest import World
from tests.testbed.cluster import ApiError, wait_for
from tests.testbed.controllers import Controller

pytestmark = pytest.mark.usefixtures("controller")
MANAGED = "sealedsecrets.bitnami.com/managed"
PATCH = "sealedsecrets.bitnami.com/patch"
SKIP_OWNER = "sealedsecrets.bitnami.com/skip-set-owner-references"


@pytest.mark.parametrize("scope", list(Scope), ids=lambda scope: scope.value)
def test_every_scope_unseals(world: World, scope: Scope) -> None:
    data = {"text": "grüße".encode(), "binary": bytes(range(256)), "empty": b""}
    world.apply(world.sealed(data=data, scope=scope))
    world.wait_data(data)


def test_the_secret_has_the_template_and_its_owner(world: World) -> None:
    template = {"labels": {"app": "shop"}, "annotations": {"note": "kept"}}
    made = world.apply(world.sealed(type="kubernetes.io/basic-auth", template=template))
    secret = world.wait_synced()
    assert secret["type"] == "kubernetes.io/basic-auth"
    assert secret["metadata"]["labels"] == {"app": "shop"}
    assert secret["metadata"]["annotations"] == {"note": "kept"}
    assert secret["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "bitnami.com/v1alpha1",
            "kind": "SealedSecret",
            "name": "db",
            "uid": made["metadata"]["uid"],
            "controller": True,
        }
    ]


def test_labels_of_the_sealed_secret_itself_are_not_copied(world: World) -> None:
    manifest = world.sealed()
    manifest["metadata"]["labels"] = {"argocd.argoproj.io/instance": "shop"}
    world.apply(manifest)
    assert "labels" not in world.wait_synced()["metadata"]


def test_a_changed_spec_changes_the_secret_and_drops_old_keys(world: World) -> None:
    world.apply(world.sealed(data={"a": b"1", "b": b"2"}))
    world.wait_data({"a": b"1", "b": b"2"})
    world.apply(world.sealed(data={"b": b"3"}))
    world.wait_data({"b": b"3"})


def test_a_template_label_that_goes_is_taken_away(world: World) -> None:
    world.apply(world.sealed(template={"labels": {"a": "1", "b": "2"}}))
    world.wait_synced()
    world.apply(world.sealed(template={"labels": {"b": "2"}}))
    wait_for("one label", lambda: world.secret()["metadata"]["labels"] == {"b": "2"})  # type: ignore[index]


def test_a_deleted_secret_is_made_again_at_once(world: World) -> None:
    world.apply(world.sealed())
    uid = world.wait_synced()["metadata"]["uid"]
    world.plane.api.delete("Secret", world.namespace, "db")
    wait_for("a new Secret", lambda: (s := world.secret()) and s["metadata"]["uid"] != uid)


def test_the_garbage_collector_removes_the_secret_of_a_deleted_sealed_secret(world: World) -> None:
    world.apply(world.sealed())
    world.wait_synced()
    world.plane.api.delete("SealedSecret", world.namespace, "db")
    wait_for("no Secret", lambda: world.secret() is None, 40)


def foreign(world: World, **metadata: object) -> None:
    world.plane.api.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "db", "namespace": world.namespace, **metadata},
            "stringData": {"theirs": "1", "password": "old"},
        }
    )


def test_a_foreign_secret_is_left_alone_until_it_is_deleted(world: World) -> None:
    foreign(world)
    world.apply(world.sealed())
    text = 'Resource "db" already exists and is not managed by SealedSecret'
    world.wait_condition("Synced", "False", text)
    assert world.condition("Stalled")["status"] == "True"
    assert text in world.wait_event("ErrUpdateFailed")["message"]
    assert world.data() == {"theirs": b"1", "password": b"old"}
    world.plane.api.delete("Secret", world.namespace, "db")
    world.wait_data({"password": b"s3cr3t"})
    world.wait_condition("Ready", "True")


def test_whoever_deletes_a_foreign_secret_may_make_it_again(world: World) -> None:
    foreign(world)
    world.apply(world.sealed())
    world.wait_condition("Synced", "False")
    world.plane.api.delete("Secret", world.namespace, "db")
    foreign(world)
    world.wait_condition("Synced", "False")
    assert world.data()["theirs"] == b"1"


def test_a_secret_annotated_as_managed_is_taken_over(world: World) -> None:
    foreign(world, annotations={MANAGED: "true"}, labels={"theirs": "1"})
    world.apply(world.sealed())
    world.wait_data({"password": b"s3cr3t"})
    metadata = world.wait_synced()["metadata"]
    assert metadata["ownerReferences"][0]["name"] == "db"
    assert "labels" not in metadata
    assert MANAGED not in metadata.get("annotations", {})


def test_the_managed_annotation_may_come_later(world: World) -> None:
    foreign(world)
    world.apply(world.sealed())
    world.wait_condition("Synced", "False")
    world.plane.api.patch(
        "Secret", world.namespace, "db", {"metadata": {"annotations": {MANAGED: "true"}}}
    )
    world.wait_data({"password": b"s3cr3t"})


def test_any_other_word_than_true_does_not_count(world: World) -> None:
    foreign(world, annotations={MANAGED: "True", PATCH: "yes"})
    world.apply(world.sealed())
    world.wait_condition("Synced", "False", "not managed")


def test_a_secret_annotated_for_patching_is_laid_over(world: World) -> None:
    foreign(world, annotations={PATCH: "true"}, labels={"theirs": "1"})
    world.apply(world.sealed(template={"labels": {"ours": "2"}}))
    world.wait_data({"theirs": b"1", "password": b"s3cr3t"})
    metadata = world.wait_synced()["metadata"]
    assert metadata["labels"] == {"theirs": "1", "ours": "2"}
    assert "ownerReferences" not in metadata


def test_patching_keeps_a_type_that_the_template_does_not_name(world: World) -> None:
    world.plane.api.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/basic-auth",
            "metadata": {
                "name": "db",
                "namespace": world.namespace,
                "annotations": {PATCH: "true"},
            },
            "stringData": {"username": "u", "password": "old"},
        }
    )
    world.apply(world.sealed())
    world.wait_data({"username": b"u", "password": b"s3cr3t"})
    world.wait_synced()


def test_skip_set_owner_references_works_on_its_own(world: World) -> None:
    template = {"annotations": {SKIP_OWNER: "true"}}
    world.apply(world.sealed(template=template))
    assert "ownerReferences" not in world.wait_synced()["metadata"]
    world.apply(world.sealed(data={"password": b"second"}, template=template))
    world.wait_data({"password": b"second"})
    world.plane.api.delete("Secret", world.namespace, "db")
    world.wait_data({"password": b"second"})


def test_a_replaced_sealed_secret_adopts_its_secret(world: World) -> None:
    world.apply(world.sealed())
    old = world.wait_synced()
    path = f"/apis/bitnami.com/v1alpha1/namespaces/{world.namespace}/sealedsecrets/db"
    world.plane.api.request("DELETE", path, {"propagationPolicy": "Orphan"})
    wait_for(
        "it is gone", lambda: world.plane.api.find("SealedSecret", world.namespace, "db") is None
    )
    stale = {**old["metadata"]["ownerReferences"][0], "uid": "00000000-dead-dead-dead-000000000000"}
    world.plane.api.patch(
        "Secret", world.namespace, "db", {"metadata": {"ownerReferences": [stale]}}
    )
    made = world.apply(world.sealed(data={"password": b"new"}))
    world.wait_data({"password": b"new"})
    owner = world.wait_synced()["metadata"]["ownerReferences"][0]
    assert owner["uid"] == made["metadata"]["uid"]


def test_an_immutable_secret_is_told_of_and_not_touched(world: World) -> None:
    world.apply(world.sealed(immutable=True))
    uid = world.wait_synced()["metadata"]["uid"]
    world.apply(world.sealed(data={"password": b"other"}, immutable=True))
    world.wait_condition("Stalled", "True", "the target Secret is immutable")
    assert "the target Secret is immutable" in world.wait_event("ErrUpdateFailed")["message"]
    assert world.data() == {"password": b"s3cr3t"}
    world.plane.api.delete("Secret", world.namespace, "db")
    world.wait_data({"password": b"other"})
    assert world.wait_synced()["metadata"]["uid"] != uid


def test_a_changed_type_is_told_of(world: World) -> None:
    world.apply(world.sealed())
    world.wait_synced()
    world.apply(world.sealed(type="example.com/other"))
    world.wait_condition("Stalled", "True", "type of a Secret cannot be changed")


@pytest.mark.parametrize(
    "kind", ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"]
)
def test_token_types_are_refused(world: World, kind: str) -> None:
    world.apply(
        world.sealed(
            type=kind, template={"annotations": {"kubernetes.io/service-account.name": "default"}}
        )
    )
    world.wait_condition("Stalled", "True", "are refused")
    assert world.secret() is None


def test_a_sealed_secret_in_the_controllers_namespace_cannot_make_a_sealing_key(
    world: World, controller: Controller
) -> None:
    template = {"labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"}}
    inside = World(world.plane, "kube-system", world.certificate)
    inside.apply(inside.sealed(name="evil", template=template))
    try:
        inside.wait_condition("Stalled", "True", "cannot make a sealing key", name="evil")
        assert inside.secret("evil") is None
    finally:
        world.plane.api.delete("SealedSecret", "kube-system", "evil")


def test_what_the_api_server_refuses_is_final_and_told(world: World) -> None:
    world.apply(world.sealed(data={"bad/key": b"x"}))
    world.wait_condition("Stalled", "True", "bad/key")


def test_status_cannot_be_written_through_the_main_resource(world: World) -> None:
    manifest = world.sealed()
    manifest["status"] = {"observedGeneration": 7}
    made = world.apply(manifest)
    assert made["status"] == {"observedGeneration": -1}


def test_a_sealed_secret_without_items_makes_an_empty_secret(world: World) -> None:
    world.apply(world.sealed(data={}))
    assert world.wait_synced().get("data") is None


def test_the_crd_refuses_what_the_peers_refuses(world: World) -> None:
    manifest = world.sealed()
    del manifest["spec"]["encryptedData"]
    with pytest.raises(ApiError, match="encryptedData"):
        world.apply(manifest)
