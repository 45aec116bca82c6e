"""``from: {key}`` through the real SDK: each kind of key, as PEM and as JWK."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.keyvault.conftest import Run
from tests.keyvault.simulation import CLIENT, Simulation

RSA_KEY = rsa.generate_private_key(65537, 2048).public_key()
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "k", "key_hsm"}


def curve(kind: type[ec.EllipticCurve]) -> ec.EllipticCurvePublicKey:
    return ec.generate_private_key(kind()).public_key()


async def published(half: Simulation) -> None:
    half.store.grant(CLIENT, "secrets/list", "secrets/get", "keys/get")
    await half.vault()
    half.secret(
        "db",
        {"key": "pem", "from": {"key": "signing", "as": "PEM"}},
        {"key": "jwk", "from": {"key": "signing", "as": "JWK"}},
    )
    await half.settle()


@pytest.mark.parametrize("hsm", [False, True], ids=["software", "hsm"])
@pytest.mark.parametrize(
    ("key", "name"),
    [
        pytest.param(RSA_KEY, "", id="rsa"),
        pytest.param(curve(ec.SECP256R1), "P-256", id="p-256"),
        pytest.param(curve(ec.SECP384R1), "P-384", id="p-384"),
        pytest.param(curve(ec.SECP521R1), "P-521", id="p-521"),
        pytest.param(curve(ec.SECP256K1), "secp256k1", id="p-256k"),
    ],
)
def test_each_kind_of_key_is_published_as_pem_and_as_jwk(
    run: Run, key: Any, name: str, hsm: bool
) -> None:
    async def test(half: Simulation) -> None:
        half.store.set_key("signing", key, hsm=hsm)
        await published(half)
        data = half.data("db") or {}
        assert load_pem_public_key(data["pem"].encode()) == key
        jwk = json.loads(data["jwk"])
        # Another library reads it, and finds the same key.
        reader = ECAlgorithm if name else RSAAlgorithm
        assert reader.from_jwk(jwk) == key
        assert (jwk["kty"], jwk.get("crv", "")) == ("EC" if name else "RSA", name)
        assert not PRIVATE & set(jwk)

    run(test)


def test_a_symmetric_key_is_refused_in_words(run: Run) -> None:
    async def test(half: Simulation) -> None:
        half.store.set_key("signing", None, hsm=True)
        await published(half)
        assert half.data("db") is None
        assert half.ready("db") == ("False", "BadValue")
        assert "no public half" in half.status("db")["conditions"][0]["message"]

    run(test)
