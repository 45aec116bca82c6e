"""One browser for the whole folder, and the page from a file and from the controller."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.http.endpoints import Endpoints, State
from controller.http.listening import serve
from controller.http.page import Page
from controller.http.ratelimit import RateLimit
from controller.metrics import Metrics
from sealer.page import Cluster, build
from tests.sealing_keys import pair, private_pem, ring
from tests.testbed import chromium
from tests.testbed.binaries import UnavailableError
from tests.testbed.cluster import free_port

CLUSTERS = ("prod", "dev")


@dataclass(frozen=True)
class Origin:
    """Where a page comes from, and the key that opens what it seals first."""

    url: str
    cluster: str
    folder: Path

    @property
    def key(self) -> Path:
        return self.folder / f"{CLUSTERS[0]}.key"

    @property
    def cert(self) -> Path:
        return self.folder / f"{CLUSTERS[0]}.pem"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NAME.pem and NAME.key of two clusters, and seal.html for both."""
    folder = tmp_path_factory.mktemp("page")
    for name in CLUSTERS:
        (folder / f"{name}.pem").write_bytes(pair(name).certificate.pem)
        (folder / f"{name}.key").write_bytes(private_pem(pair(name).private_key))
    clusters = [Cluster(name, pair(name).certificate) for name in CLUSTERS]
    (folder / "seal.html").write_bytes(build(clusters))
    return folder


@pytest.fixture(scope="session")
def browser(folder: Path) -> Iterator[chromium.Chromium]:
    """Debian's Chromium; skipped by name where there is none, and a failure in CI."""
    try:
        chromium.program()
    except UnavailableError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    # A name that is no loopback address: a page from there has no secure context.
    with chromium.Chromium(
        folder / "profile", "--host-resolver-rules=MAP seal.example 127.0.0.1"
    ) as running:
        yield running


@pytest.fixture(scope="session")
def from_file(folder: Path) -> Origin:
    """The page that somebody saved."""
    return Origin(f"{(folder / 'seal.html').as_uri()}", CLUSTERS[0], folder)


@pytest.fixture(scope="session")
def from_controller(folder: Path) -> Iterator[Origin]:
    """The page as the controller's own endpoints serve it."""
    port, name = free_port(), "the shop's cluster"
    loop, started = asyncio.new_event_loop(), threading.Event()
    ends: list[Callable[[], Awaitable[None]]] = []

    async def start() -> None:
        state = State(ring=lambda: ring(*CLUSTERS), alive=str, ready=str, page=Page(name))
        limit = RateLimit(1, 1, clock=loop.time)
        metrics = Metrics(version="test", omit_secret_labels=False)
        endpoints = Endpoints(state, metrics, limit, read=5)
        end = await serve(endpoints.application(), f"127.0.0.1:{port}")
        ends.append(end)
        started.set()

    async def finish() -> None:
        for end in ends:
            await end()

    def run() -> None:
        loop.run_until_complete(start())
        loop.run_forever()

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(10)
    yield Origin(f"http://127.0.0.1:{port}/v1/page", name, folder)
    asyncio.run_coroutine_threadsafe(finish(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture(params=["file", "controller"])
def origin(request: pytest.FixtureRequest) -> Origin:
    """The page from both places."""
    found: Origin = request.getfixturevalue(f"from_{request.param}")
    return found


@pytest.fixture(scope="session")
def shared_tab(browser: chromium.Chromium) -> chromium.Tab:
    """One tab for all: a process for each would take most of the time."""
    return browser.open("about:blank")


@pytest.fixture
def open_page(shared_tab: chromium.Tab) -> Iterator[Callable[[str], chromium.Tab]]:
    """Open an address in the tab; at the end its console must have been silent."""

    def open_(url: str) -> chromium.Tab:
        shared_tab.go("about:blank")
        shared_tab.browser.events.clear()
        shared_tab.go(url)
        return shared_tab

    yield open_
    assert shared_tab.complaints() == []


@pytest.fixture
def tab(open_page: Callable[[str], chromium.Tab], from_file: Origin) -> chromium.Tab:
    """The saved page, open."""
    return open_page(from_file.url)
