"""pytest fixtures of the testbed; ``tests/conftest.py`` makes them known to every folder."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.testbed import binaries, sources
from tests.testbed.cluster import (
    ControlPlane,
    can_have_network,
    control_plane,
    enter_network_namespace,
)

if TYPE_CHECKING:
    from tests.testbed.azure.server import Azure


def need(*names: str) -> None:
    """Build these components; skip by name where that cannot be done, and fail so in CI."""
    for name in names:
        try:
            binaries.path(name)
        except binaries.UnavailableError as error:
            if os.environ.get("CI") == "true":
                pytest.fail(str(error))
            pytest.skip(str(error))


def need_program(name: str) -> None:
    """Skip by name where the machine has no such program, and fail so in CI."""
    if shutil.which(name) is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"there is no {name}")
        pytest.skip(f"there is no {name}")


@pytest.fixture(scope="session")
def network() -> bool:
    """Whether the tests have a network of their own, so that the service proxy works.

    Nothing can be fetched after this: all components are built before.
    """
    need(*binaries.TOOLS)
    for name in sources.MODULES:
        sources.folder(name)
    if not can_have_network():
        return False
    enter_network_namespace()
    return True


@pytest.fixture(scope="session")
def plane(network: bool) -> Iterator[ControlPlane]:
    """A control plane for the whole run; use a namespace of your own in it."""
    # Not at the top: it renders the chart with helm, and that needs what is in here.
    from tests.testbed.rights import Accounts

    with control_plane() as plane:
        plane.accounts = Accounts(plane).kubeconfig
        yield plane


@pytest.fixture
def namespace(plane: ControlPlane, request: pytest.FixtureRequest) -> str:
    """A fresh namespace, named after the test."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    fresh = f"{words[:40].strip('-')}-{os.urandom(3).hex()}"
    return plane.api.namespace(fresh)


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory, plane: ControlPlane) -> Iterator[Azure]:
    """Key Vault and Entra; after the plane, which may have moved us into another network."""
    # Not at the top: few tests need it.
    from tests.testbed.azure.server import Azure

    azure = Azure(tmp_path_factory.mktemp("azure")).start()
    azure.entra.issuer_keys = lambda issuer: plane.api.request("GET", "/openid/v1/jwks")
    yield azure
    azure.stop()
