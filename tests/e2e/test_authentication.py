"""Verify and rotate for those who may: tokens and rights of the real API server, its real proxy."""

from __future__ import annotations

import http.client
import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.e2e.conftest import World
from tests.testbed import binaries
from tests.testbed.cluster import POD_ADDRESS, ControlPlane, wait_for
from tests.testbed.controllers import NAMESPACE, SERVICE, Controller, ours
from tests.testbed.rights import CALLER

FAST = ("--rate-limit=1000", "--rate-limit-burst=1000")


@pytest.fixture(scope="module")
def controller(plane: ControlPlane, pair: Any, network: bool) -> Iterator[Controller]:
    """A controller that trusts the address of the API server's proxy, and no other."""
    with ours(plane, *FAST, "--authenticate", f"--trusted-proxies={POD_ADDRESS}") as running:
        if network:
            plane.publish(NAMESPACE, SERVICE, running.port)
        yield running
        if network:
            plane.unpublish(NAMESPACE, SERVICE)


def token(plane: ControlPlane, name: str, *audiences: str) -> str:
    """A token of a service account of the namespace `default`, which is made if need be."""
    account = {"name": name, "namespace": "default"}
    if plane.api.find("ServiceAccount", "default", name) is None:
        plane.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    spec = {"spec": {"expirationSeconds": 3600, "audiences": list(audiences)}}
    path = f"/api/v1/namespaces/default/serviceaccounts/{name}/token"
    made: str = plane.api.request("POST", path, spec)["status"]["token"]
    return made


def post(controller: Controller, world: World, path: str, authorization: str) -> int:
    """POST a SealedSecret from an address that is nobody's in particular."""
    headers = {"Authorization": authorization} if authorization else {}
    with closing(http.client.HTTPConnection("127.0.0.1", controller.port)) as connection:
        connection.request("POST", path, json.dumps(world.sealed()), headers)
        return connection.getresponse().status


@pytest.mark.parametrize("path", ["/v1/verify", "/v1/rotate"])
def test_a_token_with_the_right_passes_and_nothing_else(
    plane: ControlPlane, world: World, controller: Controller, path: str
) -> None:
    good = token(plane, CALLER["name"])
    wait_for("the binding counts", lambda: post(controller, world, path, f"Bearer {good}") == 200)
    assert post(controller, world, path, f"Bearer {token(plane, 'stranger')}") == 403
    elsewhere = token(plane, CALLER["name"], "api://elsewhere")
    for shown in ("", "Bearer", f"Basic {good}", f"Bearer {good[:-9]}", f"Bearer {elsewhere}"):
        assert post(controller, world, path, shown) == 401
    assert post(controller, world, path, f"bearer {good}") == 200
    assert good not in controller.log


def test_what_needs_no_right_needs_no_token(controller: Controller) -> None:
    for path in ("/healthz", "/readyz", "/v1/cert.pem"):
        assert controller.get(path)[0] == 200


def test_who_says_that_he_is_the_proxy_is_not(controller: Controller, world: World) -> None:
    headers = {"X-Forwarded-For": POD_ADDRESS, "X-Real-IP": POD_ADDRESS, "Forwarded": POD_ADDRESS}
    with closing(http.client.HTTPConnection("127.0.0.1", controller.port)) as connection:
        connection.request("POST", "/v1/verify", json.dumps(world.sealed()), headers)
        assert connection.getresponse().status == 401


@pytest.mark.usefixtures("network", "controller")
def test_kubeseal_validates_and_re_encrypts_through_the_api_server(
    plane: ControlPlane, world: World
) -> None:
    command = (str(binaries.path("kubeseal")), f"--kubeconfig={plane.kubeconfig}")
    where = (f"--controller-namespace={NAMESPACE}", f"--controller-name={SERVICE}")
    for flag in ("--validate", "--re-encrypt"):
        subprocess.run(
            [*command, *where, flag],
            input=json.dumps(world.sealed()),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )


def test_without_an_answer_nobody_passes(plane: ControlPlane, world: World) -> None:
    """An account that may not ask: as with rbac.create=false and nothing instead."""
    good = token(plane, CALLER["name"])
    asleep = ("--authenticate", *FAST)
    assert plane.accounts is not None
    account = plane.accounts(NAMESPACE, ())
    with ours(plane, *asleep, kubeconfig=account, name="blind") as blind:
        assert post(blind, world, "/v1/verify", f"Bearer {good}") == 503
        assert "cannot ask who may" in blind.log
        assert good not in blind.log
