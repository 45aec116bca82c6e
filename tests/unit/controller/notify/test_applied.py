from __future__ import annotations

from typing import Any

import pytest

from controller.notify.applied import Applied, believed
from controller.notify.batch import Batch
from controller.notify.notice import Owner
from tests.unit.controller.notify.test_batch import notice

APPS = Owner("kustomize.toolkit.fluxcd.io", "Kustomization", "flux-system", "apps")
NOTICES = (notice(name="db"), notice(name="api"))


def kustomization(*ids: str) -> dict[str, Any]:
    entries = [{"id": one, "v": "v1alpha1"} for one in ids]
    return {
        "kind": "Kustomization",
        "spec": {"targetNamespace": "shop"},
        "status": {"lastAppliedRevision": "main@sha1:1", "inventory": {"entries": entries}},
    }


def release(target: str) -> dict[str, Any]:
    return {"kind": "HelmRelease", "spec": {"targetNamespace": target}, "status": {}}


@pytest.mark.parametrize(
    "owner",
    [
        kustomization(
            "shop_db_bitnami.com_SealedSecret",
            "shop_api_bitnami.com_SealedSecret",
        ),
        release("shop"),
    ],
)
def test_who_applied_all_of_them_may_speak_of_them(owner: dict[str, Any]) -> None:
    batch = Batch(APPS, "shop", "error", NOTICES)
    assert believed(batch, Applied.read(owner)) is batch


@pytest.mark.parametrize(
    "owner",
    [{}, kustomization(), kustomization("other_db_bitnami.com_SealedSecret"), release("other")],
)
def test_a_label_alone_is_not_believed(owner: dict[str, Any]) -> None:
    batch = Batch(APPS, "shop", "error", NOTICES)
    for only in (True, False):
        assert believed(batch, Applied.read(owner), only=only).owner is None


def test_an_owner_of_the_same_namespace_is_believed() -> None:
    batch = Batch(Owner(APPS.group, APPS.kind, "shop", "apps"), "shop", "error", NOTICES)
    assert believed(batch, Applied()) is batch


def test_what_hides_among_what_was_applied_is_told_without_the_owner() -> None:
    applied = Applied.read(kustomization("shop_db_bitnami.com_SealedSecret"))
    batch = Batch(APPS, "shop", "error", NOTICES)
    assert believed(batch, applied).owner is None
    assert believed(batch, applied, only=True) == Batch(APPS, "shop", "error", NOTICES[:1])


def with_revisions(reason: str, **revisions: str) -> dict[str, Any]:
    conditions = [{"type": "Stalled", "reason": "x"}, {"type": "Ready", "reason": reason}]
    return {"status": {**revisions, "conditions": conditions}}


@pytest.mark.parametrize(
    ("owner", "revision"),
    [
        pytest.param(kustomization(), "main@sha1:1", id="only-applied"),
        pytest.param({"status": {"lastAttemptedRevision": "1.2.3"}}, "1.2.3", id="a-release"),
        pytest.param({}, "", id="nothing"),
        pytest.param(
            with_revisions("Progressing", lastAppliedRevision="a", lastAttemptedRevision="b"),
            "b",
            id="being-applied",
        ),
        pytest.param(
            with_revisions("HealthCheckFailed", lastAppliedRevision="a", lastAttemptedRevision="b"),
            "b",
            id="failed-since-it-broke-the-object",
        ),
        pytest.param(
            with_revisions("BuildFailed", lastAppliedRevision="a", lastAttemptedRevision="b"),
            "a",
            id="never-built",
        ),
        pytest.param(
            with_revisions("ArtifactFailed", lastAppliedRevision="a", lastAttemptedRevision="b"),
            "a",
            id="never-fetched",
        ),
        pytest.param(
            with_revisions("BuildFailed", lastAttemptedRevision="b"), "", id="nothing-applied-yet"
        ),
    ],
)
def test_the_revision_is_the_one_that_the_objects_are_of(
    owner: dict[str, Any], revision: str
) -> None:
    assert Applied.read(owner).revision == revision
