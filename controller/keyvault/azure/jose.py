"""PURE: the claims of a token for people, and the public half of a key as JWK (RFC 7517)."""

from __future__ import annotations

import base64
import json
from typing import Any


def claims(assertion: str) -> tuple[str, str, str]:
    """Issuer, subject and audience of a JWT, for people; it is not checked."""
    try:
        body = assertion.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        audience = found.get("aud")
        first = audience[0] if isinstance(audience, list) else audience
        return str(found.get("iss")), str(found.get("sub")), str(first)
    except (IndexError, ValueError):
        return "?", "?", "?"


def public_jwk(key: Any) -> bytes:
    """Write a key of the SDK; private numbers are never looked at.

    Where a key lies is nothing to its readers, who know no ``RSA-HSM``; and what Azure calls
    P-256K is secp256k1 to everybody else (RFC 8812).
    """
    public = {"kty": str(getattr(key.kty, "value", key.kty)).removesuffix("-HSM")}
    if key.crv:
        curve = str(getattr(key.crv, "value", key.crv))
        public["crv"] = "secp256k1" if curve == "P-256K" else curve
    for name in ("n", "e", "x", "y"):
        number = getattr(key, name, None)
        if number is not None:
            public[name] = base64.urlsafe_b64encode(number).rstrip(b"=").decode()
    return json.dumps(public, separators=(",", ":")).encode()
