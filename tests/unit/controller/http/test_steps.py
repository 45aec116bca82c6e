"""Verify and rotate by steps: what each costs, and where they end."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from controller.http import steps
from sealer.errors import UnsealError
from sealer.sealed import SealedSecret
from sealer.sealing import seal
from sealer.secret import Secret
from sealer.unsealing import unseal
from tests.sealing_keys import pair, ring

METADATA = {"name": "db", "namespace": "shop"}
RING = ring("one", "two", "three")


def sealed(*names: str) -> SealedSecret:
    """An item for each name, sealed for the key of that name."""
    made = {
        name: seal(
            Secret(name="db", namespace="shop", data={"k": name.encode()}), pair(name).certificate
        )
        for name in set(names)
    }
    items = {f"k{at}": made[name].encrypted_data["k"] for at, name in enumerate(names)}
    # Nothing says which key sealed it, as in what kubeseal makes.
    return replace(next(iter(made.values())), encrypted_data=items, metadata=METADATA)


def costs(work: steps.Steps[object]) -> tuple[list[int], bool]:
    """What each step cost, and whether it came to its end."""
    found = []
    try:
        for cost in work:
            found.append(cost)  # noqa: PERF402 what came before an error counts
    except UnsealError:
        return found, False
    return found, True


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(("one", "one", "one"), ([1, 1, 1], True), id="newest"),
        pytest.param(("three", "three", "three"), ([3, 1, 1], True), id="oldest-is-remembered"),
        pytest.param(("three", "one", "three"), ([3, 1, 3], True), id="who-changes-pays"),
        pytest.param(("one", "four", "one"), ([1, 3], False), id="ends-at-the-first-that-fails"),
        pytest.param(("four",) * 1000, ([3], False), id="junk"),
        pytest.param((), ([], True), id="nothing"),
    ],
)
def test_each_item_costs_the_keys_that_are_tried(
    names: tuple[str, ...], expected: tuple[list[int], bool]
) -> None:
    manifest = sealed(*names) if names else replace(sealed("one"), encrypted_data={})
    assert costs(steps.verify(manifest, RING)) == expected
    assert costs(steps.rotate(manifest, RING)) == expected


def test_rotate_ends_with_the_same_secret_for_the_newest_key() -> None:
    work = steps.rotate(sealed("three", "one", "three"), RING)
    while True:
        try:
            next(work)
        except StopIteration as stop:
            rotated = SealedSecret.from_dict(json.loads(stop.value))
            break
    assert rotated.encrypted_data["k0"] == rotated.encrypted_data["k2"]
    assert unseal(rotated, ring("one")).data == {"k0": b"three", "k1": b"one", "k2": b"three"}
