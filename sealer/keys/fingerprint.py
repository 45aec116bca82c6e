"""A certificate's fingerprint as people write it: SHA-256 of the DER, in hex."""

from __future__ import annotations

import re

_FORM = re.compile(r"[0-9a-f]{64}")


def normal(text: str) -> str:
    """Return 64 lower-case hex digits; ValueError for anything else.

    Takes what ``seal cert`` and ``openssl x509 -fingerprint -sha256`` print: colons, capitals and
    the name of the hash do not count.
    """
    digits = text.strip().lower().removeprefix("sha256 fingerprint=").removeprefix("sha256:")
    digits = digits.replace(":", "")
    if not _FORM.fullmatch(digits):
        raise ValueError("not the SHA-256 fingerprint of a certificate: 64 hex digits")
    return digits
