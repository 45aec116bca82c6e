"""Base64 as Go's ``encoding/base64.StdEncoding`` reads and writes it."""

from __future__ import annotations

import base64
import binascii


def encode(value: bytes) -> str:
    """Write standard base64, padded, on one line."""
    return base64.b64encode(value).decode("ascii")


def decode(text: str) -> bytes:
    """Read standard base64, padded; CR and LF anywhere are passed over, all else is refused.

    Raises ValueError with a constant text: what failed to decode may be a secret.
    """
    try:
        compact = text.replace("\r", "").replace("\n", "")
        return base64.b64decode(compact.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        raise ValueError("not valid base64") from None
