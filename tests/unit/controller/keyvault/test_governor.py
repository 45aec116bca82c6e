"""A vault's turns on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from controller.keyvault.poll.governor import BURST, RATE, Governor
from controller.keyvault.vault import ThrottledError


class Clock:
    """Sleeping moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def with_governor(body: Callable[[Governor, Clock], Awaitable[None]]) -> None:
    async def main() -> None:
        clock = Clock()
        await body(Governor(clock, clock.sleep), clock)

    asyncio.run(main())


def test_who_asks_for_much_waits_for_himself() -> None:
    async def body(governor: Governor, clock: Clock) -> None:
        many = [asyncio.create_task(governor.wait("hostile")) for _ in range(5000)]
        await asyncio.sleep(0)
        began = clock.now
        await governor.wait("shop")
        await governor.wait("")
        assert clock.now - began <= 6 / RATE
        assert sum(one.done() for one in many) < BURST + 10
        await asyncio.gather(*many)
        assert clock.now - began == pytest.approx((5002 - BURST) / RATE, abs=1)

    with_governor(body)


def test_all_that_wait_hear_that_the_vault_throttles() -> None:
    async def body(governor: Governor, clock: Clock) -> None:
        waiting = [asyncio.create_task(governor.wait("shop")) for _ in range(BURST + 50)]
        await asyncio.sleep(0)
        governor.throttled(30)
        began = clock.now
        said = await asyncio.gather(*waiting, return_exceptions=True)
        assert sum(isinstance(one, ThrottledError) for one in said) >= 49
        assert clock.now - began <= 1
        clock.now += 31
        await governor.wait("shop")

    with_governor(body)


def test_who_stops_waiting_costs_no_turn() -> None:
    async def body(governor: Governor, clock: Clock) -> None:
        many = [asyncio.create_task(governor.wait("hostile")) for _ in range(5000)]
        await asyncio.sleep(0)
        for one in many:
            one.cancel()
        began = clock.now
        await governor.wait("shop")
        assert clock.now - began <= 2 / RATE
        await asyncio.gather(*many, return_exceptions=True)

    with_governor(body)
