"""Edits of a Secret that a SealedSecret owns: reverted, reported or ignored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.e2e.conftest import World
from tests.testbed.cluster import wait_for

DRIFT = "sealed_secrets_controller_drift_total"


def edit(world: World, change: dict[str, Any]) -> None:
    world.plane.api.patch("Secret", world.namespace, "db", change)


def test_drift_is_reverted_with_an_event_that_names_keys_and_a_metric(
    world: World, start: Callable[..., Any]
) -> None:
    with start() as controller:
        world.apply(world.sealed(data={"a": b"1", "b": b"2"}))
        world.wait_synced()
        edit(world, {"data": {"a": "aGFja2Vk", "extra": "eA=="}})
        world.wait_data({"a": b"1", "b": b"2"})
        message = world.wait_event("DriftCorrected")["message"]
        assert message == "Secret was edited and is restored: data.a, data.extra"
        assert controller.metric(DRIFT, namespace=world.namespace) == 1
        assert "hacked" not in controller.log
        world.wait_condition("Ready", "True")


def test_a_removed_owner_label_or_annotation_of_ours_comes_back(
    world: World, start: Callable[..., Any]
) -> None:
    with start():
        world.apply(world.sealed(template={"labels": {"app": "shop"}}))
        world.wait_synced()
        edit(world, {"metadata": {"labels": {"app": "other"}}})
        wait_for("label", lambda: world.secret()["metadata"]["labels"] == {"app": "shop"}, 4)  # type: ignore[index]


def test_foreign_labels_and_annotations_are_no_drift(
    world: World, start: Callable[..., Any]
) -> None:
    with start() as controller:
        world.apply(world.sealed(template={"labels": {"app": "shop"}}))
        world.wait_synced()
        edit(world, {"metadata": {"labels": {"theirs": "1"}, "annotations": {"reloader": "x"}}})
        # A second edit that is drift proves that the first was looked at and left.
        edit(world, {"data": {"password": "eA=="}})
        world.wait_data({"password": b"s3cr3t"})
        assert len(world.events(reason="DriftCorrected")) == 1
        assert controller.metric(DRIFT, namespace=world.namespace) == 1


def test_drift_can_be_reported_only(world: World, start: Callable[..., Any]) -> None:
    with start("--drift=report") as controller:
        world.apply(world.sealed())
        world.wait_synced()
        edit(world, {"data": {"password": "eA=="}})
        message = world.wait_event("DriftDetected")["message"]
        assert message == "Secret was edited and is left so: data.password"
        assert world.data() == {"password": b"x"}
        assert controller.metric(DRIFT, namespace=world.namespace) == 1
        world.apply(world.sealed(data={"password": b"new"}))
        world.wait_data({"password": b"new"})


def test_drift_can_be_ignored_and_a_deleted_secret_still_comes_back(
    world: World, start: Callable[..., Any]
) -> None:
    with start("--drift=ignore"):
        world.apply(world.sealed())
        world.wait_synced()
        edit(world, {"data": {"password": "eA=="}})
        world.plane.api.delete("Secret", world.namespace, "db")
        world.wait_data({"password": b"s3cr3t"})
        assert world.events(reason="DriftCorrected") == []


def test_with_skip_recreate_nothing_is_watched(world: World, start: Callable[..., Any]) -> None:
    with start("--skip-recreate"):
        world.apply(world.sealed())
        world.wait_synced()
        world.plane.api.delete("Secret", world.namespace, "db")
        other = World(world.plane, world.namespace, world.certificate)
        other.apply(other.sealed(name="later"))
        other.wait_synced("later")
        assert world.secret() is None


def test_a_secret_deleted_or_edited_while_nobody_watched_is_put_right_at_start(
    world: World, start: Callable[..., Any]
) -> None:
    with start():
        world.apply(world.sealed())
        world.apply(world.sealed(name="gone"))
        world.wait_synced()
        world.wait_synced("gone")
    edit(world, {"data": {"password": "eA=="}})
    world.plane.api.delete("Secret", world.namespace, "gone")
    with start():
        world.wait_data({"password": b"s3cr3t"})
        world.wait_data({"password": b"s3cr3t"}, name="gone")
        world.wait_event("DriftCorrected")
