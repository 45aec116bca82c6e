"""PURE: a key's public half, which comes as JWK, into what the manifest asks for."""

from __future__ import annotations

import base64
import json

from controller.keyvault.target.values import BadValueError


def form(jwk: bytes, wanted: str) -> bytes:
    """``JWK`` as it is (RFC 7517), or ``PEM`` (SubjectPublicKeyInfo); raises BadValueError."""
    fields: dict[str, str] = json.loads(jwk)
    if fields["kty"] not in ("RSA", "EC"):
        raise BadValueError(f"is a symmetric key ({fields['kty']}): it has no public half")
    return jwk if wanted == "JWK" else _pem(fields)


def _pem(fields: dict[str, str]) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    curves: dict[str, type[ec.EllipticCurve]] = {
        "P-256": ec.SECP256R1,
        "P-384": ec.SECP384R1,
        "P-521": ec.SECP521R1,
        "secp256k1": ec.SECP256K1,
    }
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey
    try:
        if fields["kty"] == "RSA":
            key = rsa.RSAPublicNumbers(_number(fields["e"]), _number(fields["n"])).public_key()
        else:
            curve = curves[fields["crv"]]()
            x, y = _number(fields["x"]), _number(fields["y"])
            key = ec.EllipticCurvePublicNumbers(x, y, curve).public_key()
    except (KeyError, ValueError):
        raise BadValueError("is a key that PEM cannot be made of: try as: JWK") from None
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
