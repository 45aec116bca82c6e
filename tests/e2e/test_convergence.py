"""Two hundred random operations against a model, the controller killed twice; then all agrees."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sealer import encoding
from tests.e2e.conftest import World, new_pair
from tests.testbed.cluster import ApiError, wait_for

OPERATIONS = 200
NAMES = [f"s{number}" for number in range(12)]


@dataclass
class Model:
    """What every SealedSecret should have become; None: it does not open."""

    world: World
    dice: random.Random
    other: Any = field(default_factory=lambda: new_pair().certificate)
    expected: dict[str, dict[str, bytes] | None] = field(default_factory=dict)
    last_good: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def step(self) -> None:
        """One operation, whatever the dice say."""
        name = self.dice.choice(NAMES)
        operations = [self.write, self.write, self.write_bad, self.remove, self.replace]
        operations += [self.edit_secret, self.delete_secret]
        self.dice.choice(operations)(name)

    def write(self, name: str) -> None:
        """Create or change one."""
        data = {f"k{n}": os.urandom(4) for n in range(self.dice.randint(1, 3))}
        self.world.apply(self.world.sealed(name=name, data=data))
        self.expected[name] = data

    def write_bad(self, name: str) -> None:
        """Seal one for another cluster."""
        self.world.apply(self.world.sealed(name=name, certificate=self.other))
        self.expected[name] = None

    def remove(self, name: str) -> None:
        """Delete one, and its Secret by the garbage collector."""
        self._ignoring(
            404, lambda: self.world.plane.api.delete("SealedSecret", self.world.namespace, name)
        )
        self.expected.pop(name, None)

    def replace(self, name: str) -> None:
        """Delete one and make it again at once, as GitOps tools do."""
        self.remove(name)
        self.write(name)

    def edit_secret(self, name: str) -> None:
        """Somebody edits the Secret."""
        change = {"data": {"k0": encoding.encode(os.urandom(4)), "foreign": "eA=="}}
        self._ignoring(
            404, lambda: self.world.plane.api.patch("Secret", self.world.namespace, name, change)
        )

    def delete_secret(self, name: str) -> None:
        """Somebody deletes the Secret."""
        self._ignoring(
            404, lambda: self.world.plane.api.delete("Secret", self.world.namespace, name)
        )

    def _ignoring(self, status: int, action: Callable[[], Any]) -> None:
        try:
            action()
        except ApiError as error:
            if error.status != status:
                raise

    def agrees(self) -> bool:
        """Whether the cluster is as the model says; the rest is told on failure."""
        return not self.differences()

    def differences(self) -> list[str]:
        """Name what is not as it should be."""
        found = []
        for name in NAMES:
            if name not in self.expected:
                if self.world.secret(name) is not None:
                    found.append(f"{name}: a Secret is left")
                continue
            data = self.expected[name]
            ready = self.world.condition("Ready", name).get("status")
            if data is None and ready != "False":
                found.append(f"{name}: Ready is {ready}")
            if data is not None and (ready != "True" or self.world.data(name) != data):
                found.append(f"{name}: Ready is {ready}, or its values differ")
        return found


def test_after_two_hundred_random_operations_all_agrees(
    world: World, start: Callable[..., Any]
) -> None:
    seed = int(os.environ.get("SEED") or random.randrange(10**6))  # noqa: S311
    model = Model(world, random.Random(seed))  # noqa: S311 no secret
    for part in range(4):
        # The last one stays; the others are killed in the middle of their work.
        with start() as controller:
            for _ in range(OPERATIONS // 4):
                model.step()
            if part < 3:
                controller.process.stop(signal.SIGKILL if part % 2 else signal.SIGTERM)
                continue
            try:
                wait_for("all agrees", model.agrees, 40, 0.2)
            except AssertionError:
                raise AssertionError(f"SEED={seed}: {model.differences()}") from None
            versions = {n: (world.secret(n) or {}).get("metadata") for n in NAMES}
            assert controller.get("/healthz")[0] == 200
    assert versions == {n: (world.secret(n) or {}).get("metadata") for n in NAMES}
