"""Fixtures: an Azure under a simulated clock, and the half that polls it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from azure.keyvault.secrets._shared import http_challenge_cache

from tests.keyvault.simulation import Clock, Simulation
from tests.testbed.azure.server import Azure

Run = Callable[[Callable[[Simulation], Awaitable[None]]], None]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run an async test with a simulation of its own."""
    clock = Clock()
    azure = Azure(tmp_path, now=clock)
    azure.entra.lifetime = 7200
    azure.start()
    monkeypatch.setenv("SSL_CERT_FILE", str(azure.authority.bundle))

    def start(test: Callable[[Simulation], Awaitable[None]]) -> None:
        async def whole() -> None:
            simulation = Simulation(azure, clock)
            try:
                await test(simulation)
            finally:
                await simulation.close()

        asyncio.run(whole())

    yield start
    azure.stop()


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    """An Azure of its own by the clock on the wall, trusted through ``SSL_CERT_FILE``."""
    # The SDK remembers challenges by host for the whole process.
    http_challenge_cache.clear()
    azure = Azure(tmp_path).start()
    monkeypatch.setenv("SSL_CERT_FILE", str(azure.authority.bundle))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    yield azure
    azure.stop()
