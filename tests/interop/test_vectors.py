"""The real kubeseal says of every vector what the vector says it does."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import Any

import pytest

from tests.interop import peers
from tests.testbed.fixtures import need
from tests.vectors.vector import HERE, Vector, all_vectors


@pytest.mark.parametrize("vector", [pytest.param(one, id=one.name) for one in all_vectors()])
def test_kubeseal_agrees_with_a_vector(vector: Vector) -> None:
    need("kubeseal")
    keys = ",".join(str(HERE / "keys" / name) for name in vector.keys)
    done = subprocess.run(
        [*peers.kubeseal(), "--recovery-unseal", "--recovery-private-key", keys],
        input=vector.manifest.encode(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode == 0) == vector.kubeseal_succeeds, done.stderr.decode()
    if vector.secret is not None and done.returncode == 0:
        assert essence(json.loads(done.stdout)) == essence(vector.secret)


def essence(manifest: dict[str, Any]) -> dict[str, Any]:
    """The Secret without kubeseal's owner; an empty value is null there."""
    metadata = {k: v for k, v in manifest["metadata"].items() if k != "ownerReferences"}
    found = {"metadata": metadata, "type": manifest.get("type")}
    found["immutable"] = manifest.get("immutable")
    found["data"] = {k: base64.b64decode(text or "") for k, text in manifest["data"].items()}
    return found
