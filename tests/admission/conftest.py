"""A cage on the real API server, with a thief in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.admission.rig import (
    Request,
    Values,
    account,
    cluster_admin,
    policies,
    remove_all,
    wait_refused,
)
from tests.admission.world import EVIL, World, build
from tests.testbed.cluster import Api, ControlPlane
from tests.testbed.rights import grant

VALUES: Values = {
    "fullnameOverride": "caged",
    "crds": {"create": False},
    "recreateImmutable": True,
    "oldGcBehavior": True,
    "keyVault": {"enabled": True, "serviceAccounts": ["*"]},
}
ALONE = {**VALUES, "fullnameOverride": "alone", "rbac": {"create": False}}


@dataclass(frozen=True)
class Thieves:
    """Whoever holds a token of the controller."""

    caged: Api
    """With the chart's rights."""
    alone: Api
    """An account that RBAC refuses nothing."""


@pytest.fixture(scope="module")
def world(plane: ControlPlane) -> World:
    """Secrets of all kinds."""
    tag = os.urandom(3).hex()
    own, shop = plane.api.namespace(f"cage-own-{tag}"), plane.api.namespace(f"cage-shop-{tag}")
    return build(plane, own, shop)


@pytest.fixture(scope="module")
def thieves(plane: ControlPlane, world: World) -> Iterator[Thieves]:
    """Their cages are in force."""
    grant(plane, world.own, VALUES)
    alone = cluster_admin(plane, world.own, "alone")
    thieves = Thieves(account(plane, world.own, "caged"), alone)
    held = policies(ALONE, world.own)
    for one in held:
        plane.api.create(one)
    probes = [EVIL[one](world) for one in ("make-nobodys", "event-as-kubelet")]
    wait_refused(thieves.caged, *probes)
    wait_refused(alone, *probes, config_map(world))
    yield thieves
    remove_all(plane, [*policies(VALUES, world.own), *held])


def config_map(world: World) -> Request:
    """What the controller never writes."""
    metadata = {"name": "x", "namespace": world.shop}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    return Request("POST", f"/api/v1/namespaces/{world.shop}/configmaps", body)
