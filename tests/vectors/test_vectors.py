"""Files made by the real kubeseal open, or fail by the layer they say; no Go is needed."""

from __future__ import annotations

import base64
from collections import Counter
from typing import Any

import pytest

from sealer.errors import (
    ManifestError,
    ManyErrors,
    NoKeyError,
    SealerError,
    TemplateError,
    UnsealError,
)
from sealer.keys.keyfile import read_keys
from sealer.keys.ring import KeyRing
from sealer.manifest import read_documents
from sealer.sealed import SealedSecret
from sealer.secret import Secret
from sealer.unsealing import unseal
from tests.vectors.vector import OUTCOMES, Vector, all_vectors, key_text

ALL = all_vectors()
LAYERS: dict[str, type[SealerError]] = {
    "malformed": ManifestError,
    "no-key": NoKeyError,
    "item-failure": UnsealError,
    "template-failure": TemplateError,
}


def params(expect: set[str]) -> list[Any]:
    """The vectors with these outcomes."""
    return [pytest.param(one, id=one.name) for one in ALL if one.expect in expect]


def opened(vector: Vector) -> Secret:
    """Take the straight line from a text and key files to a Secret."""
    pairs = [pair for name in vector.keys for pair in read_keys(key_text(name), name)]
    documents = [one for one in read_documents(vector.manifest, vector.name) if not one.is_empty]
    (resource,) = documents[0].resources()
    return unseal(SealedSecret.from_dict(resource.value), KeyRing.of(pairs))


def essence(manifest: dict[str, Any]) -> dict[str, Any]:
    """What a vector says of its Secret; an empty value may be null."""
    metadata = {k: v for k, v in manifest["metadata"].items() if k != "ownerReferences"}
    found = {"metadata": metadata, "type": manifest.get("type")}
    found["immutable"] = manifest.get("immutable")
    found["data"] = {k: base64.b64decode(text or "") for k, text in manifest["data"].items()}
    return found


@pytest.mark.parametrize("vector", params(expect={"success"}))
def test_a_vector_opens(vector: Vector) -> None:
    assert vector.secret is not None
    assert essence(opened(vector).to_dict()) == essence(vector.secret)


@pytest.mark.parametrize("vector", params(expect=set(LAYERS)))
def test_a_vector_fails_by_its_layer(vector: Vector) -> None:
    with pytest.raises(SealerError) as caught:
        opened(vector)
    error = caught.value
    errors = error.errors if isinstance(error, ManyErrors) else (error,)
    layer = LAYERS[vector.expect]
    # NoKeyError is an UnsealError, too: a new key would cure it.
    assert all(isinstance(one, layer) for one in errors), errors
    failed = {key for one in errors if (key := getattr(one, "key", None))}
    assert sorted(failed) == list(vector.items)


def test_the_vectors_cover_every_outcome() -> None:
    counted = Counter(one.expect for one in ALL)
    assert set(counted) == set(OUTCOMES)
    assert len(ALL) >= 80
