"""Secrets that must not be told, and how to find them in what was told."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from urllib.parse import quote


def spellings(secret: str) -> set[str]:
    """A secret as logs, errors and dumps might write it; of a token also its signature alone."""
    raw = secret.encode()
    found = {secret, repr(secret)[1:-1], repr(raw)[2:-1], quote(secret, safe="")}
    found.add(binascii.hexlify(raw).decode())
    # In the middle of other bytes base64 begins at one of three places.
    for lead in range(3):
        text = base64.b64encode(b"\0" * lead + raw).decode()
        cut = text[4 if lead else 0 : -4]
        found |= {cut, cut.translate(str.maketrans("+/", "-_"))}
    if secret.count(".") == 2 and secret.startswith("ey"):
        found.add(secret.rsplit(".", 1)[1])
    return {one for one in found if len(one) >= 8}


def leaks(told: str, secrets: Iterable[str]) -> list[str]:
    """Return the secrets that a text tells in any spelling."""
    return [secret for secret in secrets if any(one in told for one in spellings(secret))]
